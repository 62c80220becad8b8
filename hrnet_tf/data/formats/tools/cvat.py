"""Annotations of CVAT: xml 1.1 for images and for videos.

The xml is read here: datumaro makes loose points of skeletons, and visible ones of
those that are outside or occluded.
"""

import collections
import re
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.image_finder import ImageFinder, folder_of_images
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.cvat_boxes import (
    box_of,
    boxes,
    ellipse_of,
    ring_of,
)
from hrnet_tf.data.formats.tools.cvat_shapes import Frame, numbers_of, read_file
from hrnet_tf.data.formats.tools.frames import VideoFrames, frames_of_file
from hrnet_tf.data.formats.tools.label_maps import (
    OutlinedPicture,
    Region,
    box_region,
    label_map_data,
    polygon,
)
from hrnet_tf.data.formats.tools.loose_points import LoosePoint, people_of
from hrnet_tf.data.formats.tools.marks import content_of, files_of, match_of
from hrnet_tf.data.formats.tools.people import (
    Person,
    Picture,
    check_source,
    limbs_of,
    pose_data,
)
from hrnet_tf.data.formats.tools.whole_pictures import ClassedPicture, class_data
from hrnet_tf.data.formats.tools.writers.cvat import write
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.pictures.video import VIDEO_SUFFIXES
from hrnet_tf.typing import Progress
from hrnet_tf.words import counted

