"""Where the parts of data lie: a description, a folder of a known layout, or a file."""

import dataclasses
import difflib
import json
import re
from pathlib import Path
from typing import Any

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.typing import PathLike

# What people call the parts, and what they are called here.
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
DESCRIPTORS = {"pose": KeypointSet, "segmentation": LabelSet, "classification": None}
_DESCRIPTION_NAMES = ("data.yaml", "data.yml", "dataset.yaml", "data.json")
_OWN_KEYS = ("path", "train", "val", "test", "task", "format", "images", "name")
# Keys that only a YOLO data.yaml has.
_YOLO_KEYS = ("nc", "kpt_shape", "flip_idx")
# Keys that only the descriptions of one kind have.
_TELLING = (
    ("pose", "kpt_shape"),
    ("pose", "flip_pairs"),
    ("pose", "skeleton"),
    ("segmentation", "classes"),
    ("segmentation", "nc"),
)
_IMAGE_FOLDERS = ("images", "imgs", "JPEGImages")
_MASK_FOLDERS = ("masks", "labels", "annotations", "annot", "SegmentationClass")
_STEM = re.compile(r"(?i)(?P<prefix>.*?)[_.-]?(?P<split>[a-z]+)(?P<year>\d{4})?")


@dataclasses.dataclass(frozen=True)
class Part:
    """Where the labels and the pictures of a part lie.

    Attributes:
        labels: Path of an annotation file, or of a folder.
        images: Path of the folder of the pictures, or None where the labels tell.
        format: str or None. How to read it, see `own.reading`; None is found out.
    """

    labels: Path
    images: Path | None = None
    format: str | None = None


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
        kind: "pose", "segmentation" or "classification".
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
    if source.is_dir() and format is None and images is None:
        for name in _DESCRIPTION_NAMES:
            if (source / name).is_file():
                return find_layout(source / name, kind)
    if source.is_file() and _is_description(source):
        return _described(source, kind, images, format)
    if source.is_dir() and images is None:
        parts = _FINDERS[kind](source)
        if parts:
            if format is not None:
                parts = {
                    name: dataclasses.replace(part, format=format)
                    for name, part in parts.items()
                }
            return Layout(source, parts)
    folder = None if images is None else Path(images)
    return Layout(source, {"train": Part(source, folder, format)})


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
    if source.is_dir():
        for name in _DESCRIPTION_NAMES:
            if (source / name).is_file():
                return kind_of(source / name, images, format)
        for kind, finder in () if _is_project(source) else _FINDERS.items():
            if images is None and format is None and finder(source):
                return None, kind
    elif _is_description(source):
        content = read_description(source)
        if content.get("task") is not None:
            task = str(content["task"])
            return task, task
        for kind, key in _TELLING:
            if key in content:
                return None, kind
        first = content.get("train")
        if isinstance(first, str) and not any(key in content for key in _YOLO_KEYS):
            root = source.parent / str(content.get("path") or ".")
            # YOLO's data.yaml of outlines names pictures, which tell nothing.
            if not _is_yolo(content, "segmentation") or _is_annotations(root / first):
                return kind_of(root / first, images, content.get("format", format))
    from hrnet_tf.data.formats.tools import guess_task

    return None, guess_task(source, format)


