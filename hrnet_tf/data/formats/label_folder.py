"""Segmentation data in folders or lists: images, and label maps of the same names."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import check_folder
from hrnet_tf.data.formats.folders import count_other, is_data
from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.schema import SegmentationExample
from hrnet_tf.typing import PathLike, Progress

if TYPE_CHECKING:
    from hrnet_tf.data.label_set import LabelSet


IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")


def load_segmentation(
    images_dir: PathLike,
    labels_dir: PathLike,
    label_set: "LabelSet | None" = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[SegmentationExample]:
    """Loads a folder of images and one of label maps.

    An image (.jpg, .jpeg, .png) and a label map (.png) with the same stem belong
    together.

    Args:
        images_dir: path of the folder with the images.
        labels_dir: path of the folder with the label maps, which may be the same one
            if the images are JPEG.
        label_set: `LabelSet` to check every label map against (`check_labels`), or None
            to check nothing but the names.
        skip_bad: bool. Whether single bad examples are skipped and counted in a warning
            instead of raising.
        progress: callable `(num_done, num_examples)` or None, for the check.
    Returns:
        A list of `SegmentationExample`, sorted by name.
    Raises:
        ValueError: if a folder is absent or there is no pair; without `skip_bad` also
            for an image or a label map without its partner, two images of the same
            stem, and as `check_labels`.
    """
    same = Path(images_dir).resolve() == Path(labels_dir).resolve()
    return pair_files(
        files_by_name(images_dir, IMAGE_SUFFIXES[:-1] if same else IMAGE_SUFFIXES),
        files_by_name(labels_dir, (".png",)),
        (images_dir, labels_dir),
        label_set,
        skip_bad,
        progress,
    )


def load_from_list(
    list_file: PathLike,
    root: PathLike,
    labels_root: PathLike | None = None,
    label_set: "LabelSet | None" = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[SegmentationExample]:
    """Loads the images and label maps that a list names.

    A line holds the path of an image and that of its label map, with a tab or spaces
    between; more columns (LIP's mirrored label maps) are not used.

    Args:
        list_file: path of the list.
        root: path of the folder which the images' paths are relative to.
        labels_root: path of the folder which the label maps' paths are relative to.
            None: `root`.
        label_set, skip_bad, progress: see `load_segmentation`.
    Returns:
        A list of `SegmentationExample`, in the order of the list.
    Raises:
        ValueError: if the list or a folder is absent, or the list holds no pair;
            without `skip_bad` also for a line with fewer than two columns, an absent
            file, and as `check_labels`.
    Reference:
        HRNet-Semantic-Segmentation, data/list.
    """
    root = check_folder(root)
    labels_root = root if labels_root is None else check_folder(labels_root)
    bad = BadExamples(list_file, skip_bad)
    examples = []
    for number, line in numbered_lines(list_file):
        try:
            columns = line.split("\t") if "\t" in line else line.split()
            if len(columns) < 2:
                raise BadExample(
                    "line without label map",
                    f"{list_file}, line {number} names no label map: {line!r}; expected"
                    " the paths of an image and of its label map.",
                )
            image, label = (column.strip() for column in columns[:2])
            examples.append(existing_pair(root / image, labels_root / label))
        except BadExample as error:
            bad.add(error)
    if not examples:
        raise ValueError(
            f"{list_file} names no pair of an image and a label map; bad:"
            f" {bad.describe() or 'none'}."
        )
    bad.warn()
    return checked(examples, label_set, skip_bad, progress)


def pair_files(
    images: Mapping[str, list[Path]],
    labels: Mapping[str, list[Path]],
    folders: Sequence[PathLike],
    label_set: "LabelSet | None",
    skip_bad: bool,
    progress: Progress | None,
) -> list[SegmentationExample]:
    """Pairs images and label maps of the same name.

    Args:
        images: dict from names (str) to lists of paths, as of `files_by_name`.
        labels: dict from names to lists of paths.
        folders: pair of paths where images and label maps were looked for, for
            messages.
        label_set, skip_bad, progress: see `load_segmentation`.
    Returns:
        A list of `SegmentationExample`, sorted by name.
    Raises:
        ValueError: see `load_segmentation`.
    """
    images_dir, labels_dir = folders
    bad = BadExamples(f"{images_dir} and {labels_dir}", skip_bad)
    examples = []
    for name in sorted({*images, *labels}):
        image_paths, label_paths = images.get(name, []), labels.get(name, [])
        try:
            _check_partners(name, image_paths, label_paths, images_dir, labels_dir)
        except BadExample as error:
            bad.add(error)
        else:
            examples.append(
                SegmentationExample(str(image_paths[0]), str(label_paths[0]))
            )
    if not examples:
        raise ValueError(
            f"There is no image with a label map of the same name: {len(images)} images"
            f" in {images_dir}, {len(labels)} label maps in {labels_dir}; bad:"
            f" {bad.describe() or 'none'}."
        )
    bad.warn()
    return checked(examples, label_set, skip_bad, progress)


def files_by_name(
    folder: PathLike, suffixes: tuple[str, ...], pattern: str = "*"
) -> dict[str, list[Path]]:
    """Lists the files of a folder, and warns of what else is there.

    Args:
        folder: path.
        suffixes: tuple of str. Ends of the names to list, in lower case; the rest of a
            path within the folder is the name of an example.
        pattern: str. Which files to consider, "*/*" for those of the sub-folders.
    Returns:
        A dict from names to lists of paths (more than one with several suffixes).
    Raises:
        ValueError: if there is no such folder.
    """
    found: dict[str, list[Path]] = {}
    left_out = LeftOut()
    folder = check_folder(folder)
    for path in sorted(folder.glob(pattern)):
        relative = path.relative_to(folder).as_posix()
        if not is_data(relative, left_out):
            continue
        suffix = next((end for end in suffixes if relative.lower().endswith(end)), None)
        if suffix is not None:
            found.setdefault(relative[: -len(suffix)], []).append(path)
        # In layouts of sub-folders, and of images beside label maps, there are others.
        elif pattern == "*" and not relative.lower().endswith(IMAGE_SUFFIXES):
            count_other(path, left_out)
    left_out.warn(folder)
    return found


def numbered_lines(path: PathLike) -> list[tuple[int, str]]:
    """Returns pairs of the number (from 1) and the text of a file's non-empty lines.

    Raises:
        ValueError: if there is no such file, or it is no text.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no list {path}. Check the path.")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is no text file: {error}. Expected a list of paths."
        ) from error
    return [
        (number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()
    ]


def existing_pair(image_path: PathLike, label_path: PathLike) -> SegmentationExample:
    """Returns a `SegmentationExample` of two files.

    Raises:
        BadExample: if either is absent.
    """
    for kind, path in (("image", image_path), ("label map", label_path)):
        if not Path(path).is_file():
            raise BadExample(f"absent {kind}", f"There is no {kind} {path}.")
    return SegmentationExample(str(image_path), str(label_path))


def check_split(split: str, known: Collection[str]) -> None:
    """Raises ValueError unless `split` (str) is among the `known` ones."""
    if split not in known:
        raise ValueError(
            f"split must be one of {list(known)}. Received: split={split!r}."
        )


def checked(
    examples: Sequence[SegmentationExample],
    label_set: "LabelSet | None",
    skip_bad: bool,
    progress: Progress | None,
) -> list[SegmentationExample]:
    """Returns the examples that `check_labels` keeps; all of them without a label set.

    Arguments as `load_segmentation`'s.
    """
    if label_set is None:
        return list(examples)
    return check_labels(examples, label_set, skip_bad, progress)[0]


def _check_partners(name, images, labels, images_dir, labels_dir):
    if not images:
        raise BadExample(
            "label map without image",
            f"The label map {labels[0]} has no image of the same name in {images_dir}.",
        )
    if not labels:
        raise BadExample(
            "image without label map",
            f"The image {images[0]} has no label map of the same name in {labels_dir}.",
        )
    if len(images) > 1 or len(labels) > 1:
        several, other = (images, labels) if len(images) > 1 else (labels, images)
        raise BadExample(
            "ambiguous name",
            f"{several[0]} and {several[1].name} have the same name {name!r}, so it is"
            f" unclear which one belongs to {other[0]}. Remove or rename one.",
        )
