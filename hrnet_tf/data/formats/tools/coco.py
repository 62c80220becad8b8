"""COCO's json as annotation tools write it: keypoints, outlines or boxes of objects."""

import collections
import dataclasses
import itertools
from pathlib import Path

import msgspec

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checked_json import decode, field
from hrnet_tf.data.formats.coco import read_contents, read_people
from hrnet_tf.data.formats.coco_entries import (
    AnnotationEntry,
    categories_with_keypoints,
    limbs,
)
from hrnet_tf.data.formats.coco_reader import CocoReader
from hrnet_tf.data.formats.image_finder import folder_of_images
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.coco_boxes import has_boxes, read_boxes
from hrnet_tf.data.formats.tools.coco_files import ROBOFLOW, coco_files
from hrnet_tf.data.formats.tools.coco_outlines import (
    classes_of,
    has_outlines,
    pictures_of,
)
from hrnet_tf.data.formats.tools.label_maps import label_map_data
from hrnet_tf.data.formats.tools.marks import content_of, match_of
from hrnet_tf.data.formats.tools.people import only_text
from hrnet_tf.data.formats.tools.writers.coco import write
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.typing import Progress
from hrnet_tf.words import counted

# So many of a file's images are looked for, to find their folder.
_SAMPLE = 5


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    files = coco_files(path)
    what = "it is no .json file"
    if path.is_dir():
        what = f"it holds no {ROBOFLOW} in train, valid or test, and no annotations/"
    content = content_of(files[0].path, ".json") if files else b""
    return match_of(
        (bool(content), what),
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
    files = coco_files(path, task)
    if not files:
        raise ValueError(
            f"{path} holds no COCO json: expected {ROBOFLOW} in its folders train,"
            " valid or test, or annotations/*.json."
        )
    contents = [read_contents(file.path) for file in files]
    folders = [
        images or _folder_of_images(file.path, c["images"])
        for file, c in zip(files, contents, strict=True)
    ]
    sources = list(zip(files, contents, folders, strict=True))
    task = task or _guess(path, contents)
    if task == "detection":
        return read_boxes(path, sources, skip_bad, progress)
    if task == "segmentation":
        return _outlines(path, sources, work, skip_bad, progress)
    return _poses(path, sources, skip_bad, progress)


def guess(path: Path) -> str:
    """See `ToolFormat`."""
    return _guess(path, [read_contents(file.path) for file in coco_files(path)])


def _folder_of_images(path, entries):
    names = [field(entry, "file_name") for entry in entries[:_SAMPLE]]
    return folder_of_images(path, [name for name in names if isinstance(name, str)])


def _guess(path, contents):
    entries = itertools.chain.from_iterable(c["annotations"] for c in contents)
    if any(_keypoints_of(entry) for entry in entries):
        return "pose"
    if any(map(has_outlines, contents)):
        return "segmentation"
    if any(map(has_boxes, contents)):
        return "detection"
    raise ValueError(
        f"{path} holds neither keypoints nor outlines ('segmentation') nor boxes"
        f" ('bbox') of its {len(contents[0]['annotations'])} annotations."
    )


def _outlines(path, sources, work, skip_bad, progress):
    left_out, bad, pictures, names = LeftOut(), BadExamples(path, skip_bad), [], {}
    for file, contents, folder in sources:
        reader = CocoReader(file.path, contents, folder, skip_bad, bad=bad)
        names.update(dict.fromkeys(classes_of(file.path, contents).values()))
        pictures += pictures_of(file.path, contents, reader, left_out, file.split)
    return label_map_data(
        "coco",
        path,
        pictures,
        work,
        bad,
        left_out,
        progress,
        names=tuple(names),
    )


def _poses(path, sources, skip_bad, progress):
    examples, splits, notes, left_out = [], {}, [], LeftOut()
    keypoint_set, skeleton, called = None, (), set()
    for file, contents, folder in sources:
        categories, names, told = _posed_categories(file.path, contents)
        if keypoint_set is None:
            keypoint_set = KeypointSet(name=path.resolve().stem or "own", names=names)
            skeleton = tuple(next(filter(None, map(limbs, categories)), ()))
        called.update(category.name for category in categories)
        used = {**contents, "categories": [msgspec.to_builtins(c) for c in categories]}
        people = read_people(file.path, folder, keypoint_set, skip_bad, progress, used)
        if file.split:
            splits.update((e.image_path, file.split) for e in people.examples)
        examples += people.examples
        left_out.update(people.left_out, file.split)
        notes += [*told, *people.notes, *_merged_people(file.path, contents)]
    if len(sources) > 1:
        # The files number their images on their own.
        examples = [
            dataclasses.replace(example, image_id=number)
            for number, example in enumerate(examples, 1)
        ]
    return LabelledData(
        task="pose",
        format="coco",
        source=path,
        examples=examples,
        names=keypoint_set.names,
        skeleton=skeleton,
        splits=splits,
        left_out=left_out,
        notes=tuple(dict.fromkeys(notes)),
        category=only_text(called),
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
        annotation = _keypoints_of(entry)
        if annotation:
            counts[annotation.category_id] += 1
    return counts


def _keypoints_of(entry):
    """The annotation, if it can be read and has keypoints; else None."""
    try:
        annotation = decode(entry, AnnotationEntry, "")
    except BadExample:
        return None
    return annotation if annotation.keypoints else None


def _merged_people(path, contents):
    """What to say of Label Studio's export as COCO, where it merges people."""
    # label-studio-sdk 2.1.2 makes one category of all keypoints, which it names so.
    made = {
        field(category, "id")
        for category in contents["categories"]
        if field(category, "name") == field(category, "supercategory") == "default"
        and field(category, "keypoints")
    }
    if not made:
        return ()
    boxes, posed = collections.Counter(), set()
    for entry in contents["annotations"]:
        image = field(entry, "image_id")
        if field(entry, "category_id") in made:
            posed.add(image)
        else:
            boxes[image] += 1
    several = sum(boxes[image] > 1 for image in posed)
    if not several:
        return ()
    pictures = counted(several, "pictures")
    return (
        f"{path} looks like Label Studio's export as COCO, which merges the keypoints"
        f" of all people of a picture into one person; {pictures} of {len(posed)} have"
        " several boxes. Export as JSON, and give that file.",
    )


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


_TASKS = ("pose", "segmentation", "detection")
FORMAT = ToolFormat(
    "coco",
    "COCO's json",
    _TASKS,
    match,
    read,
    write,
    write_tasks=_TASKS,
    guess=guess,
)
