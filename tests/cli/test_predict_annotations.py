"""Which people of predictions become annotations."""

import json
import types

import pytest
from drawn_people import draw_pictures

from hrnet_tf.cli.predict_annotations import Annotations

# Found, unsure, and a single keypoint; two of their keypoints were not found.
SCORES = ((0.9, [0.9, 0.9, 0.9]), (0.08, [0.2, 0.04, 0.0]), (0.3, [0.9, 0.0, 0.0]))


def task(name, draw):
    return types.SimpleNamespace(
        name=name, title=name, parts=types.SimpleNamespace(draw=draw)
    )


def draw_people(image, result, min_score=0.2, min_person_score=0.1):
    """Draws as tasks do whose people may be none."""


def draw_all(image, result, min_score=0.2):
    """Draws as the others do."""


@pytest.mark.parametrize(
    ("name", "draw", "scores", "written", "told"),
    [
        (
            "bottom_up",
            draw_people,
            (None, None),
            [3, 1],
            "1 person below 0.1",
        ),
        ("bottom_up", draw_people, (None, 0.5), [3], "2 people below 0.5"),
        ("bottom_up", draw_people, (0.0, 0.0), [3, 2, 1], ""),
        ("pose", draw_all, (None, None), [3, 1, 1], ""),
    ],
)
def test_unsure_people_are_left_out_and_counted(
    tmp_path, name, draw, scores, written, told
):
    draw_pictures(tmp_path, "a.png")
    people = [
        {
            "box": [1, 1, 20, 20],
            "box_score": score,
            "keypoints": [[5.0 + i, 6.0, known] for i, known in enumerate(keypoints)],
        }
        for score, keypoints in SCORES
    ]
    content = {"images": [{"image_path": str(tmp_path / "a.png"), "people": people}]}
    annotations = Annotations(("coco",), task(name, draw), 1, tmp_path / "out")
    (tmp_path / "out").mkdir()
    found = annotations.write(content, tmp_path / "out", *scores)
    assert found.get("not written", "").replace(" of a score", "") == told
    file = tmp_path / "out/annotations_coco/annotations/person_keypoints_default.json"
    rows = json.loads(file.read_text())["annotations"]
    # What was not found has no place, whatever is asked for.
    assert sorted((row["num_keypoints"] for row in rows), reverse=True) == written