def _is_project(folder):
    """Whether a folder is what a tool exported, and not a layout of ours."""
    from hrnet_tf.data.formats.tools import find_format

    try:
        return find_format(folder).name not in ("coco", "masks", "class_folders")
    except ValueError:
        return False


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
    # Of outlines it names the classes so, which are `classes` here.
    return kind == "segmentation" and "names" in content and "classes" not in content


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
    """The part of an entry: a path, or a mapping with labels and images."""
    if isinstance(entry, dict):
        _check_keys(f"{path}: {split}", entry, ["labels", "images", "format"])
        images = entry.get("images", images)
        format = entry.get("format", format)
        entry = entry.get("labels")
    if not isinstance(entry, str):
        raise ValueError(
            f"{path}: {split} is {entry!r}; expected the path of the labels, or"
            " 'labels' and 'images' with a path each."
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


def _split_folders(folder):
    """The folders of splits in a folder, by the name of the split."""
    found = {}
    if not folder.is_dir():
        return found
    for child in sorted(folder.iterdir()):
        name = re.sub(r"\d{4}$", "", child.name.lower())
        if child.is_dir() and name in SPLITS:
            found.setdefault(SPLITS[name], child)
    return found


def _pose_parts(folder):
    """Json files of splits, and the folders of their pictures."""
    for split, child in _split_folders(folder).items():
        files = sorted(child.glob("*.json"))
        if split == "train" and len(files) == 1:
            folders = _split_folders(folder)
            found = {
                name: Part(next(iter(sorted(other.glob("*.json")))), other)
                for name, other in folders.items()
                if len(list(other.glob("*.json"))) == 1
            }
            return found
    for place in (folder / "annotations", folder):
        found = {}
        for path in sorted(place.glob("*.json"), key=_least_like_keypoints):
            match = _STEM.fullmatch(path.stem)
            split = SPLITS.get(match["split"].lower()) if match else None
            if split is not None and split not in found:
                found[split] = Part(path, _pictures(folder, match))
        if "train" in found:
            return found
        alone = [path for path in sorted(place.glob("*.json")) if _is_annotations(path)]
        if len(alone) == 1:
            images = next((folder / n for n in _IMAGE_FOLDERS if _is(folder, n)), None)
            return {"train": Part(alone[0], images)}
    return {}


def _is_annotations(path):
    """Whether a json file holds annotations, and not a descriptor or a description."""
    from hrnet_tf.data.formats.tools import find_format

    try:
        return bool(find_format(path))
    except ValueError:
        return False


def _least_like_keypoints(path):
    name = path.name.lower()
    return not any(word in name for word in ("keypoint", "landmark", "pose")), name


def _is(folder, name):
    return (folder / name).is_dir()


def _pictures(folder, match):
    """The folder with the pictures of an annotation file."""
    split = match["split"] + (match["year"] or "")
    names = (split, match["split"])
    places = [folder / name for name in names]
    places += [folder / i / name for i in _IMAGE_FOLDERS for name in names]
    places += [folder / i for i in _IMAGE_FOLDERS]
    return next((place for place in places if place.is_dir()), None)


def _mask_parts(folder):
    """Folders of pictures and of label maps."""
    splits = _split_folders(folder)
    found = {
        split: Part(folder / f"{child.name}annot", child, "folder")
        for split, child in splits.items()
        if _is(folder, f"{child.name}annot")
    }
    if found:
        return found
    for images in _IMAGE_FOLDERS:
        for masks in _MASK_FOLDERS:
            inside = _split_folders(folder / images)
            others = _split_folders(folder / masks)
            if "train" in inside and "train" in others:
                return {
                    split: Part(others[split], inside[split], "folder")
                    for split in inside
                    if split in others
                }
            found = {
                split: Part(child / masks, child / images, "folder")
                for split, child in splits.items()
                if _is(child, masks) and _is(child, images)
            }
            if found:
                return found
            if _is(folder, images) and _is(folder, masks):
                if list((folder / masks).glob("*.png")):
                    return {
                        "train": Part(folder / masks, folder / images, "folder"),
                    }
    return {}


def _class_parts(folder):
    """Folders of classes, in folders of splits or without."""
    splits = _split_folders(folder)
    if "train" in splits:
        return {split: Part(child, child, "folders") for split, child in splits.items()}
    if any(child.is_dir() for child in folder.iterdir()):
        return {"train": Part(folder, folder, "folders")}
    return {}


_FINDERS = {
    "pose": _pose_parts,
    "segmentation": _mask_parts,
    "classification": _class_parts,
}
