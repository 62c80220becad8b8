"""COCO-style files of objects."""

import json
import warnings

import numpy as np
import pytest
from drawn_objects import (
    APPLE,
    annotation,
    coco_file,
    two_objects,
)

from hrnet_tf.data.formats import coco_objects
from hrnet_tf.data.object_sets import COCO_OBJECTS, ObjectSet


def load(path, **arguments):
    return coco_objects.load_detection(path, path.parent, **arguments)


def test_objects_are_read_with_classes_by_name(tmp_path):
    path = coco_file(tmp_path, *two_objects(), count=3)
    found = coco_objects.read_objects(path, tmp_path, masks=True)
    assert found.object_set == ObjectSet("objects", ("apple", "pear"), (7, 90))
    first, second, third = found.examples
    assert first.boxes.tolist() == [[5, 4, 25, 14]]
    assert (first.classes.tolist(), second.classes.tolist()) == ([0], [1])
    assert third.num_objects == 0 and third.has_masks
    mask = first.mask(0)
    assert mask.sum() == 200 and mask[4:14, 5:25].all()
    turned = load(path, object_set=ObjectSet("fruit", ("pear", "apple")))
    assert turned[0].classes.tolist() == [1] and not turned[0].has_masks


def test_only_the_classes_of_the_set_are_read(tmp_path):
    path = coco_file(tmp_path, *two_objects())
    pears = ObjectSet("pears", ("pear",))
    with pytest.warns(UserWarning, match="1 object of classes that are not of 'pears'"):
        first, second = load(path, object_set=pears)
    assert first.num_objects == 0 and second.classes.tolist() == [0]
    with pytest.raises(ValueError, match="none is a class of the object set 'nuts'"):
        load(path, object_set=ObjectSet("nuts", ("walnut",)))


def test_ids_count_where_the_file_names_no_categories(tmp_path):
    path = coco_file(
        tmp_path, annotation(1, 1, APPLE, category_id=0), categories=[], count=1
    )
    with pytest.raises(ValueError, match="no 'categories'"):
        load(path)
    (example,) = load(path, object_set=ObjectSet("fruit", ("apple", "pear"), (0, 1)))
    assert example.classes.tolist() == [0]


def test_crowds_are_marked(tmp_path):
    path = coco_file(tmp_path, *two_objects(iscrowd=1))
    first, second = load(path)
    assert first.crowd.tolist() == [True] and second.crowd.tolist() == [False]
    assert first.ignored.tolist() == [True]


# What stands in the first annotation, and what is told of it.
BAD = [
    ({"bbox": [50, 4, 20, 10]}, "box outside its image: \\[50.*image 1 \\(1.png\\)"),
    ({"bbox": [5, 4, 0, 10]}, "box without area: \\[5.0, 4.0, 0.0, 10.0\\]"),
    ({"bbox": [25, 14, -20, -10]}, "box without area"),
    ({"bbox": [5, 4, float("nan"), 10]}, "nan|finite"),
    ({"bbox": [5, 4, 20]}, "expected 4 numbers"),
    ({"bbox": None}, "expected 4 numbers"),
    ({"category_id": 8}, "of image 1: there is no category 8 among \\[7, 90\\]"),
    ({"image_id": 9}, "there is no image 9 among the 2"),
    ({"area": -5.0}, "area is -5.0"),
    ({"segmentation": [[1, 1, 5, 5]]}, "of 4 numbers; expected x and y of three"),
    ({"segmentation": [[1, 1, 5, 5, 7]]}, "of 5 numbers"),
    ({"segmentation": [[1, 1, 5, None, 7, 8]]}, "finite numbers"),
    ({"segmentation": None}, "of image 1: segmentation is None"),
    (
        {"segmentation": {"size": [9, 9], "counts": [81]}},
        "the picture has \\[30, 40\\]",
    ),
    ({"segmentation": {"size": [30, 40], "counts": "¤"}}, "image 1: its runs hold"),
    ({"segmentation": {"size": [30, 40], "counts": [7]}}, "runs are of 7 pixels"),
]


@pytest.mark.parametrize(("changes", "what"), BAD)
def test_bad_annotations_are_told_or_skipped(tmp_path, changes, what):
    bad, good = two_objects()
    path = coco_file(tmp_path, {**bad, **changes}, good)
    with pytest.raises(ValueError, match=what):
        load(path, masks=True)
    with pytest.warns(UserWarning, match="skipped 1 bad example"):
        first, second = load(path, masks=True, skip_bad=True)
    assert first.num_objects == 0 and second.num_objects == 1


def test_boxes_that_reach_out_are_cut_and_told(tmp_path):
    path = coco_file(
        tmp_path,
        annotation(1, 1, (-3, 4, 20, 10)),
        annotation(2, 2, (20, 15, 12, 12)),
        annotation(3, 2, (2, 15, 0.5, 12)),
    )
    with pytest.warns(UserWarning) as told:
        first, second = load(path)
    assert first.boxes.tolist() == [[0, 4, 17, 14]] and second.num_objects == 1
    texts = " ".join(str(warning.message) for warning in told)
    assert "1 of 3 boxes reach out" in texts and "of image 1" in texts
    assert "1 box of less than a pixel" in texts


def test_a_picture_of_two_entries_is_told_or_read_once(tmp_path):
    path = coco_file(tmp_path, *two_objects())
    content = json.loads(path.read_text())
    content["images"].append({**content["images"][0], "id": 5})
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="images 1 \\(1.png\\) and 5 .* are both"):
        load(path)
    with pytest.warns(UserWarning, match="1 x file of two images"):
        examples = load(path, skip_bad=True)
    assert [e.image_id for e in examples] == [1, 2]


def test_corners_in_place_of_sides_are_told(tmp_path):
    boxes = [(20, 10, 35, 25), (5, 4, 25, 14), (22, 3, 39, 30)]
    entries = [annotation(i, 1 + i % 2, box) for i, box in enumerate(boxes)]
    with pytest.raises(ValueError, match="left, top, right and bottom: as such all 3"):
        load(coco_file(tmp_path, *entries))
    far = annotation(1, 1, (50, 40, 80, 90))
    with pytest.raises(ValueError) as told:
        load(coco_file(tmp_path / "far", far))
    assert "left, top, right and bottom it" not in str(told.value)


def test_coco_itself(shared):
    data = shared / "data" / "coco_mini"
    path = data / "annotations" / "instances_val2017.json"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        examples = coco_objects.load_detection(path, data / "val2017", masks=True)
    assert coco_objects.object_set_of(path) == COCO_OBJECTS
    from pycocotools.coco import COCO

    truth = COCO(path)
    assert sum(e.num_objects for e in examples) == len(truth.anns)
    for example in examples[:12]:
        for i, number in enumerate(example.ids.tolist()):
            entry = truth.anns[number]
            assert np.array_equal(example.mask(i), truth.annToMask(entry) > 0)
            box = example.boxes[i]
            expected = [
                *entry["bbox"][:2],
                *np.add(*np.split(np.array(entry["bbox"]), 2)),
            ]
            np.testing.assert_allclose(box, expected, atol=1)
            name = truth.cats[entry["category_id"]]["name"]
            assert COCO_OBJECTS.classes[example.classes[i]] == name
