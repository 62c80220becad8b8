import json

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures, write
from PIL import Image

from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.formats.tools import find_format, read_labelled
from hrnet_tf.data.label_set import LabelSet

SQUARE = [2, 2, 12, 2, 12, 12, 2, 12]
SMALL = [5, 5, 8, 5, 8, 8, 5, 8]


def outlined(id_, category, segmentation, **changes):
    fields = {"id": id_, "image_id": 1, "category_id": category, "bbox": [2, 2, 10, 10]}
    return {**fields, "segmentation": segmentation, **changes}


@pytest.fixture
def content(tmp_path):
    draw_pictures(tmp_path, "a.png", "b.png")
    return {
        "images": [
            {"id": i, "file_name": name, "height": HEIGHT, "width": WIDTH}
            for i, name in enumerate(("a.png", "b.png"), 1)
        ],
        "annotations": [outlined(1, 3, [SMALL]), outlined(2, 5, [SQUARE])],
        "categories": [{"id": 5, "name": "wing"}, {"id": 3, "name": "eye"}],
    }


def read(tmp_path, content, **options):
    path = write(tmp_path / "objects.json", content)
    return read_labelled(path, work=tmp_path / "work", **options)


def labels_of(example):
    return np.asarray(Image.open(example.label_path))


def test_smaller_objects_lie_on_larger_ones(tmp_path, content):
    data = read(tmp_path, content)
    assert (data.task, data.names) == ("segmentation", ("background", "wing", "eye"))
    (example,) = data.examples
    assert example.image_path == str(tmp_path / "a.png")
    labels = labels_of(example)
    wanted = np.zeros((HEIGHT, WIDTH))
    wanted[2:12, 2:12], wanted[5:8, 5:8] = 1, 2
    np.testing.assert_array_equal(labels, wanted)
    assert data.left_out.counts == {"pictures without outlines": (1, "b.png")}
    label_set = LabelSet(name="own", classes=data.names)
    _, counts = check_labels(data.examples, label_set)
    assert counts.tolist() == [HEIGHT * WIDTH - 100, 91, 9]


@pytest.mark.parametrize("kind", ["list", "text"])
def test_runs_are_read_as_pycocotools_does(tmp_path, content, kind):
    from pycocotools import mask as codec

    wanted = np.random.default_rng(0).random((HEIGHT, WIDTH)) > 0.6
    wanted[:, 30:] = True
    runs = codec.encode(np.asfortranarray(wanted.astype(np.uint8)))
    counts = runs["counts"].decode()
    if kind == "list":
        flat = np.concatenate([[False], wanted.T.ravel()])
        places = np.flatnonzero(np.diff(flat.astype(int)))
        counts = np.diff([0, *places, wanted.size]).tolist()
    segmentation = {"size": [HEIGHT, WIDTH], "counts": counts}
    content["annotations"] = [outlined(1, 3, segmentation, iscrowd=1)]
    (example,) = read(tmp_path, content).examples
    np.testing.assert_array_equal(labels_of(example) == 2, wanted)


def test_objects_with_a_box_alone_are_not_learned(tmp_path, content):
    content["annotations"].append(outlined(3, 3, [], bbox=[20, 20, 5, 5]))
    content["annotations"].append(outlined(4, 3, None, bbox=None))
    data = read(tmp_path, content)
    assert (labels_of(data.examples[0])[20:25, 20:25] == 255).all()
    assert [count for count, _ in data.left_out.counts.values()] == [1, 1, 1]


@pytest.mark.parametrize(
    "segmentation, message",
    [
        ([[1, 2, 3, 4, 5, 6, 7]], "at least three corners"),
        ([[1, 2, "x", 4, 5, 6]], "at least three corners"),
        ("text", "segmentation is 'text'"),
        ({"size": [HEIGHT, WIDTH], "counts": [5, 6]}, "runs are of 11 pixels"),
        ({"size": [9, 9], "counts": [81]}, r"for \[9, 9\] .height, width"),
        ({"size": [HEIGHT, WIDTH], "counts": "\u20ac"}, "its runs hold '\u20ac'"),
        ({"counts": [5, 6]}, "lacks 'size'"),
        ({"size": [1, "x"], "counts": [1]}, r"size\[1\] is 'x'"),
    ],
)
def test_wrong_outlines_are_named_or_skipped(tmp_path, content, segmentation, message):
    other = outlined(9, 3, [SQUARE], image_id=2)
    content["annotations"] = [outlined(1, 3, segmentation), other]
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content)
    with pytest.warns(UserWarning, match=message):
        examples = read(tmp_path, content, skip_bad=True).examples
    assert examples[-1].image_path == str(tmp_path / "b.png")


def test_what_it_asks_for(tmp_path, content):
    path = write(tmp_path / "objects.json", content)
    with pytest.raises(ValueError, match="pass `work`"):
        read_labelled(path)
    content["annotations"] = [outlined(1, 3, []), outlined(2, 8, [SQUARE])]
    with pytest.raises(ValueError, match="no category 8 among"):
        read(tmp_path, content)
    content["annotations"] = [outlined(1, 3, [])]
    assert read(tmp_path, content).task == "detection"
    del content["annotations"][0]["bbox"]
    with pytest.raises(ValueError, match="neither keypoints nor outlines"):
        read(tmp_path, content)


def test_splits_of_roboflow(tmp_path, content):
    content["categories"] = [
        {"id": 0, "name": "birds", "supercategory": "none"},
        {"id": 5, "name": "wing", "supercategory": "birds"},
        {"id": 3, "name": "eye", "supercategory": "birds"},
    ]
    for folder in ("train", "valid", "test"):
        draw_pictures(tmp_path / "export" / folder, "a.png", "b.png")
        write(tmp_path / "export" / folder / "_annotations.coco.json", content)
    assert find_format(tmp_path / "export").name == "coco"
    data = read_labelled(tmp_path / "export", work=tmp_path / "work")
    assert data.names == ("background", "wing", "eye")
    assert len(data.examples) == 3
    assert sorted(data.splits.values()) == ["test", "train", "val"]
    assert len({example.label_path for example in data.examples}) == 3


def test_splits_of_people(tmp_path):
    from drawn_people import NAMES, coco_content

    for name in ("train2017", "val2017"):
        draw_pictures(tmp_path / name, "a.png")
        path = tmp_path / "annotations" / f"person_keypoints_{name}.json"
        write(path, coco_content("a.png"))
        other = {"images": [{"id": 1, "file_name": "a.png"}], "annotations": []}
        write(tmp_path / "annotations" / f"captions_{name}.json", other)
    data = read_labelled(tmp_path)
    assert data.names == NAMES
    assert sorted(data.splits.values()) == ["train", "val"]
    assert [example.image_id for example in data.examples] == [1, 2]
    folders = [example.image_path.split("/")[-2] for example in data.examples]
    assert folders == ["train2017", "val2017"]
    assert json.dumps(data.splits)
