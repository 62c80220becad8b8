"""The examples of each task, in memory and as `tf.train.Example` records.

TensorFlow is imported inside the functions which need it, so that annotation files
can be read and checked without it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hrnet_tf.typing import Tensor


@dataclass(frozen=True, eq=False)
class PoseExample:
    """One image and its `N` people.

    Coordinates are 0-based pixels of the upright image (see `hrnet_tf.pixels`), x to
    the right and y downwards.

    Args:
        image_path: str. The image file.
        image_id: int. The image's id in the annotation file; it names the image in
            results for pycocotools.
        height: int, px.
        width: int, px.
        boxes: float32 `[N, 4]`, px. x, y, width and height of each person, before any
            padding or change of aspect ratio.
        keypoints: float32 `[N, K, 3]`. x, y in px and the visibility: 0 not labelled
            (x and y mean nothing), 1 labelled but occluded, 2 visible.
        areas: float32 `[N]`, px^2. The segment area that OKS is relative to.
        ids: int64 `[N]`. The annotations' ids.
        head_sizes: float32 `[N]`, px, or None. What PCKh is relative to; 0 (the
            default) where it is unknown.
        box_scores: float32 `[N]`, or None. The detector's confidence in each box; 1
            (the default) for ground-truth boxes.
    Raises:
        ValueError: if a shape contradicts the others.
    """

    image_path: str
    image_id: int
    height: int
    width: int
    boxes: np.ndarray
    keypoints: np.ndarray
    areas: np.ndarray
    ids: np.ndarray
    head_sizes: np.ndarray | None = None
    box_scores: np.ndarray | None = None

    def __post_init__(self):
        keypoints = np.asarray(self.keypoints, np.float32)
        if keypoints.ndim != 3 or keypoints.shape[2] != 3:
            raise ValueError(
                f"{self.image_path}: the keypoints of N people are an array [N, K, 3]."
                f" Received: shape {keypoints.shape}."
            )
        num_people = len(keypoints)
        arrays = {
            "keypoints": keypoints,
            "boxes": np.asarray(self.boxes, np.float32),
            "areas": np.asarray(self.areas, np.float32),
            "ids": np.asarray(self.ids, np.int64),
            "head_sizes": _filled(self.head_sizes, num_people, 0.0),
            "box_scores": _filled(self.box_scores, num_people, 1.0),
        }
        for name, array in arrays.items():
            shape = {"boxes": (num_people, 4), "keypoints": keypoints.shape}.get(
                name, (num_people,)
            )
            if array.shape != shape:
                raise ValueError(
                    f"{self.image_path}: {name} of {num_people} people should have"
                    f" the shape {shape}. Received: {array.shape}."
                )
            object.__setattr__(self, name, array)

    @property
    def num_people(self) -> int:
        """int: the number of people `N`."""
        return len(self.boxes)


def _filled(array, num_people, value):
    if array is None:
        return np.full(num_people, value, np.float32)
    return np.asarray(array, np.float32)


@dataclass(frozen=True)
class SegmentationExample:
    """One image and the map of its pixels' classes.

    Args:
        image_path: str. The image file.
        label_path: str. An 8-bit grey or palette PNG of the same size; its values mean
            what the data set's `LabelSet` says.
    """

    image_path: str
    label_path: str


@dataclass(frozen=True)
class ClassificationExample:
    """One image and its class.

    Args:
        image_path: str. The image file.
        label: int, 0-based.
    """

    image_path: str
    label: int


def POSE_FEATURES(num_keypoints: int) -> dict[str, Any]:
    """Returns the features of a pose record, for `tf.io.parse_single_example`.

    Args:
        num_keypoints: int, `K`.
    Returns:
        A dict of the feature specifications: the image's encoded bytes, file name, id,
        height and width, and for each of its people (a sequence of any length) the
        annotation id, box `[4]`, keypoints `[K, 3]`, area, head size and box score.
    """
    import tensorflow as tf

    def one(dtype):
        return tf.io.FixedLenFeature([], dtype)

    def people(shape, dtype):
        return tf.io.FixedLenSequenceFeature(shape, dtype, allow_missing=True)

    return {
        "image/encoded": one(tf.string),
        "image/path": one(tf.string),
        "image/id": one(tf.int64),
        "image/height": one(tf.int64),
        "image/width": one(tf.int64),
        "people/boxes": people([4], tf.float32),
        "people/keypoints": people([num_keypoints, 3], tf.float32),
        "people/areas": people([], tf.float32),
        "people/ids": people([], tf.int64),
        "people/head_sizes": people([], tf.float32),
        "people/box_scores": people([], tf.float32),
    }


def serialize_pose(example: PoseExample, encoded: bytes) -> bytes:
    """Returns a pose record as bytes, which `parse_pose` reads.

    Args:
        example: `PoseExample`. Of its path only the file name is kept.
        encoded: bytes. The image file's content, JPEG or PNG.
    """
    return serialized(
        {
            "image/encoded": encoded,
            "image/path": file_name(example.image_path),
            "image/id": example.image_id,
            "image/height": example.height,
            "image/width": example.width,
            "people/boxes": example.boxes,
            "people/keypoints": example.keypoints,
            "people/areas": example.areas,
            "people/ids": example.ids,
            "people/head_sizes": example.head_sizes,
            "people/box_scores": example.box_scores,
        }
    )


def serialized(features: dict[str, Any]) -> bytes:
    """Returns a record of any task as bytes.

    Args:
        features: dict of bytes, and of numbers and arrays: whole ones or floats.
    """
    import tensorflow as tf

    def feature(value):
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        values = np.ravel(value)
        if values.dtype.kind == "f":
            return tf.train.Feature(
                float_list=tf.train.FloatList(value=values.tolist())
            )
        values = values.astype(np.int64).tolist()
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    made = {name: feature(value) for name, value in features.items()}
    record = tf.train.Example(features=tf.train.Features(feature=made))
    # Otherwise each process has its own order of the features.
    return record.SerializeToString(deterministic=True)


def file_name(path: str) -> bytes:
    """Returns what records keep of an image's path: the name of the file."""
    return str(path).replace("\\", "/").rsplit("/", 1)[-1].encode()


def parse_pose(serialized: Tensor, num_keypoints: int) -> dict[str, Any]:
    """Reads a pose record; works eagerly and in `Dataset.map`.

    Args:
        serialized: scalar string tensor or bytes, from `serialize_pose`.
        num_keypoints: int, `K`.
    Returns:
        A dict of tensors with the fields of `PoseExample`, N being the number of
        people: image (scalar string, the encoded bytes), image_path (scalar string,
        the file name), image_id, height and width (scalar int64), boxes
        `[N, 4]`, keypoints `[N, K, 3]`, areas, head_sizes and box_scores `[N]`
        (float32), ids `[N]` (int64).
    """
    import tensorflow as tf

    features = tf.io.parse_single_example(serialized, POSE_FEATURES(num_keypoints))
    names = {
        "image/encoded": "image",
        "image/path": "image_path",
        "image/id": "image_id",
        "image/height": "height",
        "image/width": "width",
    }
    return {
        names.get(key, key.removeprefix("people/")): value
        for key, value in features.items()
    }
