"""Pictures of objects, and of how a detector does on labelled images."""

import collections
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.instance_masks import coco_runs
from hrnet_tf.pictures.objects import draw_beside, draw_detections
from hrnet_tf.pictures.sheet import contact_sheet
from hrnet_tf.tasks.base import count_text
from hrnet_tf.tasks.detection.evaluate import object_set_of, predict_examples
from hrnet_tf.tasks.detection.result import Detections

if TYPE_CHECKING:
    from hrnet_tf.data.detection_example import DetectionExample
    from hrnet_tf.data.object_sets import ObjectSet
    from hrnet_tf.models.base import HRNetModel


NUM_PICTURES = 6
# Objects of lower scores are not drawn, if nothing else is said.
MIN_SCORE = 0.3
# Classes that a summary names.
_NUM_NAMED = 4


def draw(
    image: Any, result: Detections, video: bool = False, min_score: float = MIN_SCORE
) -> np.ndarray:
    """Draws the objects of an image; arguments as `draw_detections`."""
    return draw_detections(image, result, min_score)


def summary(
    rows: Sequence[dict[str, Any]],
    noun: tuple[str, str],
    min_score: float = MIN_SCORE,
) -> str:
    """Says how many objects were found in images or frames, and of which classes.

    It tells of those that are drawn, and how many more there are.
    """
    objects = [found for row in rows for found in row["objects"]]
    drawn = [found["class"] for found in objects if found["score"] >= min_score]
    ranked = collections.Counter(drawn).most_common()
    named = ", ".join(f"{count} {name}" for name, count in ranked[:_NUM_NAMED])
    more = ", ..." if len(ranked) > _NUM_NAMED else ""
    text = count_text(len(drawn), *noun)
    text = f"{text} ({named}{more})" if named else text
    unsure = len(objects) - len(drawn)
    return f"{text}, and {unsure} of scores under {min_score:g}," if unsure else text


def labelled_objects(
    example: "DetectionExample", object_set: "ObjectSet"
) -> Detections:
    """Returns the labelled objects of an example as `Detections` of score 1.

    Args:
        example: `DetectionExample`.
        object_set: `ObjectSet` of it.
    """
    masks = None
    if example.has_masks:
        size = (example.height, example.width)
        masks = [coco_runs(runs, size) for runs in example.runs]
    return Detections(
        boxes=example.boxes,
        scores=np.ones(example.num_objects),
        classes=example.classes,
        object_set=object_set,
        masks=masks,
        image_path=example.image_path,
    )


def draw_tested(
    example: "DetectionExample", found: Detections, object_set: "ObjectSet"
) -> np.ndarray:
    """Draws a tested image twice: what is labelled, and what was found.

    Args:
        example: `DetectionExample`.
        found: `Detections`.
        object_set: `ObjectSet` of both.
    Returns:
        uint8 array `[H, 2 W, 3]`.
    """
    labelled = labelled_objects(example, object_set)
    return draw_beside(example.image_path, labelled, found)


def sheet(
    model: "HRNetModel",
    infer: Callable[..., Any] | None,
    examples: "Sequence[DetectionExample]",
    columns: int = 2,
) -> np.ndarray:
    """Draws the images of the first examples, labelled and found, as one picture.

    Args:
        model: a detector that names its classes.
        infer: not used.
        examples: list of `DetectionExample`.
        columns: int. Examples in a row.
    Returns:
        uint8 array `[H, W, 3]`.
    """
    object_set = object_set_of(model)
    chosen = list(examples)[:NUM_PICTURES]
    found = predict_examples(model, chosen)
    drawn = [
        draw_tested(example, objects, object_set)
        for example, objects in zip(chosen, found, strict=True)
    ]
    height, width = drawn[0].shape[:2]
    return contact_sheet(drawn, columns, cell_size=(height * 720 // width, 720))
