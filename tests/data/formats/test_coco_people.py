"""What of COCO-style files bottom-up training learns on, and what it hides."""

import pytest
from drawn_people import NAMES, coco_content, coco_person, draw_pictures, write

from hrnet_tf.data.formats.coco_people import load_people, read_masks
from hrnet_tf.data.keypoint_sets import KeypointSet

BIRD = KeypointSet("bird", NAMES, (("left", "right"),), sigmas=(0.1, 0.1, 0.1))
ALL = [[0, 0, 40, 0, 40, 30, 0, 30]]
PART = [[20, 10, 30, 10, 30, 20, 20, 20]]
NEST = {"id": 7, "name": "nest"}
# Animals of other keypoints, labelled and not.
FISH = {"id": 8, "name": "fish", "keypoints": ["nose", "tail"]}


@pytest.fixture
def mixed(tmp_path):
    """A file of people and other things: each picture shows another mixture."""
    names = ("sits.png", "things.png", "hidden.png", "empty.png")
    draw_pictures(tmp_path, *names)
    content = coco_content(*names)
    content["categories"] += [NEST, FISH]

    def other(id_, image_id, category, **changes):
        fields = {"keypoints": [], "segmentation": ALL, "category_id": category["id"]}
        return coco_person(id_, image_id, **{**fields, **changes})

    unlabelled = {"keypoints": [0] * 9, "num_keypoints": 0}
    content["annotations"] = [
        coco_person(1, 1),
        other(2, 1, NEST),
        other(3, 1, FISH),
        other(4, 2, NEST, iscrowd=1, segmentation={"size": [30, 40], "counts": [1200]}),
        other(5, 2, FISH, keypoints=[1, 1, 2, 3, 3, 2]),
        coco_person(6, 3, **unlabelled, segmentation=PART),
        other(7, 3, NEST),
    ]
    return write(tmp_path / "mixed.json", content)


@pytest.mark.filterwarnings("ignore:.*left out", "ignore:.*has the keypoints")
def test_only_people_are_hidden(mixed):
    examples = load_people(mixed, mixed.parent, BIRD)
    assert [example.image_id for example in examples] == [1, 2, 3]
    assert [example.num_people for example in examples] == [1, 0, 0]
    # Who sits in a nest is learnt; and so is what the nest looks like without anybody.
    assert [example.ignored.sum() for example in examples] == [0, 0, 100]
    sizes = {number: (30, 40) for number in (1, 2, 3, 4)}
    assert set(read_masks(mixed, sizes, BIRD)) == {3}


@pytest.mark.filterwarnings("ignore:.*left out")
def test_without_told_keypoints_all_are_people(mixed, tmp_path):
    content = coco_content("sits.png")
    del content["categories"]
    content["annotations"].append(
        coco_person(2, 1, keypoints=[0] * 9, segmentation=PART, category_id=9)
    )
    path = write(tmp_path / "bare.json", content)
    (example,) = load_people(path, tmp_path, BIRD)
    assert example.num_people == 1 and example.ignored.sum() == 100
