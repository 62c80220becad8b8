"""COCO's json as annotation tools write it: keypoints, or outlines of objects."""

import collections
from pathlib import Path

import msgspec

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.checked_json import decode, field
from hrnet_tf.data.formats.coco import read_contents, read_people
from hrnet_tf.data.formats.coco_entries import (
    AnnotationEntry,
    categories_with_keypoints,
    limbs,
)
from hrnet_tf.data.formats.image_finder import folder_of_images
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.marks import content_of, match_of
from hrnet_tf.data.formats.tools.writers.coco import write
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.typing import Progress

# So many of a file's images are looked for, to find their folder.
_SAMPLE = 5


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    content = content_of(path, ".json")
    return match_of(
        (bool(content), "it is no .json file"),
        (b'"images"' in content, "it has no list 'images'"),
        (b'"annotations"' in content, "it has no list 'annotations'"),
        (b'"image_id"' in content, "its annotations have no 'image_id'"),
    )


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    contents = read_contents(path)
    if images is None:
        names = [field(entry, "file_name") for entry in contents["images"][:_SAMPLE]]
        images = folder_of_images(path, [n for n in names if isinstance(n, str)])
    categories, names, notes = _posed_categories(path, contents)
    keypoint_set = KeypointSet(name=path.stem, names=names)
    used = {**contents, "categories": [msgspec.to_builtins(c) for c in categories]}
    people = read_people(path, images, keypoint_set, skip_bad, progress, used)
    return LabelledData(
        task="pose",
        format="coco",
        source=path,
        examples=people.examples,
        names=keypoint_set.names,
        skeleton=tuple(next(filter(None, map(limbs, categories)), ())),
        left_out=people.left_out,
        notes=(*notes, *people.notes),
    )


def _posed_categories(path, contents):
    """The categories whose keypoints are used, their keypoints' names, and notes."""
    posed = categories_with_keypoints(path, contents["categories"])
    groups = collections.defaultdict(list)
    for category in posed:
        groups[tuple(sorted(category.keypoints))].append(category)
    if not posed:
        return [], *_unnamed(path, contents)
    used = list(groups.values())
    if len(used) > 1:
        counts = _counts(contents)
        used = [group for group in used if any(counts[c.id] for c in group)]
    if len(used) == 1:
        return used[0], tuple(used[0][0].keypoints), ()
    kinds = ", ".join(
        f"{group[0].name!r} ({len(group[0].keypoints)} keypoints)"
        for group in groups.values()
    )
    raise ValueError(
        f"{path}: its categories have different keypoints: {kinds}. A model finds those"
        " of one: keep the annotations of one kind in the file."
    )


def _counts(contents):
    """How many annotations with keypoints each category has."""
    counts = collections.Counter()
    for entry in contents["annotations"]:
        try:
            annotation = decode(entry, AnnotationEntry, "")
        except BadExample:
            continue
        counts[annotation.category_id] += bool(annotation.keypoints)
    return counts


def _unnamed(path, contents):
    """Numbers for the keypoints of a file that names none, and a note of it."""
    for entry in contents["annotations"]:
        keypoints = field(entry, "keypoints")
        if isinstance(keypoints, list) and keypoints and len(keypoints) % 3 == 0:
            names = tuple(f"keypoint_{i}" for i in range(1, len(keypoints) // 3 + 1))
            note = f"{path} does not name its keypoints: they are numbered."
            return names, (note,)
    raise ValueError(
        f"{path} holds no keypoints: no category names any, and no annotation has"
        " a list of x, y and visibility."
    )


FORMAT = ToolFormat("coco", "COCO's json", ("pose",), match, read, write)
