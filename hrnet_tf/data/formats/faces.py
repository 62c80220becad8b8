"""Annotated faces: the tables of the official face code, and COCO-style json.

A face becomes a person of `PoseExample`: its box is the square of side 200 * scale
around the annotated centre, so that the padding of 1.25 gives the official crop.
Coordinates are taken as they are, as the official code does.

Reference: HRNet-Facial-Landmark-Detection, lib/datasets/{face300w,wflw,aflw}.py.
"""

import collections
import csv
import dataclasses
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats import cofw
from hrnet_tf.data.formats.checks import (
    check_folder,
    finite_number,
    finite_numbers,
    image_size,
)
from hrnet_tf.data.formats.coco import read_annotations
from hrnet_tf.data.formats.coco_reader import CocoReader
from hrnet_tf.data.keypoint_sets import FACES, load_keypoint_set
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.typing import PathLike, Progress

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from hrnet_tf.data.keypoint_sets import KeypointSet


FORMATS = ("coco", "300w", "wflw", "aflw", "cofw")
# A face of scale 1 is 200 px large.
_FACE_SIZE = 200.0
# Columns before the points: image, scale, center_w, center_h; AFLW has box_size after
# the scale.
_NUM_COLUMNS = 4
_BOX_SIZE_COLUMN = 2


