"""Masks as runs of pixels."""

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from hrnet_tf.data import instance_masks


def random_mask(seed, size=(23, 31)):
    rng = np.random.default_rng(seed)
    return rng.random(size) < rng.random()


@pytest.mark.parametrize("seed", range(8))
def test_texts_are_read_and_written_as_pycocotools_does(seed):
    inside = random_mask(seed)
    encoded = coco_mask.encode(np.asfortranarray(inside.astype(np.uint8)))
    runs = instance_masks.runs_of_text(encoded["counts"])
    assert np.array_equal(runs, instance_masks.runs_of_mask(inside))
    assert np.array_equal(instance_masks.mask_of_runs(runs, inside.shape), inside)
    assert instance_masks.coco_runs(runs, inside.shape) == {
        "size": list(inside.shape),
        "counts": encoded["counts"].decode(),
    }


def test_polygons_are_drawn_as_pycocotools_does():
    polygons = [[2.5, 3, 20.2, 4, 11, 19.5], [15, 2, 25, 2, 25, 12, 15, 12]]
    runs = instance_masks.runs_of_polygons(polygons, (22, 30))
    parts = coco_mask.decode(coco_mask.frPyObjects(polygons, 22, 30))
    drawn = instance_masks.mask_of_runs(runs, (22, 30))
    assert np.array_equal(drawn, parts.any(-1))


def test_runs_of_several_objects_are_packed_together():
    masks = [instance_masks.runs_of_mask(random_mask(i)) for i in range(3)]
    packed, lengths = instance_masks.pack_runs([masks[0], None, *masks[1:]])
    assert lengths.tolist() == [len(masks[0]), 0, len(masks[1]), len(masks[2])]
    found = instance_masks.unpack_runs(packed, lengths)
    assert np.array_equal(found[0], masks[0]) and not len(found[1])
    assert np.array_equal(found[3], masks[2])
    assert instance_masks.unpack_runs(*instance_masks.pack_runs([])) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [("€", "hold '€'"), ("", "break off"), ("oo", "break off"), ("o" * 20, "off")],
)
def test_texts_that_hold_no_runs_are_refused(text, what):
    with pytest.raises(ValueError, match=what):
        instance_masks.runs_of_text(text)


def test_far_corners_take_no_time():
    """Someone's slip of a few zeros: the object reaches out of the picture."""
    runs = instance_masks.runs_of_polygons([[2, 2, 1e300, 2, 1e300, 5, 2, 5]], (8, 9))
    inside = np.zeros((8, 9), bool)
    inside[2:5, 2:] = True
    assert np.array_equal(instance_masks.mask_of_runs(runs, (8, 9)), inside)
