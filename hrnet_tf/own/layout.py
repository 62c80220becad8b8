"""Where the parts of data lie: a description, a folder of a known layout, or a file."""

import dataclasses
import difflib
import json
from pathlib import Path
from typing import Any

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.own.folders import FINDERS, Part, is_annotations
from hrnet_tf.own.records import is_records, read_manifest
from hrnet_tf.typing import PathLike

DESCRIPTORS = {
    "pose": KeypointSet,
    "segmentation": LabelSet,
    "classification": None,
    "detection": ObjectSet,
}
_DESCRIPTION_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "data.json")
_OWN_KEYS = ("path", "train", "val", "test", "task", "format", "images", "name")
# Keys that only a YOLO data.yaml has.
_YOLO_KEYS = ("nc", "kpt_shape", "flip_idx")
# Keys that only the descriptions of one kind have.
_TELLING = (
    ("pose", "kpt_shape"),
    ("pose", "flip_pairs"),
    ("pose", "skeleton"),
    ("detection", "category_ids"),
    ("segmentation", "classes"),
)


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where data lie.

    Attributes:
        source: Path that was given.
        parts: dict of "train", "val", "test" to `Part`; "train" is always there.
        fields: dict of a descriptor's fields that a description gives.
        task: str or None. The task that a description names.
    """

    source: Path
    parts: dict
    fields: dict = dataclasses.field(default_factory=dict)
    task: str | None = None


def find_layout(
    source: PathLike,
    kind: str,
    images: PathLike | None = None,
    format: str | None = None,
) -> Layout:
    """Finds where the parts of data lie.

    Args:
        source: path of a description (.yaml, .json), of a folder, or of an annotation
            file.
        kind: str, a key of `DESCRIPTORS`.
        images: path of the folder of the pictures, or None.
        format: str or None, of the annotations.
    Returns:
        `Layout`.
    Raises:
        ValueError: if there is nothing, or a description contradicts itself.
    """
    source = Path(source)
    if not source.exists():
        raise ValueError(
            f"There is no file or folder {source}. `data` is a description"
            " (data.yaml), a folder, or an annotation file; check the path."
        )
    if is_records(source):
        return _of_records(source)
    if source.is_dir() and format is None and images is None:
        for name in _DESCRIPTION_NAMES:
            if (source / name).is_file():
                return find_layout(source / name, kind)
    if source.is_file() and _is_description(source):
        return _described(source, kind, images, format)
    if source.is_dir() and images is None:
        parts = FINDERS[kind](source)
        if parts:
            if format is not None:
                parts = {
                    name: dataclasses.replace(part, format=format)
                    for name, part in parts.items()
                }
            return Layout(source, parts)
    folder = None if images is None else Path(images)
    return Layout(source, {"train": Part(source, folder, format)})


def _of_records(source):
    """The layout of a folder of records."""
    content = read_manifest(source)
    parts = {split: Part(source / split, None, "records") for split in content["parts"]}
    fields = {key: _tuples(value) for key, value in content["fields"].items()}
    return Layout(source, parts, {"name": content["name"], **fields})


def kind_of(
    source: PathLike, images: PathLike | None = None, format: str | None = None
) -> tuple[str | None, str | None]:
    """Tells what data are for.

    Args:
        source, images, format: see `find_layout`.
    Returns:
        The task that a description names (str or None), and the kind of the labels, as
        of `LabelledData.task` (str or None).
    """
    source = Path(source)
    if not source.exists():
        find_layout(source, "pose")
    if is_records(source):
        return None, read_manifest(source)["kind"]
    if source.is_dir():
        for name in _DESCRIPTION_NAMES:
            if (source / name).is_file():
                return kind_of(source / name, images, format)
        for kind, finder in () if _is_project(source) else FINDERS.items():
            parts = finder(source) if images is None and format is None else None
            if kind == "classification" and not _are_classes(source):
                continue
            if parts:
                # What is in a json its name does not tell.
                if DESCRIPTORS[kind] is not KeypointSet:
                    return None, kind
                return _guessed(parts["train"].labels)
    elif _is_description(source):
        content = read_description(source)
        if content.get("task") is not None:
            task = str(content["task"])
            return task, task
        for kind, key in _TELLING:
            if key in content:
                return None, kind
        first = content.get("train")
        if isinstance(first, list) and first:
            first = first[0]
        if isinstance(first, dict):
            first = first.get("labels")
        if isinstance(first, str) and not any(key in content for key in _YOLO_KEYS):
            root = source.parent / str(content.get("path") or ".")
            # YOLO's data.yaml of outlines names pictures, which tell nothing.
            if not _is_yolo(content, "segmentation") or is_annotations(root / first):
                return kind_of(root / first, images, content.get("format", format))
    return _guessed(source, format)


def _guessed(source, format=None):
    """The task that a tool's files are made for (or None), and the kind of labels."""
    from hrnet_tf.data.formats.tools import find_format, guess_task

    return find_format(source, format).told, guess_task(source, format)


