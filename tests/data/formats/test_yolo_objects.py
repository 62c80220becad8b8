"""Objects in YOLO's layout."""

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH
from drawn_tools import yolo

from hrnet_tf.data.formats import yolo_objects

BOX = (0, 0.5, 0.5, 0.25, 0.4)


def test_boxes_are_shares_of_the_sides(tmp_path):
    path = yolo(tmp_path, [BOX])
    found = yolo_objects.read_objects(path)
    assert found.object_set.classes == ("bird",) and len(found.examples) == 2
    box = found.examples[0].boxes[0] / [WIDTH, HEIGHT, WIDTH, HEIGHT]
    np.testing.assert_allclose(box, [0.375, 0.3, 0.625, 0.7], atol=1e-6)
    (example,) = yolo_objects.load_detection(path, "val")
    assert example.image_path.endswith("b.jpg") and example.image_id == 2


def test_boxes_that_reach_out_are_cut_and_are_no_corners(tmp_path):
    path = yolo(tmp_path, [(0, 0.6, 0.6, 0.9, 0.9)])
    with pytest.warns(UserWarning, match="2 of 2 boxes reach out"):
        example = yolo_objects.load_detection(path)[0]
    np.testing.assert_allclose(example.boxes, [[6, 4.5, WIDTH, HEIGHT]], atol=1e-5)


def test_a_picture_may_be_of_several_splits(tmp_path):
    """As those that the writer of predictions makes."""
    path = yolo(tmp_path, [BOX], train=["images/train", "images/val"])
    for split, numbers in (("val", [2]), ("train", [1, 2]), (None, [1, 2])):
        examples = yolo_objects.load_detection(path, split)
        assert [e.image_id for e in examples] == numbers
    with pytest.raises(ValueError, match="names no pictures of the split 'test'"):
        yolo_objects.load_detection(path, "test")


def test_outlines_are_masks(tmp_path):
    path = yolo(tmp_path, [(0, 0.25, 0.2, 0.75, 0.2, 0.75, 0.6, 0.25, 0.6)])
    example = yolo_objects.load_detection(path, "train", masks=True)[0]
    assert example.boxes.tolist() == [[10, 6, 30, 18]]
    assert example.mask(0).sum() == 20 * 12


def test_pictures_without_labels_have_no_objects(tmp_path):
    path = yolo(tmp_path, [BOX])
    (tmp_path / "labels" / "val" / "b.txt").unlink()
    assert [e.num_objects for e in yolo_objects.load_detection(path)] == [1, 0]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ((0, 5, 4, 20, 10), "a.txt, line 1 holds 20; expected shares"),
        ((0, 0.5, 0.5, 0, 0.4), "box without area"),
        ((1, *BOX[1:]), "the class 1 is none of the 1 names"),
        ((0, 0.5, 0.5, 0.1), "has 4 numbers"),
        ((0, 0.1, 0.1, 0.2, 0.2, 0.3), "has 6 numbers"),
    ],
)
def test_bad_lines_are_told_or_skipped(tmp_path, row, what):
    path = yolo(tmp_path, [row])
    with pytest.raises(ValueError, match=what):
        yolo_objects.load_detection(path)
    (tmp_path / "labels" / "val" / "b.txt").write_text("")
    with pytest.warns(UserWarning, match="skipped 1 bad example"):
        yolo_objects.load_detection(path, skip_bad=True)


def test_masks_need_outlines(tmp_path):
    with pytest.raises(ValueError, match="a box alone, but masks"):
        yolo_objects.load_detection(yolo(tmp_path, [BOX]), masks=True)
