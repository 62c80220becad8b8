"""The entries of COCO-style files, and what categories say of keypoints."""

import dataclasses
import itertools
import math
import re
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.checked_json import LARGEST, decode, field
from hrnet_tf.data.formats.checks import FARTHEST, finite_numbers

# Names such as "3" or "keypoint_3" say nothing but the place.
_NUMBERED = re.compile(r"(k|kp|kpt|keypoint|point|joint|landmark|pt|p)?[ _-]?\d+")
_VISIBILITIES = frozenset((0.0, 1.0, 2.0))
# In pixels: what is above is no area of a picture's, and float32 holds it.
_LARGEST_AREA = 1e12


class ImageEntry(msgspec.Struct):
    """An entry of "images"; 0 for an unknown side is None."""

    file_name: str
    id: int | str
    height: int | None = None
    width: int | None = None

    def __post_init__(self):
        self.id = as_number(self.id)


class AnnotationEntry(msgspec.Struct):
    """An entry of "annotations"."""

    image_id: int | str | None = None
    id: int | str | None = None
    category_id: int | str | None = None
    iscrowd: float | bool | None = None
    area: float | None = None
    bbox: list[float] | None = None
    keypoints: list[float | None] | None = None

    def __post_init__(self):
        self.image_id = as_number(self.image_id)
        self.id = as_number(self.id)
        self.category_id = as_number(self.category_id)


class CategoryEntry(msgspec.Struct):
    """An entry of "categories"."""

    id: int | str | None = None
    name: str | int | None = None
    supercategory: str | None = None
    keypoints: list[str | int] | None = None
    skeleton: list[list[int]] | None = None

    def __post_init__(self):
        self.id = as_number(self.id)


def as_number(value: Any) -> Any:
    """Returns the whole number that a text such as "12" is; anything else as it is."""
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}(\.0*)?\s*", value):
        return int(value.split(".")[0])
    return value


def read_image(path: Any, entry: Any, position: int) -> ImageEntry:
    """Returns an entry of "images", checked.

    Args:
        path: path of the file, for messages.
        entry: see `checked_json.decode`.
        position: int. Its place in the list, from 0.
    Raises:
        BadExample: if it is of another form.
    """
    missing = [key for key in ("id", "file_name") if field(entry, key) is None]
    if missing:
        raise BadExample(
            "image without id or name", f"{path}: the image {entry} lacks {missing}."
        )
    image = decode(entry, ImageEntry, f"{path}: image {position} (from 0)")
    for side in ("height", "width"):
        value = getattr(image, side)
        if value is not None and not 0 <= value <= LARGEST:
            raise BadExample(
                f"wrong {side}",
                f"{path}: the {side} of image {image.file_name} is {value}; expected"
                " pixels, or 0 where it is not known.",
            )
        setattr(image, side, value or None)
    return image


def numbers_of_texts(entries: Iterable[Any]) -> dict:
    """Returns numbers for ids of images that are texts, such as "cam1/0003".

    Whoever reads the file gets the same ones: the smallest that are no image's id, in
    the order of the images.

    Args:
        entries: of "images", see `checked_json.decode`.
    Returns:
        dict of str to int; {} where all ids are numbers.
    """
    ids = [as_number(field(entry, "id")) for entry in entries]
    used = {number for number in ids if isinstance(number, int)}
    free = (number for number in itertools.count(1) if number not in used)
    texts = dict.fromkeys(text for text in ids if isinstance(text, str))
    return {text: next(free) for text in texts}


def check_image_number(number: Any, path: Any, name: Any) -> None:
    """Raises ValueError if the id of an image is no number that arrays hold."""
    if not isinstance(number, int) or abs(number) > LARGEST:
        raise ValueError(
            f"{path}: the id of image {name} is {number!r}; expected text, or a whole"
            " number of at most 18 digits. Number the images anew, and their"
            " annotations' image_id alike."
        )


def categories_with_keypoints(path: Any, entries: Iterable[Any]) -> list:
    """Returns the categories that declare a list of keypoints.

    Args:
        path: path of the file, for messages.
        entries: list of entries of "categories", see `checked_json.decode`.
    Returns:
        list of `CategoryEntry`.
    Raises:
        ValueError: if an entry is of another form.
    """
    return [c for c in read_categories(path, entries) if c.keypoints]


