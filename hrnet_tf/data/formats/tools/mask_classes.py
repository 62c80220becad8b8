"""The classes of masks: named by a file beside them, or only numbered."""

import dataclasses
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.label_checks import read_label
from hrnet_tf.data.label_set import IGNORE_LABEL
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.data.label_tables import VOC
from hrnet_tf.io import open_image

# CamVid's.
_COLOURS = "label_colors.txt"
_LISTS = ("classes.txt", "class_names.txt", "labels.txt")


@dataclasses.dataclass(frozen=True, eq=False)
class Classes:
    """What numbers or colours in masks mean.

    Attributes:
        names: tuple of str.
        numbers: tuple of int, the number in the masks of each.
        palette: tuple of (red, green, blue), or ().
        ignored: tuple of int, numbers that are not to be learned.
        notes: tuple of str.
    """

    names: tuple
    numbers: tuple
    palette: tuple = ()
    ignored: tuple = (IGNORE_LABEL,)
    notes: tuple = ()

    @property
    def table(self) -> np.ndarray:
        """uint8 `[256]`: the class of each number, or `IGNORE_LABEL`."""
        table = np.full(256, IGNORE_LABEL, np.uint8)
        table[list(self.numbers)] = np.arange(len(self.numbers))
        return table

    @property
    def is_plain(self) -> bool:
        """Whether the numbers are those of the classes."""
        plain = self.numbers == tuple(range(len(self.numbers)))
        return plain and set(self.ignored) <= {IGNORE_LABEL}


def declared_classes(path: Path) -> Classes | None:
    """Reads the file that names classes: labels.json, labelmap.txt, classes.txt, ...

    Args:
        path: `Path` of the data set's folder.
    Returns:
        `Classes`, or None if there is no such file.
    Raises:
        ValueError: naming the file, if it is of another form.
    """
    if (path / "labels.json").is_file():
        labels = load_label_set(path / "labels.json")
        return Classes(
            labels.classes, labels.file_ids, labels.palette, labels.ignored_ids
        )
    if (path / "labelmap.txt").is_file():
        return _label_map(path / "labelmap.txt")
    if (path / _COLOURS).is_file():
        return _colours(path / _COLOURS)
    for name in _LISTS:
        if (path / name).is_file():
            names = tuple(_lines(path / name))
            _check(path / name, names)
            return Classes(names, tuple(range(len(names))))
    return None


def read_mask(path: Path, classes: Classes | None) -> tuple:
    """Reads the numbers of a mask; colours become numbers by the list of classes.

    Args:
        path: `Path` of a PNG.
        classes: what `declared_classes` returned.
    Returns:
        uint8 `[H, W]`; and bool, whether they are the values of the file.
    Raises:
        BadExample: if it cannot be read, or holds colours of no class.
    """
    try:
        with open_image(path, formats=("PNG",)) as image:
            mode = image.mode
            if mode == "P":
                known = np.array(image.getpalette("RGB") or []).reshape(-1, 3)
            # Grey of 8 bits is what label maps are.
            pixels = None if mode in ("L", "P") else np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadExample(
            "unreadable label", f"The mask {path} cannot be read: {error}."
        ) from error
    has_colours = classes is not None and len(classes.palette) > 0
    if mode == "P" and has_colours:
        numbers = read_label(path)
        used = np.unique(numbers)
        if not _agrees(known, used, classes):
            return _of_colours(path, known[numbers], classes), False
        return numbers, True
    if pixels is None:
        return read_label(path), True
    if mode == "1":
        return pixels.astype(np.uint8), False
    if mode.startswith("I") and pixels.max(initial=0) < 256:
        return pixels.astype(np.uint8), False
    if mode in ("RGB", "RGBA") and has_colours:
        return _of_colours(path, pixels[..., :3], classes), False
    # It says what is wrong with colours and 16 bits.
    return read_label(path), True


