"""Descriptions of the objects that detectors find: their classes.

A data set of one's own needs no code change, only a descriptor for `load_object_set`:
a json file such as

    {"name": "orchard", "classes": ["tree", "apple"]}

or a Python file that defines `OBJECTS`, such a dict or an `ObjectSet`. In memory a
class is 0..C-1; files name classes, or number them, in their own ways.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hrnet_tf.data.descriptors import Descriptor, load_descriptor
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel

# Steps of a golden section around the circle of hues: neighbours differ most.
_HUE_STEP = 0.618034
_VALUES = (1.0, 0.82, 0.66)


@dataclass(frozen=True)
class ObjectSet(Descriptor):
    """The classes of a detection data set, in the order of the network's outputs.

    Lists are accepted for tuples.

    Args:
        name: str. What the set is called in reports and files.
        classes: tuple of `C` different str.
        category_ids: tuple of `C` different int of 0 or more, the number of each class
            in COCO's files, which may leave some out. None: 1..C. Files that name
            their categories are read by the names.
        palette: tuple of `C` colours `(red, green, blue)`, int 0..255. Empty: distinct
            colours are generated.
    Raises:
        ValueError: if the description contradicts itself.
    """

    name: str
    classes: tuple[str, ...]
    category_ids: tuple[int, ...] | None = None
    palette: tuple[tuple[int, int, int], ...] = ()

    _kind = "object set"
    _member = "class"
    _plural = "classes"
    _members = "classes"
    _variable = "OBJECTS"

    def __post_init__(self):
        self._check_members()
        if self.category_ids is not None:
            self._put("category_ids", self._checked_ids())
        self._put("palette", self._checked_palette())

    @property
    def num_classes(self) -> int:
        """int: the number of classes `C`."""
        return len(self.classes)

    @property
    def file_ids(self) -> tuple[int, ...]:
        """Tuple of `C` int: the category id of each class in COCO's files."""
        return self.category_ids or tuple(range(1, self.num_classes + 1))

    @property
    def colors(self) -> tuple[tuple[int, int, int], ...]:
        """Tuple of `C` colours `(red, green, blue)`, int 0..255."""
        if self.palette:
            return self.palette
        return tuple(map(_color, range(self.num_classes)))

    def _checked_ids(self):
        ids = self.category_ids
        if (
            not isinstance(ids, (tuple, list))
            or len(ids) != self.num_classes
            or not all(type(number) is int and number >= 0 for number in ids)
            or len(set(ids)) != len(ids)
        ):
            raise self._error(
                f"category_ids is {ids!r:.120}; expected a different whole number of 0"
                f" or more for each of the {self.num_classes} classes, or none at all."
            )
        return tuple(ids)

    def _checked_palette(self):
        palette = self.palette
        if not isinstance(palette, (tuple, list)) or len(palette) not in (
            0,
            self.num_classes,
        ):
            raise self._error(
                f"palette is {palette!r:.80}; expected one [red, green, blue] for each"
                f" of the {self.num_classes} classes, or none at all."
            )
        for color in palette:
            if (
                not isinstance(color, (tuple, list))
                or len(color) != 3
                or not all(type(part) is int and 0 <= part <= 255 for part in color)
            ):
                raise self._error(
                    f"palette holds {color!r}; expected [red, green, blue], whole"
                    " numbers from 0 to 255."
                )
        return tuple(tuple(color) for color in palette)


def _color(number):
    """The colour of a class, far from those of the classes before it."""
    hue = (0.58 + number * _HUE_STEP) % 1
    value = _VALUES[number // 8 % len(_VALUES)]
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.85, value))


def load_object_set(name_or_path: PathLike | ObjectSet) -> ObjectSet:
    """Returns an object set by its name, or from a descriptor file.

    A .py descriptor is executed, like a recipe: load only files you trust.

    Args:
        name_or_path: str or path. A key of `OBJECT_SETS`, or a .json or .py file as
            the module's documentation describes ("name" may be left out there: the
            file's stem is taken). An `ObjectSet` is returned as it is.
    Raises:
        ValueError: if there is no such set or file, or its description is wrong.
    """
    return load_descriptor(name_or_path, ObjectSet, OBJECT_SETS)


def model_object_set(model: "HRNetModel") -> ObjectSet | None:
    """Returns the `ObjectSet` of a model's class names; None where it has none.

    Classes of a known set have its category ids and colours.

    Args:
        model: `HRNetModel`, such as `HRNetFasterRCNN`, or `Exported`.
    """
    if "object_set" in model.arguments:
        fields = model.arguments["object_set"]
        return None if fields is None else ObjectSet.from_dict(fields)
    names = model.arguments.get("class_names")
    return None if names is None else object_set_named(names)


def object_set_named(classes: Sequence[str]) -> ObjectSet:
    """Returns the known set of these classes, in their order, or a new one.

    Args:
        classes: sequence of str.
    """
    for known in OBJECT_SETS.values():
        if known.classes == tuple(classes):
            return known
    return ObjectSet("objects", tuple(classes))


def _names(text):
    return tuple(" ".join(name.split()) for name in text.split(","))


# Reference: instances_val2017.json, "categories".
COCO_OBJECTS = ObjectSet(
    name="coco",
    classes=_names(
        """
        person, bicycle, car, motorcycle, airplane, bus, train, truck, boat,
        traffic light, fire hydrant, stop sign, parking meter, bench, bird, cat, dog,
        horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag,
        tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat,
        baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup,
        fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
        hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table,
        toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven,
        toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear,
        hair drier, toothbrush
        """
    ),
    category_ids=(
        *range(1, 12),
        *range(13, 26),
        *(27, 28),
        *range(31, 45),
        *range(46, 66),
        *(67, 70),
        *range(72, 83),
        *range(84, 91),
    ),
)
# Reference: PASCAL VOC development kit, in its order.
VOC_OBJECTS = ObjectSet(
    name="voc",
    classes=_names(
        """
        aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable,
        dog, horse, motorbike, person, pottedplant, sheep, sofa, train, tvmonitor
        """
    ),
)
PEOPLE = ObjectSet(name="people", classes=("person",))
BCCD = ObjectSet(name="bccd", classes=("RBC", "WBC", "Platelets"))
OBJECT_SETS = {known.name: known for known in (COCO_OBJECTS, VOC_OBJECTS, PEOPLE, BCCD)}