def read_categories(path: Any, entries: Iterable[Any]) -> list:
    """Returns all categories, checked; arguments as `categories_with_keypoints`."""
    categories = []
    for position, entry in enumerate(entries):
        where = f"{path}: category {position} (from 0)"
        category = decode(entry, CategoryEntry, where)
        if category.keypoints:
            category.keypoints = [str(name) for name in category.keypoints]
        categories.append(category)
    return categories


@dataclasses.dataclass(frozen=True)
class Order:
    """How the keypoints of a category become those of a keypoint set.

    Attributes:
        indices: int array `[K]`, the places in the file of the set's keypoints; None
            where the order is the same.
        note: str. What the user is to see; "" where names and order are the same.
    """

    indices: np.ndarray | None = None
    note: str = ""

    def apply(self, keypoints: np.ndarray) -> np.ndarray:
        """Returns keypoints `[K, 3]` in the order of the set."""
        return keypoints if self.indices is None else keypoints[self.indices]


def orders_of(path: Any, categories: list, keypoint_set: Any) -> tuple:
    """Compares the keypoints of all categories with a set's.

    Args:
        path: path of the file, for messages.
        categories: list of `CategoryEntry` with keypoints.
        keypoint_set: `KeypointSet`.
    Returns:
        dict of a category's id to `Order`, {} if no category declares keypoints; and a
        list of notes. Categories of other keypoints are left out if there is one of
        the set's.
    Raises:
        ValueError: if all categories have other keypoints.
    """
    orders, error = {}, None
    for category in categories:
        try:
            orders[category.id] = order_of(path, category, keypoint_set)
        except ValueError as other:
            error = error or other
    if error and not orders:
        raise error
    notes = list(dict.fromkeys(o.note for o in orders.values() if o.note))[:1]
    if error:
        notes.append(f"{error} Its people are left out.")
    return orders, notes


def order_in(orders: dict, annotation: AnnotationEntry) -> Order | None:
    """Returns the `Order` of an annotation's keypoints; None for another category."""
    return orders.get(annotation.category_id) if orders else Order()


def checked_area(where: str, area: float | None) -> float | None:
    """Returns an area in px^2, None where there is none.

    Args:
        where: str. File and annotation, for the message.
        area: float or None.
    Raises:
        BadExample: if no picture has such an area.
    """
    if area is not None and not 0 <= area <= _LARGEST_AREA:
        raise BadExample(
            "wrong area", f"{where}: area is {area}; expected pixels, 0 or more."
        )
    return area


def checked_keypoints(where: str, values: list, keypoint_set: Any) -> np.ndarray:
    """Returns the keypoints of an annotation.

    Args:
        where: str. File and annotation, for the message.
        values: list of float or None, `3 K` numbers. What is not labelled has no
            place, and may be written as NaN or null.
        keypoint_set: `KeypointSet`.
    Returns:
        float64 array `[K, 3]`.
    Raises:
        BadExample: for another number of values, or wrong ones.
    """
    num_keypoints = keypoint_set.num_keypoints
    if len(values) != 3 * num_keypoints:
        raise BadExample(
            "keypoint count contradicts the descriptor",
            f"{where} has {len(values)} keypoint numbers, but the {num_keypoints}"
            f" keypoints of the set {keypoint_set.name!r} need {3 * num_keypoints}"
            " (x, y, visibility).",
        )
    keypoints = np.array(values, np.float64).reshape(-1, 3)
    return keypoints if _are_fine(values) else _mended_keypoints(where, keypoints)


def _are_fine(values):
    """Whether keypoints need no second look; NumPy is slow with so few numbers."""
    try:
        # A sum is not finite if a number is not.
        return (
            _VISIBILITIES.issuperset(values[2::3])
            and math.isfinite(sum(values))
            and max(values) < FARTHEST
            and min(values) > -FARTHEST
        )
    except TypeError:  # None stands for a number.
        return False


