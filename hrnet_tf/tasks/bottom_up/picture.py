"""Pictures of people that were found without boxes."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.io import read_image
from hrnet_tf.pictures.sheet import contact_sheet
from hrnet_tf.pictures.skeletons import draw_keypoints
from hrnet_tf.tasks.bottom_up.inference import BottomUpInference
from hrnet_tf.tasks.bottom_up.result import People
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.people_example import PeopleExample
    from hrnet_tf.models.base import HRNetModel


NUM_PICTURES = 8
# People of a lower mean height are mostly single keypoints, which the official test
# keeps.
MIN_PERSON_SCORE = 0.1


def draw(
    image: Any,
    result: People,
    video: bool = False,
    min_score: float = 0.2,
    draw_boxes: bool = False,
    min_person_score: float = MIN_PERSON_SCORE,
) -> np.ndarray:
    """Draws the people of an image, each in a colour of their own.

    Args:
        image: uint8 array `[H, W, 3]`, or path.
        result: `People`.
        video: not used.
        min_score, draw_boxes: see `draw_keypoints`.
        min_person_score: float. People of a lower score are not drawn.
    """
    shown = chosen(result, min_person_score)
    return draw_keypoints(image, shown, min_score=min_score, draw_boxes=draw_boxes)


def chosen(people: People, min_score: float) -> People:
    """Returns the people of at least a score, numbered from 0 if they have no ids."""
    rows = people.box_scores >= min_score
    number = int(rows.sum())
    return People(
        xy=people.xy[rows],
        scores=people.scores[rows],
        boxes=people.boxes[rows],
        box_scores=people.box_scores[rows],
        image_path=people.image_path,
        keypoint_set=people.keypoint_set,
        ids=np.arange(number) if people.ids is None else people.ids[rows],
    )


def summary(
    rows: Sequence[dict[str, Any]],
    noun: tuple[str, str],
    min_person_score: float = MIN_PERSON_SCORE,
) -> str:
    """Says how many people were found in images or frames, unsure ones apart.

    Args:
        rows: what predictions.json says of them.
        noun: what one is called, and several are.
        min_person_score: float. People of a lower score are unsure, and not drawn.
    """
    scores = [person["box_score"] for row in rows for person in row["people"]]
    sure = sum(score >= min_person_score for score in scores)
    text = count_text(sure, *noun)
    unsure = len(scores) - sure
    return f"{text} ({unsure} unsure)" if unsure else text


def labelled_people(example: "PeopleExample", keypoint_set: "KeypointSet") -> People:
    """Returns the labelled people of an example as `People` of score 1.

    Args:
        example: `PeopleExample`.
        keypoint_set: `KeypointSet` of it.
    """
    return People(
        xy=example.keypoints[..., :2],
        scores=(example.keypoints[..., 2] > 0).astype(np.float32),
        boxes=example.boxes,
        box_scores=np.ones(example.num_people),
        image_path=example.image_path,
        keypoint_set=keypoint_set,
    )


def draw_beside(
    example: "PeopleExample", found: People, keypoint_set: "KeypointSet"
) -> np.ndarray:
    """Draws an image twice: with its labelled people, and with those that were found.

    Args:
        example: `PeopleExample`.
        found: `People`.
        keypoint_set: `KeypointSet`.
    Returns:
        uint8 array `[H, 2 W, 3]`.
    """
    image, _ = read_image(example.image_path)
    labelled = draw(image, labelled_people(example, keypoint_set))
    return np.concatenate([labelled, draw(image, found)], axis=1)


def sheet(
    model: "HRNetModel",
    infer: Callable[..., Any] | None,
    examples: "Sequence[PeopleExample]",
    columns: int = 2,
) -> np.ndarray:
    """Draws the first examples, labelled and found, as one picture.

    Args:
        model: `HigherHRNetPose` with its keypoint set.
        infer: function from images to outputs, or None.
        examples: list of `PeopleExample`.
        columns: int. Examples in a row.
    Returns:
        uint8 array `[H, W, 3]`.
    """
    from hrnet_tf.tasks.bottom_up.evaluate import predict_examples
    from hrnet_tf.tasks.pose.evaluate import keypoint_set_of

    keypoint_set = keypoint_set_of(model)
    some = list(examples)[:NUM_PICTURES]
    found = predict_examples(BottomUpInference(model, infer=infer), some)
    drawn = [
        draw_beside(example, people, keypoint_set)
        for example, people in zip(some, found, strict=True)
    ]
    height, width = drawn[0].shape[:2]
    return contact_sheet(drawn, columns, cell_size=(height * 720 // width, 720))
