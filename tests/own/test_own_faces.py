"""Faces of the user's own: which points change places, and the unit of errors."""

import json

import pytest
from drawn_faces import HEIGHT, WIDTH, draw_faces

from hrnet_tf import tasks
from hrnet_tf.data.formats.coco_entries import are_numbered
from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS
from hrnet_tf.own.choices import Machine
from hrnet_tf.own.reading import read_data
from hrnet_tf.own.split import with_validation

W300 = KEYPOINT_SETS["300w"]


def chosen(folder, names, **given):
    """What is chosen for six faces with points of these names, by its name."""
    drawn = draw_faces(folder / "images", W300, 6)
    images = [
        {"id": i, "file_name": face["image"], "width": WIDTH, "height": HEIGHT}
        for i, face in enumerate(drawn)
    ]
    annotations = [
        {
            "id": i + 1,
            "image_id": i,
            "category_id": 1,
            "bbox": [20, 10, 80, 70],
            "keypoints": [v for x, y in face["points"].tolist() for v in (x, y, 2)],
        }
        for i, face in enumerate(drawn)
    ]
    categories = [{"id": 1, "name": "face", "keypoints": list(names)}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "faces.json").write_text(json.dumps(content))
    data, _ = with_validation(read_data(folder / "faces.json", "pose"))
    own = tasks.task_named("landmarks").parts.own_data
    return {choice.name: choice for choice in own.choose(data, Machine(4e9), given)}


NUMBERED = {
    "numbers": [str(i) for i in range(68)],
    "points": [f"point_{i}" for i in range(1, 69)],
    "faces": [f"face-{i}" for i in range(68)],
}


@pytest.mark.parametrize("names", NUMBERED.values(), ids=NUMBERED)
def test_numbers_with_a_named_set_flip_and_are_measured_by_the_eyes(tmp_path, names):
    found = chosen(tmp_path, names, keypoints="300w")
    assert found["flips"].value is True
    assert _names(found["metric"].reason) == W300.pck_reference


@pytest.mark.parametrize("names", NUMBERED.values(), ids=NUMBERED)
def test_numbers_alone_say_which_option_would_tell(tmp_path, names):
    found = chosen(tmp_path, names)
    assert found["flips"].value is False
    assert "--keypoints 300w tells" in found["keypoints"].reason
    assert "square root of the box's area" in found["metric"].reason


def test_names_of_a_known_set_are_recognised(tmp_path):
    found = chosen(tmp_path, [name.replace("_", " ").title() for name in W300.names])
    assert "are those of '300w'" in found["keypoints"].reason
    assert found["flips"].value is True
    assert _names(found["metric"].reason) == W300.pck_reference


def test_what_is_numbered():
    assert are_numbered(["1", "2"]) and are_numbered(["face_1", "face_2"])
    assert not are_numbered(W300.names) and not are_numbered(["left_1", "right_1"])
    assert not any(are_numbered(known.names) for known in KEYPOINT_SETS.values())


def _names(reason):
    first, second = reason.split("distance of ")[1].split(" and ")
    return first, second