# So many pictures are looked for, to find their folder.
_SAMPLE = 5
_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
}
_NOTE = (
    "CVAT counts from the picture's corner; half a pixel was taken off, so that the"
    " centre of the first pixel is at 0, 0. Points that are outside were read as not"
    " labelled, occluded ones as occluded."
)


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    path = _file(path)
    content = content_of(path, ".xml")
    return match_of(
        (bool(content), "it is no .xml file"),
        (b"<annotations" in content[:4096], "it does not begin with <annotations>"),
        (b"<image " in content or b"<track " in content, "it has no image or track"),
        (b"<version>1." in content[:4096], "it has no version 1.x"),
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
    path = _file(Path(path))
    check_source(path, "annotations.xml of CVAT")
    bad, left_out = BadExamples(path, skip_bad), LeftOut()
    content = read_file(path, left_out, bad)
    task = task or _guess(path, content)
    names = [frame.name for frame in content.frames if frame.name]
    finder = _Finder(path, images, work, names)
    return _READERS[task](path, content, finder, bad, left_out, progress)


def _file(path):
    """The annotations.xml of an export's folder."""
    if path.is_dir():
        found = files_of(path, "annotations.xml", "*.xml")
        return found[0] if found else path / "annotations.xml"
    return path


def guess(path: Path) -> str:
    """See `ToolFormat`."""
    path = _file(path)
    check_source(path, "annotations.xml of CVAT")
    return _guess(path, read_file(path, LeftOut(), BadExamples(path, True)))


def _guess(path, content):
    kinds = {shape.kind for frame in content.frames for shape in frame.shapes}
    for task, marks in {
        "pose": {"skeleton", "points"},
        "segmentation": {"polygon", "mask", "ellipse"},
        "classification": {"tag"},
        "detection": {"box"},
    }.items():
        if kinds & marks:
            return task
    raise ValueError(
        f"{path} holds no skeletons, points, polygons, masks, boxes or tags in"
        f" {counted(len(content.frames), 'frames')}; found:"
        f" {', '.join(sorted(kinds)) or 'none'}."
    )


def _poses(path, content, finder, bad, left_out, progress):
    label = _most_used(content, left_out)
    names = list(content.parts.get(label, ()))
    known = set(names)
    pictures = []
    for frame in content.frames:
        name, find = finder.of(frame)
        try:
            people = _people(name, frame, label, left_out)
        except BadExample as error:
            bad.add(error)
            continue
        # Files without a list of labels tell names by their use.
        for person in people:
            names += [part for part in person.points if part not in known]
            known.update(person.points)
        split = _split(frame)
        pictures.append(
            Picture(name, find, people, frame.size, frame.video or None, split)
        )
    limbs = content.limbs.get(label, ())
    return pose_data(
        "cvat",
        path,
        pictures,
        names,
        bad,
        left_out,
        progress,
        notes=(_NOTE,),
        skeleton=limbs_of(limbs, names),
        category=label,
    )


def _most_used(content, left_out):
    """The label of most skeletons; None for a file of loose points."""
    counts = collections.Counter()
    for frame in content.frames:
        counts.update(s.label for s in frame.shapes if s.kind == "skeleton")
    if not counts:
        return None
    label = counts.most_common(1)[0][0]
    for other, count in counts.items():
        if other != label:
            left_out.add("skeletons of another label", other, count)
    return label


def _people(name, frame, label, left_out):
    """The people of a frame: skeletons of the label, or loose points."""
    boxes = {}
    for number, shape in enumerate(frame.shapes):
        if shape.kind == "box":
            boxes[shape.group or f"box {number}"] = box_of(shape, name)
    others = [s for s in frame.shapes if s.kind in ("polygon", "mask", "ellipse")]
    if others:
        left_out.add("outlines", name, len(others), _split(frame))
    if label is None:
        return people_of(name, list(_points(frame, name)), boxes)
    people = []
    for shape in frame.shapes:
        if shape.kind == "skeleton" and shape.label == label:
            points = {}
            for part in shape.parts:
                if not part.outside:
                    (x, y), *_ = numbers_of(part, name)
                    points[part.label] = (x, y, 1 if part.occluded else 2)
            people.append(Person(points, boxes.pop(shape.group, None)))
    loose = sum(shape.kind == "points" for shape in frame.shapes)
    if loose:
        left_out.add("points beside skeletons", name, loose, _split(frame))
    if boxes:
        reason = "boxes that are grouped with no skeleton"
        left_out.add(reason, name, len(boxes), _split(frame))
    return people


def _split(frame):
    return _SPLITS.get(frame.subset.lower())


def _points(frame, name):
    for shape in frame.shapes:
        if shape.kind == "points" and not shape.outside:
            for x, y in numbers_of(shape, name):
                place = (x, y, 1 if shape.occluded else 2)
                yield LoosePoint(shape.label, place, shape.group or None)


class _Finder:
    """Finds pictures by name; frames as pictures, or in the video."""

    def __init__(self, path, images, work, names):
        self._path, self.work = path, work
        self._video = None
        if images is not None and images.suffix.lower() in VIDEO_SUFFIXES:
            self._video, images = images, images.parent
        folder = images or folder_of_images(path, names[:_SAMPLE])
        self.finder = ImageFinder(folder)
        self._videos = {}

    def of(self, frame: Frame):
        """The name of a frame, and the function that finds its file."""
        if frame.name:
            return frame.name, lambda: self.finder.find(frame.name)
        video = frame.video or "the video"
        if frame.video not in self._videos:
            self._videos[frame.video] = VideoFrames(
                self._path,
                video,
                lambda numbers: self._read(frame.video, numbers),
                self.work,
            )
        from_video = self._videos[frame.video].want(frame.number)

        def find():
            # What CVAT calls frames when it exports them too.
            for ending in ("PNG", "png", "jpg"):
                try:
                    return self.finder.find(f"frame_{frame.number:06d}.{ending}")
                except BadExample:
                    continue
            return from_video()

        return f"frame {frame.number} of {video}", find

    def _read(self, video, numbers):
        path = self._video
        if path is None:
            if not video:
                raise ValueError(
                    f"{self._path} does not name the video of its frames. Pass the"
                    " video, or the folder of its frames, as `images`."
                )
            path = self.finder.find(video)
        yield from frames_of_file(path, numbers)


def _classes(path, content, finder, bad, left_out, progress):
    pictures = []
    for frame in content.frames:
        name, find = finder.of(frame)
        tags = [shape.label for shape in frame.shapes if shape.kind == "tag"]
        others = len(frame.shapes) - len(tags)
        if others:
            left_out.add("shapes beside tags", name, others, _split(frame))
        video = frame.video or None
        pictures.append(ClassedPicture(name, find, tags, video, _split(frame)))
    return class_data("cvat", path, pictures, bad, left_out, progress)


def _segments(path, content, finder, bad, left_out, progress):
    pictures = []
    for frame in content.frames:
        name, find = finder.of(frame)
        try:
            regions = _regions(name, frame, left_out)
        except BadExample as error:
            bad.add(error)
            continue
        video, split = frame.video or None, _split(frame)
        pictures.append(OutlinedPicture(name, find, regions, frame.size, video, split))
    return label_map_data(
        "cvat",
        path,
        pictures,
        finder.work,
        bad,
        left_out,
        progress,
        palette=_colors(content.colors),
    )


def _regions(name, frame, left_out):
    """The outlines of a frame, as `Region`s."""
    regions = []
    for shape in frame.shapes:
        if shape.kind == "box":
            regions.append(box_region(shape.label, box_of(shape, name)))
        elif shape.kind == "polygon":
            # Painted from the corner of the picture, as CVAT counts.
            corners = ring_of(shape, name)
            regions.append(Region(shape.label, polygon([corners])))
        elif shape.kind == "ellipse":
            corners = ellipse_of(shape, name)
            regions.append(Region(shape.label, polygon([corners])))
        elif shape.kind == "mask":
            regions.append(Region(shape.label, _mask(shape)))
        else:
            left_out.add("skeletons, points and tags", name, split=_split(frame))
    return regions


def _mask(shape):
    """Makes the function of a picture's size that paints a mask."""

    def paint(size):
        try:
            left, top, width, height = (
                int(float(shape.fields[side]))
                for side in ("left", "top", "width", "height")
            )
            runs = [int(run) for run in shape.fields["rle"].split(",")]
        except (KeyError, OverflowError, ValueError):
            raise BadExample(
                "wrong mask", "a mask lacks its runs, or its place in the picture"
            ) from None
        inside = 0 <= left <= left + width <= size[1]
        inside &= 0 <= top <= top + height <= size[0]
        if not inside or sum(runs) != width * height or min(runs) < 0:
            raise BadExample(
                "wrong mask",
                f"a mask has runs of {sum(runs)} pixels in {width}x{height} at {left},"
                f" {top} of a picture of {size[1]}x{size[0]}",
            )
        # Runs outside and inside in turn, by rows.
        values = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        mask = np.zeros(size, bool)
        mask[top : top + height, left : left + width] = values.reshape(height, width)
        return mask

    return paint


def _colors(colors):
    """Red, green and blue of the labels whose colours are told."""
    found = {}
    for name, color in colors.items():
        digits = re.fullmatch("#([0-9a-fA-F]{6})", color or "")
        if digits:
            found[name] = tuple(bytes.fromhex(digits.group(1)))
    return found


def _boxes(path, content, finder, bad, left_out, progress):
    return boxes(path, content, finder, _split, bad, left_out, progress)


_READERS = {
    "pose": _poses,
    "segmentation": _segments,
    "classification": _classes,
    "detection": _boxes,
}

FORMAT = ToolFormat(
    name="cvat",
    title="CVAT",
    tasks=tuple(_READERS),
    match=match,
    read=read,
    write=write,
    write_tasks=("pose", "segmentation", "detection"),
    guess=guess,
)