def load_faces(
    annotation_file: PathLike,
    image_dir: PathLike,
    keypoint_set: "KeypointSet",
    format: str = "coco",
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[PoseExample]:
    """Loads annotated faces of any of the `FORMATS`.

    Args:
        annotation_file: path of a json ("coco", see `load_json`), of an official table
            ("300w", "wflw", "aflw", see `load_csv`) or of an official .mat ("cofw",
            see `cofw.load_mat`).
        image_dir: path of the folder with the images; for "cofw" the folder that they
            are written to.
        keypoint_set: `KeypointSet` with the `K` landmarks of the annotations.
        format: str, one of `FORMATS`.
        skip_bad: bool. Whether single bad faces and images are skipped and counted in
            one warning instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `PoseExample`, one for each image. `head_sizes` are the box sizes
        that AFLW's errors are relative to, 0 in other data sets.
    Raises:
        ValueError: naming file and line or annotation, for anything that is not as
            expected; or if the format has other landmarks than the keypoint set.
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {FORMATS}. Received: {format!r}.")
    if format == "coco":
        return load_json(annotation_file, image_dir, keypoint_set, skip_bad, progress)
    num_points = load_keypoint_set(format).num_keypoints
    if num_points != keypoint_set.num_keypoints:
        raise ValueError(
            f"Files of the format {format} hold {num_points} landmarks a face, but the"
            f" keypoint set {keypoint_set.name!r} has {keypoint_set.num_keypoints}."
            " Use a model of these landmarks, or the format of its data set."
        )
    if format == "cofw":
        return cofw.load_mat(annotation_file, image_dir, skip_bad, progress)
    return load_csv(annotation_file, image_dir, keypoint_set, skip_bad, progress)


def load_csv(
    annotation_csv: PathLike,
    image_dir: PathLike,
    keypoint_set: "KeypointSet",
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[PoseExample]:
    """Loads the faces of an official table of 300W, WFLW or AFLW.

    The file has a line of column names, then a line for each face: image, scale,
    center_w, center_h, and x and y of each landmark; AFLW has box_size after scale.

    Args:
        annotation_csv: path of the table.
        image_dir, keypoint_set, skip_bad, progress: see `load_faces`.
    Returns:
        A list of `PoseExample`, one for each image in the order of first mention; all
        landmarks have visibility 2, as the table does not tell occluded ones. image_id
        counts the images and ids the faces of the file, from 0.
    Raises:
        ValueError: see `load_faces`.
    """
    header, rows = _read_table(annotation_csv)
    has_box_size = _has_box_size(annotation_csv, len(header), keypoint_set)
    image_dir = check_folder(image_dir)
    bad = BadExamples(annotation_csv, skip_bad)
    images = collections.defaultdict(list)
    for number, (line, row) in enumerate(rows):
        where = f"{annotation_csv}, line {line}"
        try:
            images[row[0]].append((number, where, _face(where, row, header)))
        except BadExample as error:
            bad.add(error)
    examples = []
    for done, (name, faces) in enumerate(images.items(), 1):
        try:
            size = image_size(image_dir / name)
        except BadExample as error:
            bad.add(BadExample(error.kind, f"{faces[0][1]}: {error}"))
        else:
            kept = _inside(faces, size, bad)
            if kept:
                path = image_dir / name
                examples.append(_example(path, done - 1, size, kept, has_box_size))
        if progress is not None:
            progress(done, len(images))
    if not examples:
        raise ValueError(
            f"{annotation_csv} holds no usable face among its {len(rows)} lines:"
            f" {bad.describe() or 'none'}."
        )
    bad.warn()
    return examples


def load_json(
    annotation_json: PathLike,
    image_dir: PathLike,
    keypoint_set: "KeypointSet",
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[PoseExample]:
    """Loads the faces of a COCO-style json, such as those of mmpose.

    A face's "center" and "scale" make its box; where an annotation has none, its
    "bbox" does; if the whole file has no "scale", clipped as the official pose code
    does. "box_size" is kept.

    Args:
        annotation_json: path of a json with "images", "annotations", "categories".
        image_dir, keypoint_set, skip_bad, progress: see `load_faces`.
    Returns:
        A list of `PoseExample`, in the order of the file's images.
    Raises:
        ValueError: see `load_faces`, and `coco.load_pose` for what is left out.
    """
    contents = read_annotations(annotation_json, ("images", "annotations"))
    clip = not any("scale" in annotation for annotation in contents["annotations"])
    reader = CocoReader(annotation_json, contents, image_dir, skip_bad, clip=clip)
    annotations, sizes = [], {}
    for annotation in contents["annotations"]:
        size = 0.0
        try:
            # What the reader leaves out needs no box.
            if annotation.get("keypoints") and not annotation.get("iscrowd"):
                annotation, size = _with_box(annotation_json, annotation)
        except BadExample as error:
            reader.bad.add(error)
        else:
            annotations.append(annotation)
            sizes[str(annotation.get("id"))] = size
    people = reader.labelled_people(
        {**contents, "annotations": annotations}, keypoint_set
    )
    examples = reader.examples(people, keypoint_set.num_keypoints, progress)
    if not examples:
        raise ValueError(
            f"{annotation_json} holds no labelled face:"
            f" {len(contents['annotations'])} annotations of {len(reader.images)}"
            f" images, of which left out: {reader.left_out.describe() or 'none'};"
            f" bad: {reader.bad.describe() or 'none'}."
        )
    reader.bad.warn()
    for note in reader.notes:
        warnings.warn(note, stacklevel=2)
    reader.left_out.warn(annotation_json)
    return [
        dataclasses.replace(e, head_sizes=np.array([sizes[str(i)] for i in e.ids]))
        for e in examples
    ]


def image_names(annotation_csv: PathLike) -> list[str]:
    """Returns the names of the images of a table, in the order of the lines.

    Raises:
        ValueError: if it is no table.
    """
    return [row[0] for _, row in _read_table(annotation_csv)[1]]


def square_box(center: "ArrayLike", side: float) -> np.ndarray:
    """Returns the box xywh float64 `[4]` of a square around a centre `[2]`, px."""
    return np.array([*(np.asarray(center) - side / 2), side, side])


def _read_table(path):
    """Returns the column names and a list of (line number, row) of a table."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no annotation file {path}. Check the path.")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path} is no table of comma-separated text: {error}."
        ) from error
    if len(rows) < 2:
        raise ValueError(
            f"{path} should hold a line of column names and a line for each face."
            f" Received: {len(rows)} lines."
        )
    return rows[0][1], rows[1:]


