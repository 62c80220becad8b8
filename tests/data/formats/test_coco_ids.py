"""Ids of images that are texts: the same number in whatever reads the file."""

import copy
import json

import numpy as np
import pytest
from command_line import fail, run
from drawn_objects import coco_file, two_objects
from drawn_tools import coco_outlines
from own_people import NAMES, draw_people

from hrnet_tf.data.formats import coco, coco_objects, coco_truth
from hrnet_tf.data.formats.coco_entries import numbers_of_texts
from hrnet_tf.data.formats.tools import read_labelled
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.metrics import coco_stats
from hrnet_tf.metrics.oks import coco_results

MICE = KeypointSet("mice", NAMES, sigmas=(0.1, 0.1, 0.1))


def write(folder, name, content):
    (folder / name).write_text(json.dumps(content))
    return folder / name


def with_texts(content, **names):
    """The content with texts for the ids of some images; the others keep theirs."""
    changed = copy.deepcopy(content)
    for image in changed["images"]:
        image["id"] = names.get(f"i{image['id']}", image["id"])
    for annotation in changed["annotations"]:
        number = annotation["image_id"]
        annotation["image_id"] = names.get(f"i{number}", number)
    return changed


@pytest.fixture
def mice(tmp_path):
    return draw_people(tmp_path, 4)


def test_numbers_are_free_ones_in_the_order_of_the_file():
    entries = [{"id": i} for i in ("cam/b", 1, "cam/a", "3", "cam/b")]
    assert numbers_of_texts(entries) == {"cam/b": 2, "cam/a": 4}
    assert numbers_of_texts(entries[1:2]) == {}


def test_people_and_truth_are_of_the_same_images(tmp_path, mice):
    path = write(tmp_path, "a.json", with_texts(mice, i0="cam1/0", i2="cam1/2"))
    examples = coco.load_pose(path, tmp_path / "images", MICE)
    assert [e.image_id for e in examples] == [2, 1, 4, 3]
    truth = coco_truth.ground_truth(path, MICE)
    assert [image["id"] for image in truth["images"]] == [2, 1, 4, 3]
    results = coco_results(
        np.array([e.image_id for e in examples]),
        np.concatenate([e.keypoints for e in examples]) + [0, 0, 1],
        np.ones(4, np.float32),
        np.concatenate([e.areas for e in examples]),
        MICE.sigmas,
    )
    found = coco_stats.coco_keypoint_stats(truth, results, MICE.sigmas)
    assert found["AP"] == pytest.approx(1)


def test_detections_name_them_too(tmp_path, mice):
    path = write(tmp_path, "a.json", with_texts(mice, i0="cam1/0"))
    rows = [
        {"image_id": image, "category_id": 1, "bbox": [1, 2, 30, 40], "score": 0.5}
        for image in ("cam1/0", 3)
    ]
    boxes = write(tmp_path, "boxes.json", rows)
    examples = coco.load_detections(boxes, path, tmp_path / "images")
    people = coco.load_pose(path, tmp_path / "images", MICE)
    ids = [e.image_id for e in people]
    assert [e.image_id for e in examples] == [ids[0], ids[3]]


def test_outlines(tmp_path):
    path = coco_outlines(tmp_path)
    wanted = read_labelled(path, work=tmp_path / "a")
    content = json.loads(path.read_text())
    names = {f"i{image['id']}": f"x{image['id']}" for image in content["images"]}
    path = write(tmp_path, "texts.json", with_texts(content, **names))
    found = read_labelled(path, work=tmp_path / "b")
    paths = [[e.image_path for e in data.examples] for data in (wanted, found)]
    assert paths[0] == paths[1] and len(paths[0]) == 2


def test_objects(tmp_path):
    path = coco_file(tmp_path, *two_objects())
    content = json.loads(path.read_text())
    path = write(tmp_path, "texts.json", with_texts(content, i1="cam/1"))
    first, second = coco_objects.load_detection(path, tmp_path)
    assert (first.image_id, second.image_id) == (1, 2)
    assert (first.num_objects, second.num_objects) == (1, 1)
    changed = with_texts(content, i1="cam/1")
    changed["annotations"][0]["image_id"] = 1
    path = write(tmp_path, "texts.json", changed)
    with pytest.raises(ValueError, match="there is no image 1 among the 2"):
        coco_objects.load_detection(path, tmp_path)


def test_an_unknown_text_and_too_large_a_number(tmp_path, mice):
    changed = with_texts(mice, i0="cam1/0")
    changed["annotations"][0]["image_id"] = "cam2/0"
    path = write(tmp_path, "a.json", changed)
    with pytest.raises(ValueError, match="cam2/0: there is no such image among 4"):
        coco.load_pose(path, tmp_path / "images", MICE)
    # The number that stands for a text is not that of another entry.
    changed["annotations"][0]["image_id"] = 4
    path = write(tmp_path, "a.json", changed)
    with pytest.raises(ValueError, match="image id 4: there is no such image"):
        coco.load_pose(path, tmp_path / "images", MICE)
    with pytest.raises(ValueError, match="there is no image 4 among"):
        coco_truth.ground_truth(path, MICE)
    path = write(tmp_path, "b.json", with_texts(mice, i0=10**30))
    with pytest.raises(ValueError, match="expected text, or a whole number"):
        coco.load_pose(path, tmp_path / "images", MICE)


class TestAbsentPictures:
    """What to pass is named, and no path that nobody has."""

    @pytest.fixture
    def path(self, tmp_path, mice):
        for image in mice["images"]:
            image["file_name"] = "/home/me/set/" + image["file_name"]
        (tmp_path / "images").rename(tmp_path / "elsewhere")
        (tmp_path / "labels").mkdir()
        return write(tmp_path / "labels", "mice.json", mice)

    @pytest.mark.parametrize("command", ["train", "check"])
    def test_is_told_what_to_pass(self, tmp_path, path, command):
        if command == "train":
            error = fail("train", "pose", "--data", path, "--out", tmp_path / "run")
        else:
            error = fail("data", "check", path)
        assert "Pass the folder of the images as --images" in error
        assert str(tmp_path / "labels") + "/home" not in error
        assert ".." not in error.replace("...", "")
        images = ["--images", tmp_path / "elsewhere"]
        if command == "check":
            assert "found by the name" in run("data", "check", path, *images).out
