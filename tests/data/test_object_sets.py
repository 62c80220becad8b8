"""Descriptions of the objects that detectors find."""

import pytest
from drawn_people import write

from hrnet_tf.data.object_sets import (
    COCO_OBJECTS,
    VOC_OBJECTS,
    ObjectSet,
    load_object_set,
)


def test_known_sets():
    assert COCO_OBJECTS.num_classes == 80 and VOC_OBJECTS.num_classes == 20
    ids = dict(zip(COCO_OBJECTS.classes, COCO_OBJECTS.file_ids, strict=True))
    assert ids["person"] == 1 and ids["stop sign"] == 13 and ids["toothbrush"] == 90
    assert len(set(ids.values())) == 80
    assert len(set(COCO_OBJECTS.colors)) == 80


def test_descriptors_are_loaded(tmp_path):
    path = write(tmp_path / "fruit.json", {"classes": ["apple", "pear"]})
    fruit = load_object_set(path)
    assert fruit.name == "fruit" and fruit.file_ids == (1, 2)
    assert ObjectSet.from_dict(fruit.to_dict()) == fruit


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"category_ids": [1]}, "different whole number"),
        ({"category_ids": [1, 1]}, "different whole number"),
        ({"category_ids": [-1, 2]}, "0 or more"),
        ({"palette": [[1, 2, 3]]}, "one \\[red, green, blue\\]"),
        ({"palette": [[1, 2, 3], [1, 2, 256]]}, "from 0 to 255"),
    ],
)
def test_contradictory_descriptions_are_refused(fields, what):
    with pytest.raises(ValueError, match=what):
        ObjectSet("fruit", ("apple", "pear"), **fields)
