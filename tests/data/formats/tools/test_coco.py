import copy

import numpy as np
import pytest
from drawn_people import NAMES, coco_content, coco_person, draw_pictures, write

from hrnet_tf.data.formats import coco as people_of
from hrnet_tf.data.formats.tools import find_format, read_labelled
from hrnet_tf.data.keypoint_sets import KeypointSet


@pytest.fixture
def content(tmp_path):
    draw_pictures(tmp_path, "a.png", "b.jpg")
    return coco_content("a.png", "b.jpg")


def read(tmp_path, content, **options):
    return read_labelled(write(tmp_path / "people.json", content), **options)


def test_people(tmp_path, content):
    data = read(tmp_path, content)
    assert (data.task, data.format, data.reader) == ("pose", "coco", "hrnet_tf")
    assert data.names == NAMES
    assert data.skeleton == (("tip", "left"), ("tip", "right"))
    assert [e.image_path for e in data.examples] == [
        str(tmp_path / "a.png"),
        str(tmp_path / "b.jpg"),
    ]
    points = data.examples[1].keypoints[0].tolist()
    assert points == [[10, 5, 2], [12, 6, 1], [0, 0, 0]]
    assert not data.left_out and not data.notes


def test_species_with_the_same_points_are_all_used(tmp_path, content):
    (one,) = content["categories"]
    other = {**one, "id": 7, "name": "cat", "keypoints": ["left", "tip", "right"]}
    content["categories"] = [one, other, {"id": 8, "name": "tree"}]
    content["annotations"][1]["category_id"] = 7
    content["annotations"].append(coco_person(3, 1, category_id=8))
    data = read(tmp_path, content)
    assert data.names == NAMES
    assert data.examples[1].keypoints[0].tolist() == [[12, 6, 1], [10, 5, 2], [0, 0, 0]]
    assert "'cat' has its keypoints in another order" in data.notes[0]
    assert [count for count, _ in data.left_out.counts.values()] == [1]


def test_other_points_of_another_category(tmp_path, content):
    other = {"id": 2, "name": "hand", "keypoints": ["wrist"]}
    content["categories"].append(other)
    assert read(tmp_path, content).names == NAMES
    content["annotations"].append(coco_person(3, 1, category_id=2, keypoints=[1, 2, 2]))
    with pytest.raises(ValueError, match="different keypoints: 'bird' .3 .*'hand' .1 "):
        read(tmp_path, content)


def every(name, change):
    """A function that changes a list or a value of each annotation."""
    return lambda c: [a.update({name: change(a[name])}) for a in c["annotations"]]


def with_null(values, value=None):
    return [*values[:6], value, *values[7:]]


def with_nan(values):
    return with_null(values, float("nan"))


@pytest.mark.parametrize(
    "change",
    [
        every("image_id", str),
        every("id", str),
        every("keypoints", lambda values: list(map(str, values))),
        every("keypoints", with_null),
        every("keypoints", with_nan),
        every("iscrowd", str),
        every("category_id", str),
        lambda c: [i.update(id=str(i["id"])) for i in c["images"]],
        lambda c: [i.update(id=float(i["id"])) for i in c["images"]],
        lambda c: [i.update(width="40", height="30.0") for i in c["images"]],
        lambda c: [i.update(width=0, height=0) for i in c["images"]],
        lambda c: c["annotations"].append(coco_person(3, 1, keypoints=[], bbox=[])),
        lambda c: c["annotations"].append(coco_person(3, 1, keypoints=None)),
    ],
)
def test_odd_numbers_are_read_alike(tmp_path, content, change):
    wanted = read(tmp_path, content)
    change(content)
    data = read(tmp_path, content)
    for example, other in zip(data.examples, wanted.examples, strict=True):
        for field in ("image_id", "height", "width"):
            assert getattr(example, field) == getattr(other, field)
        np.testing.assert_array_equal(example.keypoints, other.keypoints)
        np.testing.assert_array_equal(example.boxes, other.boxes)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_encodings_of_windows(tmp_path, content, encoding):
    path = write(tmp_path / "people.json", content, encoding)
    # UTF-16 is read where it is named: the bytes of its words are not looked for.
    assert len(read_labelled(path, format="coco").examples) == 2