def found_classes(path: Path, declared: Classes | None, counts: np.ndarray) -> Classes:
    """Compares what a file declares with the numbers in masks, or names those.

    Args:
        path: `Path` of the data set's folder.
        declared: what `declared_classes` returned.
        counts: int array `[256]`, how often each number occurs.
    Raises:
        ValueError: for a number that the file does not know.
    """
    used = np.flatnonzero(counts).tolist()
    if declared is not None:
        ignored = set(declared.ignored) | ({IGNORE_LABEL} - set(declared.numbers))
        unknown = [n for n in used if n not in declared.numbers and n not in ignored]
        if unknown:
            raise ValueError(
                f"The masks in {path} hold the number {unknown[0]}, which is none of"
                f" the {len(declared.names)} classes, {declared.names[0]!r} to"
                f" {declared.names[-1]!r}, that are declared there."
            )
        return declared
    if (path / "SegmentationClass").is_dir() and set(used) <= {*range(21), 255}:
        note = "The classes are taken to be PASCAL VOC's: there is no labelmap.txt."
        return Classes(VOC.classes, VOC.file_ids, VOC.palette, notes=(note,))
    if used == [0, 255]:
        note = "The masks hold 0 and 255: these are taken to be two classes."
        return Classes(
            ("background", "foreground"), (0, 255), ignored=(), notes=(note,)
        )
    numbers = tuple(n for n in used if n != IGNORE_LABEL) or (IGNORE_LABEL,)
    note = (
        "The classes have no names: put a classes.txt into the folder, a name a line in"
        " the order of the numbers."
    )
    if IGNORE_LABEL in used:
        note += " Pixels of 255 are taken to be ignored."
    return Classes(tuple(f"class_{n}" for n in numbers), numbers, notes=(note,))


def _label_map(path):
    """The classes of a labelmap.txt: name:red,green,blue:parts:actions."""
    names, palette = [], []
    for line in _lines(path):
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        try:
            colour = tuple(int(v) for v in rest.split(":")[0].split(","))
        except ValueError:
            colour = ()
        if len(colour) != 3 or not all(0 <= v < 256 for v in colour):
            raise ValueError(
                f"{path}: expected lines such as person:192,128,128::. Received:"
                f" {line!r:.80}."
            )
        names.append(name)
        palette.append(colour)
    _check(path, names)
    return Classes(tuple(names), tuple(range(len(names))), tuple(palette))


def _colours(path):
    """The classes of lines such as "64 128 64 Animal"; without colours of some."""
    names, palette = [], []
    for line in _lines(path):
        *colour, name = line.split(None, 3)
        if len(colour) == 3 and all(v.isdecimal() and int(v) < 256 for v in colour):
            palette.append(tuple(map(int, colour)))
        else:
            name = line
        names.append(name)
    _check(path, names)
    complete = len(palette) == len(names)
    return Classes(
        tuple(names), tuple(range(len(names))), tuple(palette) if complete else ()
    )


def _check(path, names):
    if not 0 < len(names) <= IGNORE_LABEL or len(set(names)) < len(names):
        raise ValueError(
            f"{path} names {len(names)} classes, {len(set(names))} different ones;"
            f" expected 1 to {IGNORE_LABEL} different names."
        )


def _lines(path):
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no text: {error}.") from error
    return [line.strip() for line in lines if line.strip()]


def _agrees(known, used, classes):
    """Whether the colours of used numbers are those of the classes."""
    wanted = dict(zip(classes.numbers, classes.palette, strict=True))
    return all(
        number >= len(known) or tuple(known[number]) == wanted.get(number)
        for number in used
        if number not in classes.ignored
    )


def _of_colours(path, colours, classes):
    """The numbers of pixels `[H, W, 3]` whose colours are those of classes."""
    codes = colours.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    numbers = np.full(codes.shape, -1)
    for number, colour in zip(classes.numbers, classes.palette, strict=True):
        numbers[codes == np.array(colour) @ np.array([1 << 16, 1 << 8, 1])] = number
    # VOC's outlines of objects, which are of no class.
    numbers[(numbers < 0) & (codes == 0xE0E0C0)] = IGNORE_LABEL
    if (numbers < 0).any():
        row, column = np.argwhere(numbers < 0)[0]
        raise BadExample(
            "unknown colour",
            f"The mask {path} holds the colour {colours[row, column].tolist()} at row"
            f" {row}, column {column}, which is none of the {len(classes.names)}"
            " classes'. Was it saved as JPEG, or painted smoothly?",
        )
    return numbers.astype(np.uint8)