def _is_project(folder):
    """Whether a folder is what a tool exported, and not a layout of ours."""
    from hrnet_tf.data.formats.tools import find_format

    try:
        return find_format(folder).name not in ("coco", "masks", "class_folders")
    except ValueError:
        return False


def _are_classes(folder):
    """Whether folders of images are classes, and no pictures beside their labels."""
    from hrnet_tf.data.formats.tools import class_folders
    from hrnet_tf.data.formats.tools.unknown import label_files

    return class_folders.match(folder).share == 1 or not label_files(folder)


def _is_description(path):
    if path.suffix in (".yaml", ".yml"):
        return True
    if path.suffix != ".json":
        return False
    # Annotation files may be large.
    if path.stat().st_size > 1_000_000:
        return False
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return False
    return isinstance(content, dict) and "train" in content


def read_description(path: PathLike) -> dict[str, Any]:
    """Returns the content of a description, a dict.

    Raises:
        ValueError: if it is no yaml or json of a mapping.
    """
    import yaml

    try:
        # Json is yaml, too.
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no valid yaml: {error}.") from error
    if not isinstance(content, dict) or not content:
        raise ValueError(
            f"{path} should hold lines such as 'train: labels/train.json'. Received: a"
            f" {type(content).__name__}."
        )
    return content


def _described(path, kind, images, format):
    """The layout that a description tells."""
    content = read_description(path)
    task = content.get("task")
    if _is_yolo(content, kind):
        folder = None if images is None else Path(images)
        part = Part(path, folder, format or "yolo")
        return Layout(path, {"train": part}, {}, None)
    descriptor = DESCRIPTORS[kind]
    names = [f.name for f in dataclasses.fields(descriptor)] if descriptor else []
    _check_keys(path, content, [*_OWN_KEYS, *names])
    if "train" not in content:
        raise ValueError(
            f"{path} names no training data. Add a line such as 'train: train.json'."
        )
    root = path.parent / str(content.get("path") or ".")
    if not root.is_dir():
        raise ValueError(
            f"{path}: its path {content['path']!r} is no folder ({root}). It is"
            " relative to the file itself; correct it, or leave it out."
        )
    format = format or content.get("format")
    images = images or content.get("images")
    parts = {
        split: _described_part(path, root, split, content[split], images, format)
        for split in ("train", "val", "test")
        if content.get(split) is not None
    }
    fields = {key: _tuples(content[key]) for key in names if key in content}
    return Layout(path, parts, fields, task)


def _is_yolo(content, kind):
    """Whether a description is the data.yaml of a YOLO, which its reader reads."""
    if content.get("format") not in (None, "yolo"):
        return False
    if any(key in content for key in _YOLO_KEYS):
        return True
    # Of outlines and boxes it names the classes so, which are `classes` here.
    if kind not in ("segmentation", "detection") or "classes" in content:
        return False
    train = content.get("train")
    first = train[0] if isinstance(train, list) and train else train
    others = isinstance(first, dict) or str(first).endswith(".json")
    return "names" in content and not others


def _check_keys(path, content, known):
    unknown = [str(key) for key in content if key not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"{path} has the unknown key {unknown[0]!r}.{hint} Known are:"
            f" {', '.join(known)}."
        )


def _described_part(path, root, split, entry, images, format):
    """The part of an entry: a path, a mapping with labels and images, or several."""
    if isinstance(entry, list) and entry:
        first, *more = (
            _described_part(path, root, split, one, images, format) for one in entry
        )
        return dataclasses.replace(first, more=tuple(more))
    if isinstance(entry, dict):
        _check_keys(f"{path}: {split}", entry, ["labels", "images", "format"])
        images = entry.get("images", images)
        format = entry.get("format", format)
        entry = entry.get("labels")
    if not isinstance(entry, str):
        raise ValueError(
            f"{path}: {split} is {entry!r}; expected the path of the labels, or"
            " 'labels' and 'images' with a path each, or a list of such."
        )
    if isinstance(images, dict):
        images = images.get(split)
    labels = root / entry
    if not labels.exists():
        raise ValueError(
            f"{path}: {split} names {entry!r}, but there is no {labels}. Correct the"
            " path; it is relative to 'path', or to the file itself."
        )
    return Part(labels, None if images is None else root / images, format)


def _tuples(value):
    """Lists as tuples, and YOLO's numbered names as a list."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
