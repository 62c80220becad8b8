import copy

import pytest
from drawn_people import coco_content, coco_person, write

from hrnet_tf.data.formats.coco_truth import category_ids, ground_truth
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.metrics.coco_stats import coco_keypoint_stats

POINTS = KeypointSet(name="points", names=("right", "tip", "left"), sigmas=(0.1,) * 3)


@pytest.fixture
def content():
    return coco_content("a.png", "b.png")


def test_keypoints_are_in_the_order_of_the_set(content, tmp_path):
    before = copy.deepcopy(content)
    truth = ground_truth(content, POINTS)
    assert content == before
    assert truth == ground_truth(write(tmp_path / "a.json", content), POINTS)
    person = truth["annotations"][0]
    assert person["keypoints"] == [0, 0, 0, 10, 5, 2, 12, 6, 1]
    assert person["num_keypoints"] == 2 and person["area"] == 50
    results = [
        {**{k: p[k] for k in ("image_id", "category_id", "keypoints")}, "score": 0.9}
        for p in truth["annotations"]
    ]
    assert coco_keypoint_stats(truth, results, POINTS.sigmas)["AR"] == 1


def test_categories_of_the_same_keypoints_are_one(content):
    (one,) = content["categories"]
    content["categories"] = [
        one,
        {**one, "id": "5", "keypoints": ["left", "tip", "right"]},
        {"id": 8, "name": "tree"},
        {"id": 9, "name": "hand", "keypoints": ["wrist"]},
    ]
    content["annotations"][1]["category_id"] = 5
    for number in (8, 9):
        person = coco_person(number, 1, category_id=number, keypoints=[1, 2, 2])
        content["annotations"].append(person)
    people = ground_truth(content, POINTS)["annotations"]
    assert [person["category_id"] for person in people] == [1, 1]
    assert people[1]["keypoints"] == [0, 0, 0, 12, 6, 1, 10, 5, 2]
    assert category_ids(content, POINTS) == {1, 5}
    del content["categories"]
    assert category_ids(content, POINTS) == {1, 5, 8, 9}


def test_what_is_absent_is_filled_in_as_for_training(content):
    content["images"][0]["id"] = "1"
    first, second = content["annotations"]
    first.update(image_id="1", area=0, num_keypoints=9)
    del second["area"], second["iscrowd"]
    second.update(bbox=[])
    crowd = coco_person(5, 1, iscrowd=1, bbox=None, area=None, keypoints=None)
    content["annotations"].append(crowd)
    one, two, three = ground_truth(content, POINTS)["annotations"]
    assert (one["image_id"], one["area"], one["num_keypoints"]) == (1, 200, 2)
    assert min(two["bbox"][2:]) > 10 and two["area"] > 100
    assert (three["iscrowd"], three["area"], three["bbox"]) == (1, 0, [0, 0, 0, 0])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"image_id": 99}, "there is no image 99 among the 2"),
        ({"keypoints": [1, 2, 2]}, "has 3 keypoint numbers"),
        ({"keypoints": [float("nan")] + [2] * 8}, "keypoints holds nan"),
        ({"bbox": "text"}, "bbox is 'text'"),
    ],
)
def test_bad_annotations_are_named_or_skipped(content, changes, message):
    content["annotations"][0].update(changes)
    with pytest.raises(ValueError, match=f"annotation 0 .*{message}"):
        ground_truth(content, POINTS)
    with pytest.warns(UserWarning, match=f"skipped 1 bad .*{message}"):
        assert len(ground_truth(content, POINTS, True)["annotations"]) == 1


def test_ids_that_are_no_numbers(content):
    wanted = [a["image_id"] for a in ground_truth(content, POINTS)["annotations"]]
    number = wanted[0]
    (image,) = [image for image in content["images"] if image["id"] == number]
    image["id"] = "first"
    with pytest.raises(ValueError, match="there is no image"):
        ground_truth(content, POINTS)
    for annotation in content["annotations"]:
        if annotation["image_id"] == number:
            annotation["image_id"] = "first"
    found = ground_truth(content, POINTS)
    ids = [a["image_id"] for a in found["annotations"]]
    assert [i == ids[0] for i in ids] == [i == number for i in wanted]
    image["id"] = 10**30
    with pytest.raises(ValueError, match="expected text, or a whole number"):
        ground_truth(content, POINTS)
