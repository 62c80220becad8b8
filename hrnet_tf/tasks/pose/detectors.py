"""Detectors that say where the people, or faces, of an image are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.io import read_image
from hrnet_tf.tasks.pose.boxes import MIN_BOX_SIDE
from hrnet_tf.typing import PathLike

# What a class is called that is taken unless another is asked for.
_WANTED = ("person", "people", "pedestrian", "human", "face")
_HUB = "keras_hub:"
MIN_SCORE = 0.3


def make_detector(
    load: Callable[[PathLike], Any],
    detector: PathLike | None = None,
    detect_class: str | None = None,
    min_box_score: float | None = None,
    boxes: PathLike | None = None,
) -> Callable[[Any], dict[str, Any]] | None:
    """Makes what finds people in images; see `Parts.finder`.

    Args:
        load: `(path) -> Predictor`, of models of any task.
        detector: a detection model of this package, as a `.keras` file or an exported
            folder; or "keras_hub:NAME", the name or folder of a KerasHub preset of an
            object detector; or None.
        detect_class: str or None. The class that is wanted, by its name or 0-based
            number. None: the only one there is, or the one called "person" or "face".
        min_box_score: float or None. Boxes with a lower score are left out; None: 0.3.
        boxes: path of a file of boxes, which a detector does not go with.
    Returns:
        A function from an image (path, or uint8 `[H, W, 3]`) to a dict "boxes", float32
        `[N, 4]` x, y, width, height in its pixels, and "box_scores", float32 `[N]`, the
        surest first; or None without a detector.
    Raises:
        ValueError: if there is no such detector, or it has no such class.
    """
    if detector is None:
        if detect_class is not None:
            raise ValueError(
                "`detect_class` says what a detector looks for. Received no `detector`."
            )
        return None
    if boxes is not None:
        raise ValueError(
            "Both `boxes` and `detector` say where the people are. Leave one out."
        )
    least = MIN_SCORE if min_box_score is None else min_box_score
    source = str(detector)
    if source.lower().endswith(".json"):
        raise ValueError(
            f"{source} is a file of boxes, not a detection model. Pass it as `boxes`."
        )
    if source.startswith(_HUB):
        run, names = _of_hub(source)
    else:
        run, names = _of_this_package(source, load)
    wanted = class_number(source, names, detect_class)

    def find(image: Any) -> dict[str, Any]:
        pixels, _ = read_image(image)
        corners, scores, classes = run(pixels)
        height, width = pixels.shape[:2]
        corners = np.clip(corners, 0, [width, height, width, height])
        sides = corners[:, 2:] - corners[:, :2]
        kept = (classes == wanted) & (scores >= least)
        kept &= (sides >= MIN_BOX_SIDE).all(1)
        order = np.flatnonzero(kept)
        order = order[np.argsort(-scores[order], kind="stable")]
        found = np.concatenate([corners[:, :2], sides], 1)[order]
        return {
            "boxes": found.astype(np.float32),
            "box_scores": scores[order].astype(np.float32),
        }

    return find


def class_number(source: str, names: list[str] | int, wanted: str | None) -> int:
    """Returns the number, from 0, of the class that is looked for.

    Args:
        source: str, of the detector, for messages.
        names: list of str; or int, how many there are, where none are known.
        wanted: str or None, name or number; None: the only one, or the one called
            "person" or "face".
    Raises:
        ValueError: if there is none, or several.
    """
    count = names if isinstance(names, int) else len(names)
    known = [] if isinstance(names, int) else [name.lower() for name in names]
    if wanted is None:
        found = [known.index(name) for name in _WANTED if name in known]
        if found or count == 1:
            return found[0] if found else 0
        if not known:
            raise ValueError(
                f"{source} finds {count} classes, whose names are unknown. Say by"
                " `detect_class` which one people have: a number from 0, see the data"
                " set that it was trained on."
            )
        raise ValueError(
            f"{source} finds {_listed(names)}. Which is wanted? Say it by"
            " `detect_class`."
        )
    if wanted.lower() in known:
        return known.index(wanted.lower())
    if wanted.isdecimal() and int(wanted) < count:
        return int(wanted)
    numbers = f"a number from 0 to {count - 1}"
    expected = f"one of {_listed(names)}, or {numbers}" if known else numbers
    raise ValueError(
        f"{source} does not find `detect_class={wanted}`. Expected {expected}."
    )


def _listed(names, most=20):
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _of_this_package(source, load):
    """What runs a detection model of ours, and the names of its classes."""
    if not Path(source).exists():
        raise ValueError(
            f"There is no detector {source}. Expected the .keras file or the exported"
            f" folder of a detection model, or {_HUB}NAME, a preset of KerasHub."
        )
    predictor = load(source)
    if predictor.task.name != "detection":
        raise ValueError(
            f"{source} is a model of {predictor.task.title}, which finds no boxes."
            " Expected a detection model."
        )

    def run(pixels):
        found = predictor.predict(pixels)
        return found.boxes, found.scores, found.classes

    return run, list(predictor.object_set.classes)


def _of_hub(source):
    """What runs a KerasHub detector, and how many classes it has."""
    from hrnet_tf.extras import import_extra

    hub = import_extra("keras_hub", f"The detector {source}")
    name = source.removeprefix(_HUB)
    try:
        model = hub.models.ObjectDetector.from_preset(name)
    except (ValueError, OSError) as error:
        raise ValueError(
            f"KerasHub has no object detector {name!r}: {error}"
        ) from error
    return hub_runner(model), int(model.num_classes)


def hub_runner(model: Any) -> Callable[[np.ndarray], tuple[np.ndarray, ...]]:
    """Makes what runs an object detector of KerasHub on images of any size.

    It gives boxes in pixels of the image that its preprocessor made; so the image is
    first brought to that size, shape kept, which leaves the preprocessor nothing to do.

    Args:
        model: `keras_hub.models.ObjectDetector` with its preprocessor.
    Returns:
        A function from uint8 `[H, W, 3]` to boxes `[N, 4]` left, top, right, bottom in
        its pixels, scores `[N]` and classes `[N]`.
    Raises:
        ValueError: if the model has no preprocessor with an image size.
    """
    import keras
    import tensorflow as tf

    converter = getattr(model.preprocessor, "image_converter", None)
    size = getattr(converter, "image_size", None)
    if size is None:
        raise ValueError(
            "The object detector has no preprocessor with an image size. Load it by"
            " from_preset, or give its ImageConverter an image_size."
        )

    def run(pixels):
        height, width = pixels.shape[:2]
        zoom = min(size[0] / height, size[1] / width)
        inside = (
            max(1, min(size[0], round(height * zoom))),
            max(1, min(size[1], round(width * zoom))),
        )
        resized = tf.image.resize(pixels, inside, antialias=zoom < 1)
        padded = tf.image.pad_to_bounding_box(resized, 0, 0, *size)
        found = model.predict(padded[None], verbose=0)
        count = int(found["num_detections"][0])
        corners = keras.utils.bounding_boxes.convert_format(
            np.asarray(found["boxes"][0][:count], np.float32),
            source=model.bounding_box_format,
            target="xyxy",
            height=size[0],
            width=size[1],
        )
        back = np.array([width / inside[1], height / inside[0]] * 2, np.float32)
        return (
            np.asarray(corners, np.float32).reshape(-1, 4) * back,
            np.asarray(found["confidence"][0][:count], np.float32),
            np.asarray(found["labels"][0][:count], np.int64),
        )

    return run
