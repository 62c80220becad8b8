"""Classes and boxes of the user's own data: what they are, and what is wrong."""

import collections
import dataclasses
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.object_sets import OBJECT_SETS, ObjectSet, load_object_set
from hrnet_tf.data.sides import listed
from hrnet_tf.own.choices import Choices
from hrnet_tf.own.reading import UserData
from hrnet_tf.pictures.objects import draw_detections
from hrnet_tf.tasks.base import Table
from hrnet_tf.tasks.detection.checks import (
    check_boxes,
    check_objects,
    class_counts,
)
from hrnet_tf.tasks.detection.picture import labelled_objects
from hrnet_tf.tasks.sizes import sizes_table
from hrnet_tf.typing import PathLike
from hrnet_tf.words import counted

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tools.base import LabelledData

_FIELDS = tuple(field.name for field in dataclasses.fields(ObjectSet))
_QUARTILES = (0, 0.25, 0.5, 0.75, 1)
# A cell of FCOS' finest level, px; and the share of such objects that is worth a word.
_SMALL, _MANY_SMALL = 8.0, 0.2


def choose_objects(
    choices: "Choices", data: "UserData", given: Any = None
) -> ObjectSet:
    """Chooses the classes: of a named set, or what the data and their file tell.

    Args:
        choices: `Choices`.
        data: `UserData`.
        given: str or dict or None. The user's object set.
    Returns:
        `ObjectSet`.
    Raises:
        ValueError: if none of its classes is among the data's.
    """
    fields = {key: value for key, value in data.fields.items() if key in _FIELDS}
    names = tuple(data.train.names)
    if given is not None:
        is_dict = isinstance(given, dict)
        chosen = ObjectSet.from_dict(given) if is_dict else load_object_set(given)
        reason = "as asked for"
    elif "classes" in fields:
        chosen = ObjectSet.from_dict({"name": data.name, **fields})
        reason = (
            f"the {counted(chosen.num_classes, 'classes')} that {data.source} names"
        )
    else:
        told = {"name": data.name, "classes": names}
        known = [k for k in OBJECT_SETS.values() if k.classes == names and not fields]
        chosen = known[0] if known else ObjectSet.from_dict({**told, **fields})
        reason = f"the {counted(len(names), 'classes')} of {data.train.source}"
    _check_known(chosen, data.train)
    others = [name for name in names if name not in chosen.classes]
    if others:
        reason += f"; objects of other classes are left out: {listed(others)}"
    choices.put("objects", chosen.to_dict(), reason, "--objects NAME|FILE")
    return chosen


def _check_known(object_set, labelled, source=None):
    """Raises ValueError unless the data have one of the classes."""
    if set(labelled.names) & set(object_set.classes):
        return
    what = source or f"the object set {object_set.name!r}"
    raise ValueError(
        f"{labelled.source} has the classes {listed(labelled.names)}, of which {what}"
        f" has none ({listed(object_set.classes)}). Name classes of the data."
    )


def with_classes(
    labelled: "LabelledData", object_set: ObjectSet, source: PathLike | None = None
) -> list[DetectionExample]:
    """Returns the examples of data with the classes of a set, by their names.

    Objects of other classes are left out, which a warning counts.

    Args:
        labelled: `LabelledData` of objects.
        object_set: `ObjectSet`.
        source: path of the model that the classes are of, for messages; or None.
    Returns:
        List of `DetectionExample`.
    Raises:
        ValueError: if the data have none of the classes.
    """
    if tuple(labelled.names) == object_set.classes:
        return labelled.examples
    _check_known(object_set, labelled, source)
    places = {name: i for i, name in enumerate(object_set.classes)}
    numbers = np.array([places.get(name, -1) for name in labelled.names], np.int32)
    lost: collections.Counter[str] = collections.Counter()
    examples = []
    for example in labelled.examples:
        classes = numbers[example.classes]
        lost.update(labelled.names[i] for i in example.classes[classes < 0])
        examples.append(_chosen(example, classes))
    if lost and source is not None:
        told = ", ".join(f"{count} x {name}" for name, count in lost.most_common(8))
        warnings.warn(
            f"{labelled.source}: objects of classes that {source} has not are left"
            f" out: {told}.",
            stacklevel=2,
        )
    return examples


def _chosen(example, classes):
    """An example with the objects that have a class, 0 or more."""
    kept = classes >= 0
    rows = ("boxes", "crowd", "difficult", "areas", "ids")
    fields: dict[str, Any] = {name: getattr(example, name)[kept] for name in rows}
    # Boxes alone are learned.
    return DetectionExample(
        example.image_path,
        example.image_id,
        example.height,
        example.width,
        classes=classes[kept],
        **fields,
    )


def network_scale(
    examples: Sequence[DetectionExample], image_size: tuple[int, int]
) -> np.ndarray:
    """Returns how much smaller objects are in the network's input, float `[N]`.

    Args:
        examples: list of `DetectionExample`.
        image_size: (height, width) that pictures are fitted into, px.
    """
    height, width = image_size
    scales = [min(height / e.height, width / e.width) for e in examples]
    return np.repeat(scales, [e.num_objects for e in examples])


