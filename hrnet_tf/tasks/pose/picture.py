"""Pictures of people's keypoints, and of how a network does on them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.pictures.sheet import contact_sheet
from hrnet_tf.pictures.skeletons import draw_keypoints
from hrnet_tf.tasks.pose.evaluate import keypoint_set_of, predict_people
from hrnet_tf.tasks.pose.result import Keypoints
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.data.schema import PoseExample
    from hrnet_tf.models.base import HRNetModel


NUM_PICTURES = 8


def draw(
    image: Any,
    result: Keypoints,
    video: bool = False,
    min_score: float = 0.2,
    draw_boxes: bool = False,
) -> np.ndarray:
    """Draws the people of an image; arguments as `draw_keypoints`."""
    return draw_keypoints(image, result, min_score=min_score, draw_boxes=draw_boxes)


def summary(rows: Sequence[dict[str, Any]], noun: tuple[str, str]) -> str:
    """Says how many people were found in images or frames."""
    return count_text(sum(len(row["people"]) for row in rows), *noun)


def sheet(
    model: "HRNetModel", infer: Callable[..., Any], examples: "Sequence[PoseExample]"
) -> np.ndarray:
    """Draws the first validation images with their predicted skeletons.

    Args:
        model: `HRNetPose` with its keypoint set.
        infer: function from images to outputs.
        examples: list of `PoseExample`.
    Returns:
        uint8 array `[H, W, 3]`.
    """
    chosen = examples[:NUM_PICTURES]
    people = predict_people(model, chosen, batch_size=8, infer=infer)
    keypoint_set = keypoint_set_of(model)
    drawn, start = [], 0
    for example in chosen:
        rows = slice(start, start + example.num_people)
        start = rows.stop
        assert example.box_scores is not None
        found = Keypoints(
            xy=people.points[rows],
            scores=people.scores[rows],
            boxes=example.boxes,
            box_scores=example.box_scores,
            image_path=example.image_path,
            keypoint_set=keypoint_set,
        )
        drawn.append(draw_keypoints(example.image_path, found))
    return np.asarray(contact_sheet(drawn))
