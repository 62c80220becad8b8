"""What the outputs of networks' heads are called."""

from pathlib import Path
from typing import Any

from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.data.label_tables import LABEL_SETS
from hrnet_tf.weights.kinds import KINDS
from hrnet_tf.weights.registry import PublishedWeights

# The argument that names them, and where in it, by what they are.
_NAMED_BY = {
    "num_keypoints": (("keypoint_set", "names"),),
    "num_classes": (("label_set", "classes"), ("class_names", None)),
}
# Published segmentation networks do not carry their classes. What their names hold, and
# the label set whose classes they have, in its order.
_TRAINED_ON = (
    ("_cityscapes_", "cityscapes"),
    ("_ade20k_", "ade20k"),
    ("_voc12aug_", "voc"),
    ("_pascal_context_59_", "pascal_context_59"),
    ("_pascal_context_", "pascal_context_60"),
)
# Says that outputs are those of the model that they are loaded into.
SAME = "same"


def noun_of(kind: str) -> str:
    """Returns what a kind's outputs are, such as "keypoints"."""
    return (KINDS[kind].argument or "num_outputs").removeprefix("num_")


def output_names(kind: str, arguments: dict[str, Any]) -> tuple[str, ...] | None:
    """Returns the names of a model's outputs, a tuple of str, or None.

    Args:
        kind: str, a key of `KINDS`.
        arguments: dict. The model's, or those that are known of it.
    """
    for argument, key in _NAMED_BY.get(KINDS[kind].argument or "", ()):
        value = arguments.get(argument)
        names = value if key is None or value is None else dict(value).get(key)
        if names is not None:
            return tuple(map(str, names))
    return None


def published_arguments(entry: PublishedWeights) -> dict[str, Any]:
    """Returns what is known of published weights, a dict of arguments.

    Args:
        entry: `PublishedWeights`.
    """
    known = dict(entry.arguments)
    name = next((s for part, s in _TRAINED_ON if part in f"{entry.name}_"), None)
    if name and LABEL_SETS[name].num_classes == known.get("num_classes"):
        known.setdefault("label_set", LABEL_SETS[name].to_dict())
    return known


def stated_names(kind: str, text: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the names that somebody says a head's outputs have, a tuple of str.

    Args:
        kind: str, a key of `KINDS`.
        text: str. `SAME`; or a keypoint set or label set, by its name or descriptor
            file; or of a classifier a file with a name a line.
        own: tuple of str. The names of the model's own outputs, or their numbers.
    Raises:
        ValueError: if there is no such set or file.
    """
    if text == SAME:
        return own
    if KINDS[kind].argument == "num_keypoints":
        return load_keypoint_set(text).names
    if kind != "classifier":
        return load_label_set(text).classes
    return _lines(text)


def _lines(path):
    """The lines of a file of class names."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(
            f"Cannot read the classes' names from {str(path)!r}"
            f" ({type(error).__name__}). Expected {SAME!r}, or a file with a name a"
            " line, in the order of the checkpoint's classes."
        ) from error
    return tuple(line.strip() for line in text.splitlines() if line.strip())