def sides_of(examples: Sequence[DetectionExample]) -> np.ndarray:
    """Returns the widths and heights of all boxes, float32 `[N, 2]`, px."""
    if not examples:
        return np.zeros((0, 2), np.float32)
    boxes = np.concatenate([example.boxes for example in examples])
    return boxes[:, 2:] - boxes[:, :2]


def fitted(data: "UserData", settings: dict[str, Any]) -> "UserData":
    """Returns data with the classes of the settings; see `OwnData.fit`."""
    object_set = ObjectSet.from_dict(settings["objects"])
    splits = {
        split: dataclasses.replace(
            labelled,
            examples=with_classes(labelled, object_set),
            names=object_set.classes,
        )
        for split, labelled in data.splits.items()
    }
    return dataclasses.replace(data, splits=splits)


def check(
    data: "UserData", settings: dict[str, Any], deep: bool = False
) -> list[Finding]:
    """Checks objects before they are trained on; see `OwnData.check`."""
    object_set = ObjectSet.from_dict(settings["objects"])
    train, val = data.train.examples, data.val.examples
    return [
        *check_objects(train, val, object_set, "error"),
        *check_boxes(train, val, object_set),
        *_check_empty(train, settings["keep_empty"]),
        *_check_sizes(train, tuple(settings["image_size"])),
    ]


def _check_empty(train, kept):
    empty = [example for example in train if not (~example.ignored).any()]
    if not empty:
        return []
    learnt = "They are learned as background" if kept else "They are not trained on"
    return [
        Finding(
            "note",
            f"{counted(len(empty), 'pictures')} of {len(train)} in train"
            f" {'has' if len(empty) == 1 else 'have'} no object, such as"
            f" {empty[0].image_path}.",
            f"{learnt}; --set keep_empty={not kept} changes that. Take out those that"
            " nobody has labelled yet.",
        )
    ]


def _check_sizes(train, image_size):
    """Objects that the network hardly sees."""
    sides = sides_of(train).min(1) * network_scale(train, image_size)
    small = int((sides < _SMALL).sum())
    if not len(sides) or small < _MANY_SMALL * len(sides):
        return []
    return [
        Finding(
            "warning",
            f"{small / len(sides):.0%} of the objects have a side of less than"
            f" {_SMALL:.0f} px where pictures are fitted into"
            f" {image_size[0]}x{image_size[1]} px.",
            "Such are hardly found: choose a larger --set image_size=..., or cut the"
            " pictures into parts.",
        )
    ]


def facts(
    data: UserData, settings: dict[str, Any], deep: bool = False
) -> dict[str, Table]:
    """Tables of the classes, boxes and pictures; see `OwnData.facts`."""
    names = ObjectSet.from_dict(settings["objects"]).classes
    columns, rows = ["class"], [[name] for name in names]
    for split, labelled in data.splits.items():
        columns += [f"{split}: objects", f"{split}: pictures"]
        objects, pictures = class_counts(labelled.examples, len(names))
        for row, count, number in zip(rows, objects, pictures, strict=True):
            row += [str(count), str(number)]
    table = Table(tuple(columns), tuple(map(tuple, rows)))
    return {
        "Classes": table,
        **_box_tables(data, settings),
        "Pictures": sizes_table(data),
    }


def _box_tables(data, settings):
    size = tuple(settings["image_size"])
    lines, counts = [], []
    for split, labelled in data.splits.items():
        examples = labelled.examples
        numbers = [example.num_objects for example in examples]
        counts.append((split, *(f"{q:.0f}" for q in np.quantile(numbers, _QUARTILES))))
        counts[-1] += (str(numbers.count(0)),)
        sides = sides_of(examples)
        if not len(sides):
            continue
        scale = network_scale(examples, size)
        for title, values in (
            ("longer side, px", sides.max(1)),
            (f"shorter side in {size[0]}x{size[1]}, px", sides.min(1) * scale),
            ("width / height", sides[:, 0] / sides[:, 1]),
        ):
            digits = 2 if "/" in title else 0
            found = np.quantile(values, _QUARTILES)
            lines.append((split, title, *(f"{q:.{digits}f}" for q in found)))
    titles = ("smallest", "quarter", "half", "three quarters", "largest")
    boxes = Table(("part", "boxes", *titles), tuple(lines), texts=(0, 1))
    fewest = ("fewest", *titles[1:4], "most", "pictures without")
    return {
        "Boxes": boxes,
        "Objects in a picture": Table(("part", *fewest), tuple(counts)),
    }


def draw(example: Any, settings: dict[str, Any]) -> np.ndarray:
    """Draws the labelled boxes of an example, with their classes' names."""
    shown = labelled_objects(example, ObjectSet.from_dict(settings["objects"]))
    return draw_detections(
        example.image_path, shown, 0.0, draw_scores=False, color_by_class=True
    )
