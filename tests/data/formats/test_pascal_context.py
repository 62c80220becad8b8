import json

import numpy as np
import pytest
from label_layouts import pascal_context_layout
from PIL import Image
from pycocotools import mask as mask_codec

from hrnet_tf.data.formats.label_checks import check_labels, read_label
from hrnet_tf.data.formats.pascal_context import (
    CATEGORY_IDS,
    load_segmentation,
    write_labels,
)
from hrnet_tf.data.label_sets import load_label_set

CONTEXT = load_label_set("pascal_context_59")


def test_splits(tmp_path):
    root = pascal_context_layout(tmp_path, CONTEXT)
    examples = load_segmentation(root, "val")
    assert [e.image_path for e in examples] == [
        str(root / "JPEGImages" / f"2008_val{i}.jpg") for i in range(2)
    ]
    kept, counts = check_labels(examples, CONTEXT)
    assert kept == examples and counts.shape == (59,)
    # The same files, in which the background is a class.
    with_background = check_labels(examples, load_label_set("pascal_context_60"))[1]
    assert with_background[1:].tolist() == counts.tolist() and with_background[0] > 0


def test_absent_files_and_lists(tmp_path):
    root = pascal_context_layout(tmp_path, CONTEXT)
    (root / "SegmentationClassContext" / "2008_val0.png").unlink()
    with pytest.raises(ValueError, match="There is no label map .*2008_val0.png"):
        load_segmentation(root, "val")
    with pytest.warns(UserWarning, match="val.txt: skipped 1 bad .* absent label map"):
        assert len(load_segmentation(root, "val", skip_bad=True)) == 1
    (root / "JPEGImages" / "2008_val1.jpg").unlink()
    with pytest.raises(ValueError, match="val.txt names no image with a label map"):
        load_segmentation(root, "val", skip_bad=True)
    (root / "ImageSets/SegmentationContext/train.txt").unlink()
    with pytest.raises(ValueError, match="There is no list .*train.txt"):
        load_segmentation(root, "train")
    with pytest.raises(ValueError, match=r"one of \['train', 'val'\]. .*'test'"):
        load_segmentation(root, "test")


def rle(mask):
    """A mask as trainval_merged.json holds it."""
    code = mask_codec.encode(np.asfortranarray(mask, np.uint8))
    return {"size": code["size"], "counts": code["counts"].decode()}


@pytest.fixture
def merged(tmp_path):
    """Annotations of three images: one of each split and one of the test."""
    images, masks = [], []
    for image_id, phase in enumerate(("val", "train", "test")):
        images.append(
            {"image_id": image_id, "file_name": f"2008_{image_id}.jpg"}
            | {"height": 20, "width": 30, "phase": phase}
        )
        for box, category in (((0, 0, 15, 20), 2), ((10, 5, 30, 20), 458)):
            mask = np.zeros((20, 30))
            mask[box[1] : box[3], box[0] : box[2]] = 1
            entry = {"id": len(masks), "image_id": image_id, "category_id": category}
            masks.append({**entry, "segmentation": rle(mask)})
    (tmp_path / "JPEGImages").mkdir()
    for image in images:
        Image.new("RGB", (30, 20)).save(tmp_path / "JPEGImages" / image["file_name"])
    return {"images": images, "annos_segmentation": masks}


def test_label_maps_are_drawn_from_the_annotations(tmp_path, merged):
    path = tmp_path / "trainval_merged.json"
    path.write_text(json.dumps(merged))
    seen = []
    counts = write_labels(path, tmp_path, progress=lambda *p: seen.append(p))
    assert counts == {"train": 1, "val": 1} and seen == [(1, 2), (2, 2)]
    (example,) = load_segmentation(tmp_path, "train")
    assert example.image_path.endswith("2008_1.jpg")
    expected = np.zeros((20, 30), np.uint8)
    expected[:20, :15] = 1  # aeroplane
    expected[5:20, 10:30] = 59  # wood, drawn later
    assert (read_label(example.label_path) == expected).all()
    assert check_labels([example], CONTEXT)[1][[0, 58]].tolist() == [225, 300]
    assert not list(tmp_path.rglob("*.part"))


def test_categories_are_numbered_as_by_the_official_code():
    assert len(CATEGORY_IDS) == 59 and list(CATEGORY_IDS) == sorted(CATEGORY_IDS)
    # The categories of VOC's classes, in their order.
    voc = [2, 23, 25, 31, 34, 45, 59, 65, 72, 98, 397, 113, 207, 258, 284, 308, 347]
    names = [CONTEXT.classes[CATEGORY_IDS.index(c)] for c in (*voc, 368, 416, 427)]
    names[names.index("table")] = "diningtable"
    assert tuple(names) == load_label_set("voc").classes[1:]


def test_other_annotations_are_refused(tmp_path, merged):
    path = tmp_path / "trainval_merged.json"
    for contents, message in (
        ({}, "json is not in the format of trainval_merged.json.*KeyError 'images'"),
        ([], "json is not in the format"),
        (
            {**merged, "images": [{**merged["images"][0], "height": 21}]},
            "a mask of 2008_0.jpg has 30x20 pixels .*, the image 30x21",
        ),
        (
            {
                **merged,
                "annos_segmentation": [
                    {**merged["annos_segmentation"][0], "category_id": 1}
                ],
            },
            "2008_0.jpg has a mask of category 1; expected the 59 categories",
        ),
    ):
        path.write_text(json.dumps(contents))
        with pytest.raises(ValueError, match=message):
            write_labels(path, tmp_path)
