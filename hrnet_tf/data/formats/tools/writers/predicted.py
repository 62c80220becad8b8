"""What `hrnet predict` found, in the form that all writers take."""

import dataclasses
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hrnet_tf.data.face_sets import FACE_SETS
from hrnet_tf.data.formats.checks import image_size
from hrnet_tf.data.formats.tools.frames import frames_of_file, write_png
from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS
from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.io import open_image, replacing

# Who labelled, where a tool asks.
AUTHOR = "hrnet"
_MIN_SCORE = 0.2
_MIN_OBJECT_SCORE = 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class FoundPerson:
    """A person that was found.

    Attributes:
        box: tuple of x, y, width, height in px.
        points: float64 `[K, 2]`, 0-based px.
        scores: float64 `[K]`.
        placed: bool `[K]`. The points whose score is high enough to be written.
        score: float. The box's times the mean of the placed points'.
    """

    box: tuple
    points: np.ndarray
    scores: np.ndarray
    placed: np.ndarray
    score: float


@dataclasses.dataclass(frozen=True, eq=False)
class FoundObject:
    """An object that was found.

    Attributes:
        label: str. The class's name.
        box: tuple of x, y, width, height in px.
        score: float.
        mask: dict of COCO's runs, or None.
    """

    label: str
    box: tuple
    score: float
    mask: dict | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class FoundPicture:
    """A picture, or a frame of a video, and what was found in it.

    Attributes:
        source: `Path` of the image or video.
        frame: int or None. The frame's number, from 0.
        group: str. The video, or the folder of the picture.
        name: str. A file name that no other picture has.
        size: (height, width) in px.
        people: list of `FoundPerson`.
        labels: `Path` of the map of classes, or None.
        objects: list of `FoundObject`, of a detector.
    """

    source: Path
    frame: int | None
    group: str
    name: str
    size: tuple
    people: list
    labels: Path | None = None
    objects: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """Everything that was found.

    Attributes:
        names: tuple of str, the keypoints; () for segmentations.
        skeleton: tuple of pairs of names.
        flip_pairs: tuple of pairs of names.
        category: str. What the people are called.
        pictures: list of `FoundPicture`.
        model: str. The model that found it.
        label_set: `LabelSet` of the maps of classes, or None.
        object_set: `ObjectSet` of the objects, or None.
    """

    names: tuple
    skeleton: tuple
    flip_pairs: tuple
    category: str
    pictures: list
    model: str
    label_set: LabelSet | None = None
    object_set: ObjectSet | None = None

    @property
    def limbs(self) -> list:
        """list of pairs of the keypoints' numbers, from 0."""
        return [tuple(map(self.names.index, pair)) for pair in self.skeleton]

    @property
    def flip_indices(self) -> list:
        """list of int: keypoint i of a mirrored picture was `flip_indices[i]`."""
        indices = list(range(len(self.names)))
        for a, b in self.flip_pairs:
            i, j = self.names.index(a), self.names.index(b)
            indices[i], indices[j] = j, i
        return indices


def found_in(predictions: dict, images: Path | None = None) -> Found:
    """Reads the content of predictions.json.

    Args:
        predictions: dict. Points whose score is below its "min_score" (0.2 without) are
            not placed, objects (0.3 without) left out, and people below its
            "min_person_score" (0 without), too; of videos every "annotate_every"-th
            frame (each without) is taken.
        images: `Path` of the folder that relative paths are of; None: this one.
    Returns:
        `Found`.
    Raises:
        ValueError: if there are no poses or segmentations, or a picture is gone.
    """
    described = predictions.get("keypoint_set")
    rows = list(rows_of(predictions, images))
    if not rows:
        raise ValueError("There are no predictions to write as annotations.")
    counts = {len(p["keypoints"]) for *_, row in rows for p in row.get("people", ())}
    if described is None and counts:
        names = [f"keypoint_{i}" for i in range(1, max(counts) + 1)]
        described = {"name": "object", "names": names}
    object_set = predictions.get("object_set")
    if object_set is not None:
        object_set = ObjectSet.from_dict(object_set)
    elif described is None and not any("labels" in row for *_, row in rows):
        raise ValueError(
            "Annotations are written of poses, faces, segmentations and objects. The"
            " predictions hold neither people, nor maps of classes, nor objects."
        )
    label_set = predictions.get("label_set")
    if label_set is not None:
        label_set = LabelSet.from_dict(label_set)
        rows = _with_labels(rows)
    described = described or {}
    default = _MIN_SCORE if object_set is None else _MIN_OBJECT_SCORE
    least = predictions.get("min_score", default)
    taken: dict = {}
    return Found(
        names=tuple(described.get("names", ())),
        skeleton=tuple(map(tuple, described.get("skeleton", ()))),
        flip_pairs=tuple(map(tuple, described.get("flip_pairs", ()))),
        category=_category(described.get("name")),
        pictures=[
            _picture(source, frame, size, _sure(row, predictions), least, taken)
            for source, frame, size, row in rows
        ],
        model=Path(str(predictions.get("model", ""))).name or AUTHOR,
        label_set=label_set,
        object_set=object_set,
    )