def test_people_without_area_or_box(tmp_path, content):
    first, second = content["annotations"]
    del first["area"]
    second.update(area=0, bbox=None)
    data = read(tmp_path, content)
    assert data.examples[0].areas.tolist() == [200]
    x, y, w, h = data.examples[1].boxes[0]
    assert x < 10 and x + w > 12 and y < 5 and y + h > 6
    assert any("2 people have no area" in note for note in data.notes)
    assert any("1 person has no box" in note for note in data.notes)


def test_a_point_alone_gets_a_box(tmp_path, content):
    content["annotations"][0].update(
        keypoints=[10, 5, 2] + [0] * 6, bbox=[10, 5, 0, 0], area=0
    )
    x, y, w, h = read(tmp_path, content).examples[0].boxes[0]
    assert (x, y) == (2, 0) and w >= 15 and h >= 10


@pytest.mark.parametrize(
    "name", ["/home/me/set/deep/a.png", "C:\\set\\deep\\a.png", "a.png", "./deep/a.png"]
)
def test_paths_of_other_machines(tmp_path, name):
    draw_pictures(tmp_path / "pictures", "deep/a.png", "b.png")
    content = coco_content(name, "b.png")
    data = read(tmp_path, content, images=tmp_path / "pictures")
    path = str(tmp_path / "pictures" / "deep" / "a.png")
    assert data.examples[0].image_path == path


def test_ambiguous_names(tmp_path):
    draw_pictures(tmp_path, "x/a.png", "y/a.png")
    content = coco_content("a.png")
    with pytest.raises(ValueError, match="2 files under .* are called 'a.png'"):
        read(tmp_path, content)
    content = coco_content("/elsewhere/y/a.png")
    data = read(tmp_path, content)
    assert data.examples[0].image_path == str(tmp_path / "y" / "a.png")


def test_one_file_for_two_images(tmp_path, content):
    content["images"][1]["file_name"] = "a.png"
    with pytest.raises(ValueError, match="the images 1 and 2 are both .*a.png"):
        read(tmp_path, content)


def test_spelling_and_order(tmp_path, content):
    path = write(tmp_path / "people.json", content)

    def load(*names):
        keypoint_set = KeypointSet(name="set", names=names)
        return people_of.load_pose(path, tmp_path, keypoint_set)[0].keypoints[0]

    with pytest.warns(UserWarning, match="in another order than the set 'set'"):
        assert load("left", "right", "tip")[2].tolist() == [10, 5, 2]
    with pytest.warns(UserWarning, match="spells keypoints diff.* 'tip' for '_Tip'"):
        assert load("_Tip", "L", "RIGHT")[0].tolist() == [10, 5, 2]
    with pytest.raises(ValueError, match="at 1 of 3 places .*, such as 1: 'left' for"):
        load("tip", "wing", "right")


def test_unnamed_points_are_numbered(tmp_path, content):
    del content["categories"]
    data = read(tmp_path, content)
    assert data.names == ("keypoint_1", "keypoint_2", "keypoint_3")
    assert "does not name its keypoints" in data.notes[0]


def test_people_that_label_studio_merged(tmp_path, content):
    (category,) = content["categories"]
    category.update(name="default", supercategory="default")
    content["categories"].append({"id": 2, "name": "bird"})
    box = {"image_id": 1, "category_id": 2, "bbox": [1, 1, 9, 9], "iscrowd": 0}
    content["annotations"].append({**box, "id": 3})
    assert not read(tmp_path, content).notes
    content["annotations"].append({**box, "id": 4})
    (note,) = read(tmp_path, content).notes
    assert "merges the keypoints of all people" in note
    assert "1 picture of 2 have several boxes. Export as JSON" in note


def test_other_files_are_told_from_it(tmp_path, content):
    with pytest.raises(ValueError, match="There is no file"):
        find_format(tmp_path / "absent.json")
    with pytest.raises(ValueError, match="no format 'coca'. Expected one of .*coco"):
        read(tmp_path, content, format="coca")
    changed = copy.deepcopy(content)
    del changed["annotations"]
    with pytest.raises(ValueError, match="nearest is coco, but it has no list 'annot"):
        read(tmp_path, changed)
    with pytest.raises(ValueError, match="labels pose.*task='classification'"):
        read(tmp_path, content, task="classification")
