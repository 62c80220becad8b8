"""Testing a detector on objects of the user's own data."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hrnet_tf.pictures.tested import tested_pictures
from hrnet_tf.tasks.detection.evaluate import evaluate
from hrnet_tf.tasks.detection.labelled import checked_object_set
from hrnet_tf.tasks.detection.own_objects import with_classes
from hrnet_tf.tasks.detection.picture import draw_tested
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tools.base import LabelledData
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


def test_own(
    model: "HRNetModel",
    data: "LabelledData",
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    objects: PathLike | None = None,
    limits: tuple[int, int] | None = None,
    batch_size: int = 4,
    pictures: int = 12,
) -> "Report":
    """Tests a detector on the user's own data, as training tests it.

    Args:
        model, progress, source, out, objects, limits, batch_size, pictures: see
            `labelled.test_files`.
        data: `LabelledData` of objects.
    Returns:
        `Report`.
    Raises:
        ValueError: if the data have none of the model's classes.
    """
    object_set = checked_object_set(model, source, objects)
    examples = with_classes(data, object_set, source)
    draw = functools.partial(draw_tested, object_set=object_set)
    on_found = tested_pictures(out, draw, pictures, len(examples))
    with progress("finding objects", "images") as tick:
        return evaluate(
            model,
            examples,
            object_set=object_set,
            batch_size=batch_size,
            limits=limits,
            progress=tick,
            on_found=on_found,
        )