def _has_box_size(path, num_columns, keypoint_set):
    """Whether a table has AFLW's box_size; checks the number of its columns."""
    needed = _NUM_COLUMNS + 2 * keypoint_set.num_keypoints
    if num_columns in (needed, needed + 1):
        return num_columns == needed + 1
    others = [
        known.name
        for known in FACES
        if num_columns
        == _NUM_COLUMNS + 2 * known.num_keypoints + (known.pck_reference is None)
    ]
    looks = f" It looks like a table of {others[0]}." if others else ""
    raise ValueError(
        f"{path} has {num_columns} columns; the {keypoint_set.num_keypoints} landmarks"
        f" of the keypoint set {keypoint_set.name!r} need {needed} (image, scale,"
        " center_w, center_h, and x and y of each landmark), or one more with"
        f" box_size after scale.{looks}"
    )


def _face(where, row, header):
    """Returns box `[4]`, landmarks `[K, 3]` and box size of a line."""
    if len(row) != len(header):
        raise BadExample(
            "wrong number of columns",
            f"{where} has {len(row)} columns, but the file's first line {len(header)}.",
        )
    values = []
    for name, text in zip(header[1:], row[1:], strict=True):
        try:
            values.append(float(text))
        except ValueError:
            values.append(math.nan)
        if not math.isfinite(values[-1]):
            raise BadExample(
                "value not finite",
                f"{where}: {name} is {text!r}; expected a finite number.",
            )
    scale, *values = values
    # An odd number of values is left after the centre only where there is a box size.
    box_size = values.pop(_BOX_SIZE_COLUMN - 2) if len(values) % 2 else 0.0
    if scale <= 0 or box_size < 0:
        raise BadExample(
            "face without size",
            f"{where}: scale is {scale} and box_size {box_size}; expected more than 0.",
        )
    points = np.reshape(values[2:], (-1, 2))
    keypoints = np.concatenate([points, np.full((len(points), 1), 2.0)], 1)
    return square_box(values[:2], _FACE_SIZE * scale), keypoints, box_size


def _inside(faces, size, bad):
    """Returns the faces whose boxes meet their image."""
    kept = []
    for number, where, (box, keypoints, box_size) in faces:
        (x, y, side, _), (height, width) = box, size
        if x >= width or y >= height or x + side <= 0 or y + side <= 0:
            bad.add(
                BadExample(
                    "box outside its image",
                    f"{where}: center and scale give the box {box.tolist()} (x, y,"
                    f" width, height), outside the image of {width}x{height} pixels"
                    " (width x height).",
                )
            )
        else:
            kept.append((box, keypoints, box_size, number))
    return kept


def _example(path, image_id, size, faces, has_box_size):
    boxes, keypoints, box_sizes, numbers = zip(*faces, strict=True)
    boxes = np.stack(boxes)
    return PoseExample(
        image_path=str(path),
        image_id=image_id,
        height=size[0],
        width=size[1],
        boxes=boxes,
        keypoints=np.stack(keypoints),
        areas=boxes[:, 2] * boxes[:, 3],
        ids=np.array(numbers),
        head_sizes=np.array(box_sizes) if has_box_size else None,
    )


def _with_box(path, annotation):
    """Returns an annotation with the box of its centre and scale, and its box_size."""
    where = (
        f"{path}: annotation {annotation.get('id')} of the image id"
        f" {annotation.get('image_id')}"
    )
    size = 0.0
    if annotation.get("box_size") is not None:
        size = finite_number(where, annotation, "box_size")
    if annotation.get("scale") is not None and annotation.get("center") is not None:
        center = finite_numbers(where, annotation, "center", (2,))
        side = _FACE_SIZE * finite_number(where, annotation, "scale")
        return {**annotation, "bbox": square_box(center, side).tolist()}, size
    if annotation.get("bbox") is None:
        raise BadExample(
            "face without box",
            f"{where} has neither 'center' and 'scale' nor a 'bbox'. Add the box (x, y,"
            " width, height in px) of every face.",
        )
    return annotation, size
