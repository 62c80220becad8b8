"""The tasks. A new one is a folder here, and a line in `TASKS`."""

import inspect
from typing import TYPE_CHECKING, Any

from hrnet_tf.tasks.bottom_up.task import BOTTOM_UP
from hrnet_tf.tasks.classification.task import CLASSIFICATION
from hrnet_tf.tasks.detection.task import DETECTION
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.tasks.landmarks.task import LANDMARKS
from hrnet_tf.tasks.pose.task import POSE
from hrnet_tf.tasks.segmentation.task import SEGMENTATION
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Inference, Task


TASKS = (POSE, BOTTOM_UP, LANDMARKS, SEGMENTATION, CLASSIFICATION, DETECTION)


def task_named(name: str) -> "Task":
    """Returns the `Task` of a name; KeyError if there is none."""
    return {task.name: task for task in TASKS}[name]


def task_of(model: "HRNetModel | Exported", source: PathLike | None = None) -> "Task":
    """Returns the `Task` that takes a model.

    Args:
        model: `HRNetModel`, or `Exported`.
        source: path the model came from, for messages; or None.
    Raises:
        ValueError: if there is none, such as for a backbone.
    """
    if isinstance(model, Exported):
        wanted = model.description["task"]
        found = [task for task in TASKS if task.name == wanted]
        kind = f"an exported model of the task {wanted!r}"
    else:
        # The nearest class counts: some models are subclasses of another task's.
        found = [
            task
            for kind in type(model).__mro__
            for task in TASKS
            if kind in task.parts.models
        ]
        kind = f"a {type(model).__name__}"
    if found:
        return found[0]
    titles = ", ".join(task.title for task in TASKS)
    raise ValueError(
        f"{'This is' if source is None else f'{source} holds'} {kind}, which is no"
        f" model of one of these tasks: {titles}. It can be loaded and called in Python"
        " (hrnet_tf.load_model), but not trained by recipes, tested, predicted with or"
        " exported."
    )


def make_inference(
    model: "HRNetModel | Exported", source: PathLike | None = None, **options: Any
) -> "Inference":
    """Makes what leads from images to results with a model.

    Args:
        model: `HRNetModel`, or `Exported`.
        source: path the model came from, for messages; or None.
        **options: of the task's inference, such as `flip_test`.
    Returns:
        The `Inference` of the model's task.
    Raises:
        ValueError: if no task takes the model, or it does not allow an option.
    """
    task = task_of(model, source)
    allowed = list(inspect.signature(task.parts.inference).parameters)[1:]
    for name, value in options.items():
        if name not in allowed:
            kind = getattr(type(model), "__name__", "")
            raise ValueError(
                f"{name}={value!r} for a {kind}: inference of {task.title} has no such"
                f" option. It has {', '.join(allowed)}."
            )
    return task.parts.inference(model, **options)
