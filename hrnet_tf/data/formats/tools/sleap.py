"""Labels of SLEAP: .slp, and .pkg.slp with the pictures inside, read by sleap-io.

It is SLEAP's own reader and knows all versions of the file; its exports to other
formats lose visibility and names of folders, and are not used.
"""

import collections
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExamples
from hrnet_tf.data.formats.image_finder import ImageFinder
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.frames import VideoFrames, frames_of_file
from hrnet_tf.data.formats.tools.marks import match_of
from hrnet_tf.data.formats.tools.people import (
    Person,
    Picture,
    check_source,
    limbs_of,
    pose_data,
)
from hrnet_tf.data.formats.tools.writers.sleap import write
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.extras import import_extra
from hrnet_tf.typing import Progress

_HDF5 = b"\x89HDF\r\n\x1a\n"
_NOTE = (
    "Points that SLEAP marks as not visible were read as not labelled, as SLEAP's own"
    " training does: most of them lie where SLEAP put them."
)


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    start = b""
    try:
        if path.suffix.lower() == ".slp" and path.is_file():
            with path.open("rb") as file:
                start = file.read(len(_HDF5))
    except OSError:
        pass
    return match_of(
        (path.suffix.lower() == ".slp", "its name does not end in .slp"),
        (start == _HDF5, "it is no HDF5 file"),
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
    path = Path(path)
    check_source(path, "file of SLEAP")
    library = import_extra("sleap_io", f"SLEAP's {path}")
    try:
        inside = path.name.endswith(".pkg.slp")
        labels = library.load_slp(str(path), open_videos=inside)
    except Exception as error:
        # Whatever a damaged file does to the library; the traceback keeps the cause.
        raise ValueError(
            f"{path} cannot be read by sleap-io {library.__version__}:"
            f" {type(error).__name__}: {error}."
        ) from error
    bad, left_out = BadExamples(path, skip_bad), LeftOut()
    skeleton = _skeleton(path, labels, left_out)
    sources = {}
    pictures = []
    for frame in labels.labeled_frames:
        key = id(frame.video)
        if key not in sources:
            sources[key] = _Video(path, frame.video, images, work)
        pictures.append(_picture(frame, skeleton, sources[key], left_out))
    names = skeleton.node_names
    symmetries = [tuple(pair) for pair in skeleton.symmetry_names]
    return pose_data(
        "sleap",
        path,
        pictures,
        names,
        bad,
        left_out,
        progress,
        notes=(_NOTE,),
        skeleton=limbs_of(skeleton.edge_names, names),
        flip_pairs=tuple(symmetries) or None,
        reader=f"sleap-io {library.__version__}",
    )


def _skeleton(path, labels, left_out):
    """The skeleton of most instances; those of others are counted."""
    counts = collections.Counter()
    for frame in labels.labeled_frames:
        for instance in frame.user_instances:
            counts[tuple(instance.skeleton.node_names)] += 1
    if not counts:
        predicted = sum(len(f.predicted_instances) for f in labels.labeled_frames)
        raise ValueError(
            f"{path} holds no labelled instance in {len(labels.labeled_frames)} frames,"
            f" and {predicted} predicted ones. Correct and accept predictions in SLEAP"
            " first: they are no labels."
        )
    names = counts.most_common(1)[0][0]
    for others, count in counts.items():
        if others != names:
            left_out.add("instances of another skeleton", ", ".join(others), count)
    return next(s for s in labels.skeletons if tuple(s.node_names) == names)


def _picture(frame, skeleton, video, left_out):
    name = f"{video.name}, frame {frame.frame_idx}"
    if frame.predicted_instances:
        count = len(frame.predicted_instances)
        left_out.add("instances that SLEAP predicted", name, count)
    people = []
    for instance in frame.user_instances:
        if instance.skeleton.node_names != skeleton.node_names:
            continue
        points = instance.points
        placed = points["visible"] & np.isfinite(points["xy"]).all(axis=1)
        people.append(
            Person(
                {
                    node: (*map(float, xy), 2)
                    for node, xy, there in zip(
                        skeleton.node_names, points["xy"], placed, strict=True
                    )
                    if there
                }
            )
        )
    return Picture(
        video.name_of(frame.frame_idx),
        video.find(frame.frame_idx),
        people,
        group=video.name,
    )


class _Video:
    """A video of the file: image files, frames of a video file, or pictures inside."""

    def __init__(self, path, video, images, work):
        self._path, self._video = path, video
        self._images = images
        self._finder = None
        self.names = None
        if isinstance(video.filename, list):
            self.names = [str(name) for name in video.filename]
            self.name = str(Path(self.names[0]).parent.as_posix())
        else:
            source = video.source_video
            named = source.filename if source is not None else video.filename
            named = named[0] if isinstance(named, list) else named
            self.name = Path(str(named)).as_posix()
        self._frames = VideoFrames(path, self.name, self._read, work)

    def name_of(self, number):
        return self.names[number] if self.names else f"{self.name}, frame {number}"

    def find(self, number):
        if self.names:
            return lambda: self._file(self.names[number])
        return self._frames.want(number)

    def _file(self, name):
        if self._finder is None:
            folder = self._images or self._path.resolve().parent
            self._finder = ImageFinder(folder)
        return self._finder.find(name)

    def _read(self, numbers):
        if not self._inside() and not self._video.is_cropped:
            yield from frames_of_file(self._file(self.name), numbers)
            return
        if not self._video.is_open:
            self._video.open()
        for number in numbers:
            try:
                pixels = np.asarray(self._video[number])
            except (IndexError, KeyError):
                continue
            yield number, pixels

    def _inside(self):
        return Path(str(self._video.filename)).suffix in (".slp", ".h5", ".hdf5")


FORMAT = ToolFormat(
    name="sleap",
    title="SLEAP",
    tasks=("pose",),
    match=match,
    read=read,
    write=write,
    write_needs=("sleap_io",),
    extra="formats",
)