def _mended_keypoints(where, keypoints):
    """Keypoints without numbers where nothing is labelled; `BadExample` for others."""
    # An annotation of nothing has NaN or null for visibilities too.
    if not np.isfinite(keypoints).any():
        return np.zeros_like(keypoints)
    visibility = keypoints[:, 2]
    wrong = [v for v in visibility if v not in (0, 1, 2) and np.isfinite(v)]
    if wrong:
        raise BadExample(
            "wrong visibility",
            f"{where} has a keypoint of visibility {wrong[0]}; expected 0 (not"
            " labelled), 1 (occluded) or 2 (visible).",
        )
    keypoints[(visibility == 0)[:, None] & ~np.isfinite(keypoints)] = 0
    flat = {"keypoints": keypoints.ravel()}
    finite_numbers(where, flat, "keypoints", (keypoints.size,))
    if np.abs(keypoints).max() >= FARTHEST:
        raise BadExample(
            "keypoint far outside",
            f"{where} has a keypoint at {np.abs(keypoints).max():.3g}; expected pixels"
            " of the image.",
        )
    return keypoints


def order_of(path: Any, category: CategoryEntry, keypoint_set: Any) -> Order:
    """Compares a category's keypoints with a set's.

    Args:
        path: path of the file, for messages.
        category: `CategoryEntry` with keypoints.
        keypoint_set: `KeypointSet`.
    Raises:
        ValueError: if there are others, or another number.
    """
    found: Any = category.keypoints
    wanted = list(keypoint_set.names)
    what = f"{path}: the category {category.name!r}"
    if len(found) != len(wanted):
        raise ValueError(
            f"{what} has {len(found)} keypoints, but the keypoint set"
            f" {keypoint_set.name!r} has {len(wanted)}. Pass the descriptor of this"
            " data set."
        )
    if found == wanted:
        return Order()
    if are_numbered(found):
        return Order(
            note=f"{what} numbers its keypoints without names: they are taken in the"
            f" order of the set {keypoint_set.name!r}."
        )
    spelled = [_spelling(name) for name in found]
    expected = [_spelling(name) for name in wanted]
    if sorted(spelled) != sorted(expected) or len(set(spelled)) < len(spelled):
        raise ValueError(_differences(what, found, wanted, keypoint_set))
    note = ""
    if sorted(found) != sorted(wanted):
        pairs = zip(found, (wanted[expected.index(s)] for s in spelled), strict=True)
        first = next(f"{a!r} for {b!r}" for a, b in pairs if a != b)
        note = f" spells keypoints differently, such as {first},"
    if spelled == expected:
        return Order(note=f"{what}{note} which are taken to be the same.")
    note += " and" if note else ""
    return Order(
        np.array([spelled.index(name) for name in expected]),
        f"{what}{note} has its keypoints in another order than the set"
        f" {keypoint_set.name!r} ({', '.join(found[:4])}, ...): they are put in the"
        " set's order by their names.",
    )


def are_numbered(names: Iterable[str]) -> bool:
    """Returns whether names tell nothing but the place: 7, point_7, face_7."""
    names = [name.casefold() for name in names]
    if all(map(_NUMBERED.fullmatch, names)):
        return True
    # Those of faces, such as right_jaw_3, have a number behind several words.
    stems = {re.sub(r"[\d_ -]+$", "", name) for name in names}
    return len(names) > 1 == len(stems) and all(name[-1:].isdigit() for name in names)


def limbs(category: CategoryEntry) -> list:
    """Returns the limbs of a category as pairs of its keypoints' names.

    Indices count from 1, or from 0 if a 0 is among them; wrong ones are left out.
    """
    pairs = [pair for pair in category.skeleton or () if len(pair) == 2]
    start = 0 if any(0 in pair for pair in pairs) else 1
    names = dict(enumerate(category.keypoints or (), start))
    return [(names[a], names[b]) for a, b in pairs if a in names and b in names]


def _spelling(name):
    """A name without case, blanks and underscores; l and r are left and right."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    words = re.split(r"[\W_]+", words.casefold())
    return "".join({"l": "left", "r": "right"}.get(word, word) for word in words)


def _differences(what, found, wanted, keypoint_set):
    places = [i for i, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b]
    first = ", ".join(f"{i}: {found[i]!r} for {wanted[i]!r}" for i in places[:3])
    return (
        f"{what} has other keypoints than the set {keypoint_set.name!r}, at"
        f" {len(places)} of {len(wanted)} places (from 0), such as {first}. Pass the"
        " descriptor of this data set, with these names."
    )
