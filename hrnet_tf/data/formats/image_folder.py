"""Classified images in folders, one a class, or in one folder with a list of labels.

    DIR/train/<class>/*.jpg                DIR/train/n01440764/*.JPEG
    DIR/val/<class>/*.jpg                  DIR/val/*.JPEG, DIR/val_labels.txt

Classes are numbered in the order of their folders' names, as torchvision does; for
ImageNet's synsets this gives the published networks' order.
"""

import collections
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import check_folder, image_size, note_measured
from hrnet_tf.data.formats.folders import files_below, is_data
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.schema import ClassificationExample
from hrnet_tf.io import check_upright, decode_image, open_image
from hrnet_tf.notes import ANIMATED, note
from hrnet_tf.typing import PathLike, Progress

# Formats beside JPEG and PNG that TensorFlow decodes.
_RARE_FORMATS = (b"GIF8", b"BM", b"RIFF")
_READERS = 8


def class_folders(folder: PathLike) -> tuple[str, ...]:
    """Returns the names of a folder's class folders, sorted (tuple of str).

    Args:
        folder: path of a folder such as DIR/train.
    Raises:
        ValueError: if there is no such folder, or it holds no folders.
    """
    folder = check_folder(folder)
    names = sorted(
        child.name
        for child in folder.iterdir()
        if child.is_dir() and is_data(child.name, LeftOut())
    )
    if not names:
        found = sorted(child.name for child in folder.iterdir())[:5]
        raise ValueError(
            f"{folder} should hold a folder of images for each class, such as"
            f" {folder / 'cat'}. It holds no folder, but {found}."
        )
    return tuple(names)


def read_class_names(path: PathLike, folders: Sequence[str]) -> tuple[str, ...]:
    """Reads what the classes are called.

    Args:
        path: path of a text file, one class a line: "n01440764 tench, Tinca tinca"
            (folder, then name; in any order, others may be among them), or just the
            names in the order of `folders`.
        folders: sequence of str. The class folders in the order of the classes.
    Returns:
        tuple of str, a name for each folder.
    Raises:
        ValueError: if the file is absent or names other classes.
    """
    lines = list(_lines(path, "of class names").values())
    pairs = _pairs(lines)
    if all(folder in pairs for folder in folders):
        return tuple(pairs[folder] for folder in folders)
    if len(lines) == len(folders) and not any(folder in pairs for folder in folders):
        return tuple(lines)
    absent = next(folder for folder in folders if folder not in pairs)
    raise ValueError(
        f"{path} should hold a line for each of {len(folders)} classes: 'folder name',"
        f" or only the names in the folders' order. It holds {len(lines)} lines, none"
        f" of which starts with {absent!r}."
    )


def named_folders(names_file: PathLike) -> tuple[str, ...]:
    """Returns the class folders that a file of "folder name" lines names, sorted.

    Args:
        names_file: path, see `read_class_names`.
    Raises:
        ValueError: if the file is absent, or holds names alone.
    """
    lines = _lines(names_file, "of class names").values()
    folders = tuple(sorted(_pairs(lines)))
    if len(folders) != len(lines):
        raise ValueError(
            f"{names_file} should hold a line 'folder name' for each class, to find the"
            f" labels of a list. Of {len(lines)} lines {len(folders)} are such."
        )
    return folders


