"""The description of a label set: classes, colours and file values."""

from dataclasses import dataclass

import numpy as np

from hrnet_tf.data.descriptors import Descriptor

IGNORE_LABEL = 255


@dataclass(frozen=True)
class LabelSet(Descriptor):
    """The classes of a segmentation data set, in the order of the network's outputs.

    Lists are accepted for tuples, 0-based indices for the classes of pairs.

    Args:
        name: str. What the set is called in reports and files.
        classes: tuple of `C` different str, at most 255.
        palette: tuple of `C` colours `(red, green, blue)`, int 0..255. Empty: distinct
            colours are generated.
        label_ids: tuple of `C` different int 0..255, the value in the label files of
            each class. None: 0..C-1.
        ignored_ids: tuple of int 0..255, file values which mean "ignore". Any value
            which is neither a class nor ignored is an error.
        flip_pairs: tuple of pairs `(class, class)` which change places when the image
            is mirrored, such as the left and the right arm.
        class_weights: tuple of `C` float or None. Weights of the classes in the loss.
    Raises:
        ValueError: if the description contradicts itself.
    """

    name: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...] = ()
    label_ids: tuple[int, ...] | None = None
    ignored_ids: tuple[int, ...] = (IGNORE_LABEL,)
    flip_pairs: tuple[tuple[str | int, str | int], ...] = ()
    class_weights: tuple[float, ...] | None = None

    _kind = "label set"
    _member = "class"
    _plural = "classes"
    _members = "classes"
    _variable = "LABELS"

    def __post_init__(self):
        self._check_members()
        if self.num_classes > IGNORE_LABEL:
            raise self._error(
                f"there are {self.num_classes} classes; an 8-bit label map holds at"
                f" most {IGNORE_LABEL}, and {IGNORE_LABEL} itself means 'ignore'."
            )
        self._put("palette", self._checked_palette())
        self._check_ids()
        self._check_flip_pairs()
        self._put("class_weights", self._positive_numbers("class_weights"))

    @property
    def num_classes(self) -> int:
        """int: the number of classes `C`."""
        return len(self.classes)

    @property
    def file_ids(self) -> tuple[int, ...]:
        """Tuple of `C` int: the value in the label files of each class."""
        return self.label_ids or tuple(range(self.num_classes))

    def lookup(self) -> np.ndarray:
        """Returns the table from file values to classes.

        Returns:
            uint8 array `[256]`: 0..C-1, and `IGNORE_LABEL` for values which are
            ignored or unknown; `known_ids` tells these apart.
        """
        table = np.full(256, IGNORE_LABEL, np.uint8)
        table[list(self.file_ids)] = np.arange(self.num_classes)
        return table

    def known_ids(self) -> np.ndarray:
        """Returns which file values may occur: bool array `[256]`."""
        known = np.zeros(256, bool)
        known[[*self.file_ids, *self.ignored_ids]] = True
        return known

    def to_file_ids(self, labels: np.ndarray) -> np.ndarray:
        """Translates label maps back into the values of the data set's files.

        Args:
            labels: integer array of any shape, 0..C-1 or `IGNORE_LABEL`. The latter
                becomes the first of `ignored_ids`.
        Returns:
            uint8 array of the same shape.
        Raises:
            ValueError: for any other value, and for `IGNORE_LABEL` if the files know
                no such value.
        """
        labels = np.asarray(labels)
        known = (labels >= 0) & (labels < self.num_classes)
        table = np.zeros(256, np.uint8)
        table[: self.num_classes] = self.file_ids
        if self.ignored_ids:
            known |= labels == IGNORE_LABEL
            table[IGNORE_LABEL] = self.ignored_ids[0]
        if not known.all():
            ignored = f" and {IGNORE_LABEL}" if self.ignored_ids else ""
            raise self._error(
                f"a label map holds {labels[~known].flat[0]}; expected 0 to"
                f" {self.num_classes - 1}{ignored}."
            )
        return table[labels]

    def describe_ids(self) -> str:
        """Returns a sentence (str) on which values the label files may hold."""
        ids = self.file_ids
        plain = ids == tuple(range(ids[0], ids[0] + len(ids)))
        values = f"{ids[0]} to {ids[-1]}" if plain else str(list(ids))
        ignored = f", and {list(self.ignored_ids)} for ignored pixels"
        return (
            f"Label set {self.name!r} has {self.num_classes} classes with the values"
            f" {values}{ignored if self.ignored_ids else ''}."
        )

    def _checked_palette(self):
        palette = self.palette
        if isinstance(palette, (tuple, list)) and not palette:
            # No class is drawn black, which is what the pattern starts with.
            return bit_palette(self.num_classes + 1)[1:]
        if not isinstance(palette, (tuple, list)) or len(palette) != self.num_classes:
            count = f"{len(palette)} colours" if hasattr(palette, "__len__") else "none"
            raise self._error(
                f"palette holds {count}; expected one [red, green, blue] for each of"
                f" the {self.num_classes} classes, or none at all."
            )
        for colour in palette:
            if not (
                isinstance(colour, (tuple, list))
                and len(colour) == 3
                and all(_is_byte(value) for value in colour)
            ):
                raise self._error(
                    f"palette holds {colour!r}; expected [red, green, blue], whole"
                    " numbers from 0 to 255."
                )
        return tuple(tuple(colour) for colour in palette)

    def _check_ids(self):
        for field in ("label_ids", "ignored_ids"):
            ids = getattr(self, field)
            if ids is None and field == "label_ids":
                continue
            if not isinstance(ids, (tuple, list)) or not all(map(_is_byte, ids)):
                raise self._error(
                    f"{field} is {ids!r}; expected whole numbers from 0 to 255, the"
                    " values in the label files."
                )
            repeated = sorted({value for value in ids if ids.count(value) > 1})
            if repeated:
                raise self._error(f"{field} holds {repeated} more than once.")
            self._put(field, tuple(ids))
        if self.label_ids is not None and len(self.label_ids) != self.num_classes:
            raise self._error(
                f"label_ids holds {len(self.label_ids)} values for"
                f" {self.num_classes} classes; expected one for each."
            )
        both = sorted(set(self.file_ids) & set(self.ignored_ids))
        if both:
            raise self._error(
                f"the file values {both} stand for classes and are ignored as well."
            )


def _is_byte(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255


def bit_palette(num_colours: int) -> tuple[tuple[int, int, int], ...]:
    """Returns distinct colours; the first is black, the first 21 are PASCAL VOC's.

    Args:
        num_colours: int, at most 256.
    Returns:
        A tuple of `(red, green, blue)`, int 0..255.
    Reference:
        PASCAL VOC development kit, VOClabelcolormap: the bits of the index are dealt
        out to the colours' bits, from the highest downwards.
    """

    def channel(index, first_bit):
        bits = ((index >> (3 * i + first_bit)) & 1 for i in range(8))
        return sum(bit << (7 - i) for i, bit in enumerate(bits))

    return tuple(
        tuple(channel(index, first_bit) for first_bit in range(3))
        for index in range(num_colours)
    )
