"""Predictions that are written for tools are read again."""

import json
import re

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures
from PIL import Image
from predictions import NAMES, SKELETON, largest_difference, predict_people
from scipy import ndimage

from hrnet_tf.data.formats.tools import FORMATS, read_labelled
from hrnet_tf.data.formats.tools.label_maps import painted
from hrnet_tf.data.formats.tools.writers import (
    coco,
    cvat,
    label_studio,
    labelme,
    masks,
    yolo,
)
from hrnet_tf.data.formats.tools.writers.predicted import found_in
from hrnet_tf.data.formats.tools.writers.segments import class_masks, outline, parts
from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.tasks.segmentation.result import SegmentationMap


@pytest.fixture
def predictions(tmp_path):
    return predict_people(tmp_path)


def accept(path):
    """Makes annotations of Label Studio's predictions, as a click does."""
    tasks = json.loads(path.read_text())
    for number, task in enumerate(tasks, 1):
        (prediction,) = task.pop("predictions")
        results = [{**r, "origin": "prediction"} for r in prediction["result"]]
        task.update(id=number, annotations=[{"id": number, "result": results}])
    path.write_text(json.dumps(tasks))


@pytest.mark.parametrize("writer", [coco, cvat, label_studio, labelme, yolo])
def test_what_is_written_is_read_again(predictions, tmp_path, writer):
    path, *others = writer.write(predictions, tmp_path / "out")
    if writer is label_studio:
        accept(path)
    data = read_labelled(path)
    assert largest_difference(predictions, data) < 1e-3
    assert len(data.examples) == 6
    # Some name only what is used.
    lost = {"right"} if writer in (label_studio, labelme) else set()
    assert set(data.names) == set(NAMES) - lost
    if writer in (coco, cvat):
        assert data.skeleton == SKELETON
    assert all(other.exists() for other in others)


def test_pictures_are_copied_under_names_of_their_own(predictions, tmp_path):
    coco.write(predictions, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out" / "images").iterdir()) == [
        "a.png",
        "a_2.png",
        "b.jpg",
        "c.png",
        "walk_000000.png",
        "walk_000002.png",
        "walk_000004.png",
    ]
    for name, source in {"a.png": "x/a.png", "a_2.png": "y/a.png"}.items():
        copied = tmp_path / "out" / "images" / name
        assert copied.read_bytes() == (tmp_path / source).read_bytes()
    with Image.open(tmp_path / "out" / "images" / "walk_000004.png") as frame:
        assert frame.size == (64, 48) and frame.getpixel((40, 20))[0] > 180


def test_a_score_decides_what_is_placed(predictions, tmp_path):
    path, _ = coco.write({**predictions, "min_score": 0.85}, tmp_path / "out")
    people = json.loads(path.read_text())["annotations"]
    assert {person["num_keypoints"] for person in people} == {1}
    assert people[0]["score"] == pytest.approx(0.9 * 0.9)


def test_labels_of_cvat_are_those_of_the_file(predictions, tmp_path):
    path, labels, _ = cvat.write(predictions, tmp_path / "out")
    skeleton, box = json.loads(labels.read_text())
    assert [part["name"] for part in skeleton["sublabels"]] == list(NAMES)
    text = path.read_text()
    assert set(re.findall('<(?:skeleton|box) label="(.+?)"', text)) == {
        skeleton["name"],
        box["name"],
    }


def test_names_are_quoted(tmp_path):
    content = predict_people(tmp_path, video=False)
    odd = ["a<b", 'say "no"', "x & y", "é"]
    content["keypoint_set"].update(names=odd, skeleton=[odd[:2]], flip_pairs=[])
    path, *_ = cvat.write(content, tmp_path / "out")
    data = read_labelled(path)
    assert data.names == tuple(odd) and data.skeleton == (tuple(odd[:2]),)


def test_says_what_cannot_be_written(predictions, tmp_path):
    with pytest.raises(ValueError, match="no predictions to write"):
        found_in({"images": []})
    (tmp_path / "x" / "b.jpg").unlink()
    with pytest.raises(ValueError, match="b.jpg, which is not there .any more."):
        coco.write(predictions, tmp_path / "out")
    rows = [{"image_path": str(tmp_path / "x" / "a.png"), "class": "cat"}]
    with pytest.raises(ValueError, match="neither people, nor maps of classes"):
        coco.write({"images": rows}, tmp_path / "out")