def _lines(path, what):
    """The lines of a text file that hold something, by their 1-based numbers."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file {path} {what}. Check the path.")
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}.") from error
    return {i: line.strip() for i, line in enumerate(lines, 1) if line.strip()}


def _pairs(lines):
    """What follows the first word of a line, by that word."""
    parts = [line.split(None, 1) for line in lines]
    return dict(part for part in parts if len(part) > 1)


def model_labels(
    folders: Sequence[str],
    num_classes: int,
    class_names: Sequence[str] | None = None,
    names_file: PathLike | None = None,
) -> dict[str, int]:
    """Finds the labels that a model has for the class folders of a test.

    Args:
        folders: sequence of str, from `class_folders`.
        num_classes: int, of the model.
        class_names: sequence of str, the model's names of its classes; None if it has
            none, and the folders count in their order.
        names_file: path of a file that names the folders as the model does, see
            `read_class_names`; None if the folders have the model's names.
    Returns:
        dict from class folder to label. A folder that the model does not know is left
        out where the model's names tell it.
    Raises:
        ValueError: if the folders are not those of the model.
    """
    names = read_class_names(names_file, folders) if names_file else tuple(folders)
    in_order = dict(zip(folders, range(len(folders)), strict=True))
    if class_names is None:
        if len(folders) == num_classes:
            return in_order
        raise ValueError(
            f"The model does not name its {num_classes} classes, and the test has"
            f" {len(folders)} class folders. Pass a folder of all its classes, or build"
            " the model with class_names=."
        )
    # ImageNet has different classes of one name, which only the order tells apart.
    if names == tuple(class_names):
        return in_order
    places = {name: label for label, name in enumerate(class_names)}
    labels = {f: places[n] for f, n in zip(folders, names, strict=True) if n in places}
    if not labels or len(places) < num_classes:
        known = ", ".join(class_names[:5])
        raise ValueError(
            f"The class folders {', '.join(names[:5])}, ... are not the model's"
            f" {num_classes} classes: {known}, .... Rename the folders, or name them by"
            " a file of class names."
        )
    return labels


def load_split(
    data_dir: PathLike,
    split: str,
    classes: Mapping[str, int] | Sequence[str],
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[ClassificationExample]:
    """Loads DIR/<split>, in class folders or flat with DIR/<split>_labels.txt.

    Args:
        data_dir: path, DIR.
        split: str, such as "train" or "val".
        classes, skip_bad, progress: see `load_folders`.
    Returns:
        A list of `ClassificationExample`.
    Raises:
        ValueError: as `load_folders` and `load_listed` do.
    """
    folder = Path(data_dir) / split
    labels = Path(data_dir) / f"{split}_labels.txt"
    if labels.is_file():
        return load_listed(labels, folder, classes, skip_bad, progress)
    return load_folders(folder, classes, skip_bad, progress)


def load_folders(
    folder: PathLike,
    classes: Mapping[str, int] | Sequence[str],
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[ClassificationExample]:
    """Loads the images in class folders.

    All files count as images, whatever their names end in, but hidden ones and those
    beside the class folders, of which a warning tells; formats
    are told by the content: JPEG, PNG, and what else TensorFlow decodes to RGB.
    Headers and ends of the files are read.

    Args:
        folder: path of the folder that holds the class folders.
        classes: mapping of class folder to label, or a sequence of the class folders
            in the labels' order.
        skip_bad: bool. Whether bad examples are skipped and counted in one warning
            instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `ClassificationExample`, by class and file name.
    Raises:
        ValueError: if there are no images; and, without `skip_bad`, for a folder that
            is not among `classes` or holds no image, and for an image that is cut
            short or that TensorFlow does not decode.
    """
    labels = _labels(classes)
    bad, left_out = BadExamples(folder, skip_bad), LeftOut()
    examples = []
    names = class_folders(folder)
    for child in sorted(Path(folder).iterdir()):
        if is_data(child.name, left_out) and child.name not in names:
            left_out.add("files beside the class folders", child.name)
    for name in names:
        paths = files_below(Path(folder) / name, left_out)
        try:
            if name not in labels:
                raise BadExample("unknown class", _unknown(folder, name, labels))
            if not paths:
                raise BadExample(
                    "class without images",
                    f"The class folder {Path(folder) / name} holds no images. Add some,"
                    " or remove the folder.",
                )
        except BadExample as error:
            bad.add(error)
        else:
            examples += [ClassificationExample(path, labels[name]) for path in paths]
    left_out.warn(folder)
    return _checked(examples, bad, progress)


def load_listed(
    labels_file: PathLike,
    folder: PathLike,
    classes: Mapping[str, int] | Sequence[str],
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[ClassificationExample]:
    """Loads images whose classes a text file tells.

    Args:
        labels_file: path of a text file with "file label" lines (a blank or a comma
            between them), the file being relative to `folder` and the label a class
            folder's name (a synset) or the 0-based number of a class.
        folder: path of the folder with the images.
        classes, skip_bad, progress: see `load_folders`.
    Returns:
        A list of `ClassificationExample` in the order of the lines.
    Raises:
        ValueError: if the file is absent or names no image; and, without `skip_bad`,
            for a line of another form, an unknown class, or an image that is absent,
            cut short or that TensorFlow does not decode.
    """
    labels, numbers = _labels(classes), _numbers(classes)
    folder = check_folder(folder)
    bad = BadExamples(labels_file, skip_bad)
    examples = []
    for number, line in _lines(labels_file, "with the images' labels").items():
        where = f"{labels_file}:{number}"
        try:
            examples.append(_listed(line, where, folder, labels, numbers))
        except BadExample as error:
            bad.add(error)
    return _checked(examples, bad, progress)


def _listed(line, where, folder, labels, numbers):
    """The example of a line."""
    match = re.fullmatch(r"(.+?)[\s,]+([^\s,]+)", line)
    if match is None:
        raise BadExample(
            "wrong line", f"{where}: expected 'file label'. Received: {line!r:.200}."
        )
    name, label = match.groups()
    if label in labels:
        index = labels[label]
    elif label.isdecimal() and int(label) in numbers:
        index = int(label)
    else:
        raise BadExample("unknown class", _unknown(where, label, labels))
    return ClassificationExample(str(folder / name), index)


def _labels(classes):
    """The label of each class that its name alone tells."""
    if isinstance(classes, dict):
        return classes
    counts = collections.Counter(classes)
    return {name: i for i, name in enumerate(classes) if counts[name] == 1}


def _numbers(classes):
    return set(classes.values() if isinstance(classes, dict) else range(len(classes)))


def _unknown(where, name, labels):
    known = ", ".join(sorted(labels)[:8]) + (", ..." if len(labels) > 8 else "")
    return (
        f"{where}: the class {name!r} is none of the {len(labels)} classes of the"
        f" training data or the model: {known}. Rename or remove it."
    )


def _checked(examples, bad, progress):
    """The examples whose images are good."""
    good = []
    with ThreadPoolExecutor(_READERS) as pool:
        errors = pool.map(_problem, [example.image_path for example in examples])
        for i, (example, error) in enumerate(zip(examples, errors, strict=True)):
            note_measured(example.image_path)
            if error is None:
                good.append(example)
            else:
                bad.add(error)
            if progress is not None:
                progress(i + 1, len(examples))
    if not good:
        raise ValueError(
            f"{bad.source} names no usable image: "
            + (bad.describe() or "it is empty")
            + "."
        )
    bad.warn()
    return good


def _problem(path):
    """What is wrong with an image file: a `BadExample`, or None."""
    try:
        check_decodable(path)
    except BadExample as error:
        return error
    return None


def check_decodable(path: PathLike) -> None:
    """Raises `BadExample` for an image file that TensorFlow does not decode.

    Of JPEG and PNG files only the header and the end are read; files of other formats
    are decoded.

    Args:
        path: path of the image.
    """
    try:
        with open(path, "rb") as file:
            rare = file.read(8).startswith(_RARE_FORMATS)
    except OSError as error:
        raise BadExample(
            "absent image", f"The image {path} cannot be opened: {error.strerror}."
        ) from error
    if rare:
        _decode_rare(path)
    else:
        image_size(path)


def _decode_rare(path):
    import tensorflow as tf

    content = Path(path).read_bytes()
    try:
        check_upright(content, f"The image {path}")
    except ValueError as error:
        raise BadExample("turned WebP", str(error)) from error
    try:
        decode_image(content)
        with open_image(path) as image:
            if getattr(image, "is_animated", False):
                note(ANIMATED, str(path))
    except (OSError, tf.errors.InvalidArgumentError) as error:
        text = str(getattr(error, "message", error)).split("}} ")[-1]
        raise BadExample(
            "unreadable image",
            f"The image {path} cannot be decoded: {text.split(' [Op:')[0]}. Convert it"
            " to JPEG or PNG.",
        ) from error