def segments_in(found: Found, format: str) -> LabelSet:
    """Returns the classes of segmentations; ValueError where others were found."""
    if found.label_set is None:
        raise ValueError(
            f"{format} is written of segmentations, and these are keypoints. Expected"
            " coco, labelme, cvat, label_studio, sleap, dlc or yolo."
        )
    return found.label_set


def put_pictures(found: Found, folder: Path, as_png: bool = False) -> list:
    """Copies pictures, and writes frames of videos, into a folder.

    Args:
        found: `Found`.
        folder: `Path`; made.
        as_png: bool. Whether all are to be PNGs.
    Returns:
        list of `Path`, the file of each picture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    wanted: dict = {}
    for picture in found.pictures:
        file = folder / picture.name
        if as_png:
            file = file.with_suffix(".png")
        files.append(file)
        if picture.frame is not None:
            wanted.setdefault(picture.source, {})[picture.frame] = file
        elif as_png and picture.source.suffix.lower() != ".png":
            write_png(file, _pixels(picture.source))
        else:
            with replacing(file) as beside:
                shutil.copyfile(picture.source, beside)
    for video, frames in wanted.items():
        for number, pixels in frames_of_file(video, frames):
            write_png(frames[number], pixels)
    return files


def rows_of(predictions: dict, images: Path | None = None) -> Iterator[tuple]:
    """Yields the source, the frame's number, the size and the row of each picture.

    Args:
        predictions, images: see `found_in`.
    """
    for row in predictions.get("images", ()):
        source = _absolute(row["image_path"], images)
        yield source, None, _size(source), row
    every = int(predictions.get("annotate_every", 1))
    for video in predictions.get("videos", ()):
        source = _absolute(video["video_path"], images)
        size = video["height"], video["width"]
        for number in range(0, len(video["frames"]), every):
            yield source, number, size, video["frames"][number]


def _sure(row, predictions):
    """A row without the people whose score is too low."""
    least = predictions.get("min_person_score", 0.0)
    people = row.get("people", ())
    return {**row, "people": [p for p in people if p.get("box_score", 1.0) >= least]}


def _with_labels(rows):
    """Rows that have a map of classes: frames of videos have none."""
    kept = [row for row in rows if "labels" in row[-1]]
    if len(kept) < len(rows):
        warnings.warn(
            f"{len(rows) - len(kept)} frames of videos are not among the annotations:"
            " only images have maps of classes as files.",
            stacklevel=4,
        )
    if not kept:
        raise ValueError("There are no maps of classes to write as annotations.")
    return kept


def _absolute(path, images):
    path = (images or Path()) / path
    if not path.is_file():
        raise ValueError(
            f"The predictions are of {path}, which is not there (any more)."
        )
    return path.resolve()


def _size(path):
    if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
        return image_size(path)
    with open_image(path) as image:
        return image.size[::-1]


def _picture(source, frame, size, row, least, taken):
    if frame is None:
        group, wanted = source.parent.name, source.name
    else:
        group, wanted = source.stem, f"{source.stem}_{frame:06d}.png"
    labels = row.get("labels")
    return FoundPicture(
        source=source,
        frame=frame,
        group=group,
        name=_free(wanted, taken),
        size=tuple(map(int, size)),
        people=[_person(person, least) for person in row.get("people", ())],
        labels=None if labels is None else Path(labels),
        objects=[
            FoundObject(
                found["class"], tuple(found["box"]), found["score"], found.get("mask")
            )
            for found in row.get("objects", ())
            if found["score"] >= least
        ],
    )


def _free(name, taken):
    """A name that none has, whatever its ending: labels are called like pictures."""
    stem, number = Path(name).stem, 2
    free = stem
    while free.lower() in taken:
        free, number = f"{stem}_{number}", number + 1
    taken[free.lower()] = True
    return f"{free}{Path(name).suffix}"


def _person(person, least):
    points = np.array(person["keypoints"], np.float64).reshape(-1, 3)
    # What was not found has the score 0, and no place, however low the least one is.
    placed = (points[:, 2] >= least) & (points[:, 2] > 0)
    mean = points[placed, 2].mean() if placed.any() else 0.0
    return FoundPerson(
        box=tuple(map(float, person["box"])),
        points=points[:, :2],
        scores=points[:, 2],
        placed=placed,
        score=float(np.clip(person.get("box_score", 1.0) * mean, 0, 1)),
    )


def _category(name):
    if name in FACE_SETS:
        return "face"
    return "person" if name in KEYPOINT_SETS else name or "object"


def _pixels(path):
    from hrnet_tf.io import read_image

    return read_image(path)[0]