def test_every_writer_is_offered():
    """The help of the command names them."""
    from hrnet_tf.cli.predict import WriteOption

    text = WriteOption.__metadata__[0].help
    for known in FORMATS:
        assert known.write is None or known.name in text, known.name


@pytest.fixture
def segments(tmp_path):
    """Predictions of two pictures, and their maps: blobs on blobs."""
    rng = np.random.default_rng(0)
    label_set = LabelSet("fruit", ("background", "leaf", "apple"), label_ids=(0, 7, 9))
    draw_pictures(tmp_path, "a.png", "b.jpg")
    rows, maps = [], {}
    for name in ("a.png", "b.jpg"):
        noise = ndimage.gaussian_filter(rng.normal(size=(HEIGHT, WIDTH)), 2.5)
        labels = np.digitize(noise, [0, 0.08]).astype(np.uint8)
        labels[:2] = 0
        maps[name] = labels
        path = tmp_path / f"{name[0]}_labels.png"
        SegmentationMap(labels, label_set).save_labels(path)
        rows.append({"image_path": str(tmp_path / name), "labels": str(path)})
    content = {"model": "m.keras", "label_set": label_set.to_dict(), "images": rows}
    return content, maps


def agreement(data, maps):
    """The share of pixels whose class is read as it was written."""
    same = total = 0
    for example in data.examples:
        read = np.array(data.names)[np.asarray(Image.open(example.label_path))]
        name = example.image_path.rsplit("/", 1)[-1]
        same += (read == np.array(("background", "leaf", "apple"))[maps[name]]).sum()
        total += read.size
    assert len(data.examples) == 2
    return same / total


@pytest.mark.parametrize(
    "writer, share", [(coco, 1), (cvat, 1), (labelme, 0.99), (masks, 1)]
)
def test_segments_are_read_again(segments, tmp_path, writer, share):
    content, maps = segments
    path, *_ = writer.write(content, tmp_path / "out")
    data = read_labelled(path, task="segmentation", work=tmp_path / "work")
    assert agreement(data, maps) >= share


def test_outlines_keep_close_to_the_pixels(segments):
    content, _ = segments
    found = found_in(content)
    wrong = count = corners = 0
    for picture in found.pictures:
        for _, mask in class_masks(found, picture):
            for part in parts(mask):
                ring = outline(part)
                filled = painted([ring], picture.size)
                holes = ndimage.binary_fill_holes(part)
                wrong += (filled != holes).sum()
                count += holes.sum()
                corners += len(ring)
    assert wrong / count < 0.01 and corners < 450


def test_masks_are_copied_with_what_they_mean(segments, tmp_path):
    content, maps = segments
    folder, described = masks.write(content, tmp_path / "out")
    labels, pictures = folder / "labels", folder / "images"
    for name, expected in maps.items():
        stored = np.asarray(Image.open(labels / f"{name[0]}.png"))
        assert (stored == np.array([0, 7, 9])[expected]).all()
        assert (pictures / name).is_file()
    assert load_label_set(described).label_ids == (0, 7, 9)


def test_says_what_is_no_segmentation(predictions, tmp_path):
    with pytest.raises(ValueError, match="masks is written of segmentations"):
        masks.write(predictions, tmp_path / "out")


def test_names_of_pictures_are_parts_of_addresses(tmp_path):
    content = predict_people(tmp_path, video=False)
    odd = ["a+b & c.png", "50%25 #1.png", "é?.png"]
    for row, name in zip(content["images"], odd, strict=False):
        source = tmp_path / row["image_path"]
        row["image_path"] = str(source.rename(source.with_name(name)))
    path, *_ = label_studio.write(content, tmp_path / "out")
    accept(path)
    data = read_labelled(path)
    assert largest_difference(content, data) < 1e-3
    found = {example.image_path.rsplit("/", 1)[1] for example in data.examples}
    # Nobody is in the third one.
    assert {*odd[:2]} <= found
