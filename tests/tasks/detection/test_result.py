"""Detections, and how they are drawn."""

import json

import numpy as np
import pytest
from drawn_objects import FRUIT

from hrnet_tf.data.instance_masks import coco_runs, runs_of_mask
from hrnet_tf.data.object_sets import COCO_OBJECTS, ObjectSet
from hrnet_tf.pictures.objects import draw_beside, draw_detections
from hrnet_tf.pictures.skeletons import color_of
from hrnet_tf.tasks.detection.picture import summary
from hrnet_tf.tasks.detection.result import Detections
from hrnet_tf.tasks.detection.tracks import track_objects

BOXES = [[2, 3, 12, 13], [20, 5, 30, 25]]


def masks():
    drawn = []
    for left, top, right, bottom in BOXES:
        inside = np.zeros((30, 40), bool)
        inside[top:bottom, left:right] = True
        drawn.append(coco_runs(runs_of_mask(inside), inside.shape))
    return drawn


def found(**changes):
    return Detections(
        **{
            "boxes": BOXES,
            "scores": [0.9, 0.2],
            "classes": [1, 0],
            "object_set": FRUIT,
            "masks": masks(),
            "image_path": "a.png",
            **changes,
        }
    )


def test_values_for_json(tmp_path):
    detections = found()
    assert len(detections) == 2 and detections.names == ["pear", "apple"]
    assert repr(detections).startswith("Detections(1 apple, 1 pear, fruit, with masks")
    assert detections.mask(1).sum() == 200
    detections.save(tmp_path / "found.json")
    content = json.loads((tmp_path / "found.json").read_text())
    assert content["objects"][0]["class"] == "pear"
    assert content["objects"][0]["box"] == [2, 3, 10, 10]
    assert content["objects"][1]["mask"] == masks()[1]
    assert found(masks=None).chosen([1]).to_dict()["objects"][0]["score"] == 0.2


def test_categories_of_coco():
    people = found(object_set=COCO_OBJECTS, classes=[0, 79], masks=None)
    first, second = people.to_coco(785)
    assert first["category_id"] == 1 and second["category_id"] == 90
    assert first["bbox"] == [2, 3, 10, 10] and first["image_id"] == 785
    assert people.to_coco(1, range(100, 180))[1]["category_id"] == 179


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"boxes": [[1, 2, 3, 4]]}, "Expected boxes \\[N, 4\\]"),
        ({"scores": [0.1, np.nan]}, "scores hold numbers that are not finite"),
        ({"classes": [0, 2]}, "classes hold 2"),
        ({"masks": []}, "2 boxes have 0 masks"),
        ({"ids": [1]}, "2 boxes have ids of shape"),
    ],
)
def test_contradictions_are_refused(changes, what):
    with pytest.raises(ValueError, match=what):
        found(**changes)
    with pytest.raises(ValueError, match="finds none"):
        found(masks=None).mask(0)


def test_texts_do_not_cover_each_other():
    image = np.full((120, 200, 3), 90, np.uint8)
    place = [60, 40, 140, 110]
    both = found(boxes=[place, place], scores=[0.9, 0.8], masks=None)

    def count(detections, **options):
        """Pixels of each class's colour."""
        drawn = draw_detections(image, detections, 0.5, color_by_class=True, **options)
        return [(drawn == color).all(-1).sum() for color in FRUIT.colors]

    alone = [count(both.chosen([1 - i]))[i] for i in (0, 1)]
    plain = {"draw_names": False, "draw_scores": False}
    lines = [count(both.chosen([1 - i]), **plain)[i] for i in (0, 1)]
    assert all(whole > line + 100 for whole, line in zip(alone, lines, strict=True))
    # Lines of boxes may be covered, texts not.
    for left, whole, line in zip(count(both), alone, lines, strict=True):
        assert left >= whole - line


def test_a_summary_tells_of_what_is_drawn():
    rows = [found(masks=None).to_dict()] * 3
    text = "3 objects (3 pear), and 3 of scores under 0.3,"
    assert summary(rows, ("object", "objects")) == text
    text = "6 objects (3 pear, 3 apple)"
    assert summary(rows, ("object", "objects"), 0.1) == text


def test_objects_of_videos_keep_their_number_and_colour():
    track = track_objects(None, min_score=0.5)
    first = track(found(masks=None), 0.0)
    # The second one is too unsure to be numbered.
    assert [row.get("id") for row in first.to_dict()["objects"]] == [1, None]
    assert first.chosen([1, 0]).ids.tolist() == [0, 1]
    moved = found(masks=None, boxes=[BOXES[1], [4, 3, 14, 13]], classes=[0, 1])
    second = track(moved, 0.1)
    # The surest is new; the other goes on as the first one, though unsure now.
    assert second.ids.tolist() == [2, 1]
    image = np.full((30, 40, 3), 90, np.uint8)
    plain = {"draw_names": False, "draw_scores": False}
    drawn = draw_detections(image, second.chosen([1]), 0.0, **plain)
    colors = {tuple(pixel) for pixel in drawn[3:13, 4:14].reshape(-1, 3).tolist()}
    assert color_of(1) in colors
    named = draw_detections(image, second.chosen([1]), 0.0, draw_scores=False)
    assert (named != drawn).any()


def test_objects_are_drawn_where_they_are():
    image = np.full((30, 40, 3), 90, np.uint8)
    plain = {"draw_names": False, "draw_scores": False}
    drawn = draw_detections(image, found(), 0.5, **plain)
    assert drawn.shape == image.shape and (image == 90).all()
    changed = (drawn != image).any(-1)
    assert changed[3:13, 2:12].all() and not changed[:, 20:].any()
    inside = drawn[8, 7].astype(int)
    # The one that is shown is the first of its kind.
    color = np.array(ObjectSet("any", ("0",)).colors[0])
    assert np.abs(inside - (0.55 * 90 + 0.45 * color)).max() <= 1
    assert (draw_detections(image, found(), 0.0)[8:20, 22:28] != image[0, 0]).any()
    nothing = Detections([], [], [], FRUIT)
    assert (draw_detections(image, nothing) == image).all()
    assert draw_beside(image, found(), nothing).shape[1] > 80
