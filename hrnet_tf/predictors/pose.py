"""Keypoints from images in three lines."""

import keras
import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.affine import box_regions, warp
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import model_keypoint_set
from hrnet_tf.io import path_of, read_image
from hrnet_tf.predictors.loading import read_model
from hrnet_tf.tasks.pose.inference import (
    MAX_BOX_COORDINATE,
    MIN_BOX_SIDE,
    ExportedPose,
    PoseSignatures,
)
from hrnet_tf.tasks.pose.result import Keypoints

# Crops that go through the network together: a bound on the memory.
_BATCH_SIZE = 16


class PosePredictor:
    """Finds the keypoints of people in images.

        predictor = hrnet_tf.PosePredictor.load("model.keras")
        keypoints = predictor.predict("image.jpg", boxes)

    Args:
        model: `HRNetPose` with a fixed `image_size`, or `ExportedPose`.
    Attributes:
        image_size: (height, width) of the crops in pixels.
        keypoint_set: `KeypointSet` or None, as stored in the model.
    Raises:
        ValueError: if the model does not find keypoints in crops of one size.
    """

    def __init__(self, model):
        self._model = model
        self._functions = {}
        if isinstance(model, ExportedPose):
            self.keypoint_set = model.keypoint_set
        else:
            self._function(False)
            self.keypoint_set = model_keypoint_set(model)
        self.image_size = model.image_size
        # For the way from the image to crops and back.
        self._codec = HeatmapCodec(
            image_size=self.image_size, convention=model.heatmap_convention
        )
        self._cut = tf.function(
            self._cut_people,
            input_signature=[
                tf.TensorSpec((None, None, 3), tf.uint8),
                tf.TensorSpec((None, 2), tf.float32),
                tf.TensorSpec((None, 2), tf.float32),
            ],
        )

    @classmethod
    def load(cls, path):
        """Loads a model.

        Args:
            path: str or path of a `.keras` file, or of a folder that
                `export_saved_model` wrote: a version's, or the one above, whose largest
                version is taken.
        Raises:
            ValueError: if there is no complete pose model; the text names the file.
        """
        model = read_model(path)
        try:
            return cls(model)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def predict(self, image, boxes=None, box_scores=None, flip_test=None):
        """Finds the keypoints of the people of one image.

        Args:
            image: path of a JPEG or PNG file, its bytes, or a uint8 array `[H, W, 3]`,
                RGB. An orientation noted in EXIF is not applied.
            boxes: array-like `[N, 4]`, one box a person: x, y, width, height in pixels
                of the image, `N` of any size. None: the image is one person.
            box_scores: array-like `[N]` or None, a detector's confidences; they count
                in the people's scores of `Keypoints.to_coco`. None: 1.
            flip_test: bool or None. True averages with the mirrored crop, for twice the
                time. None: False, or what an exported model was exported with.
        Returns:
            `Keypoints` of `N` people, in pixels of the image.
        Raises:
            ValueError: if the image cannot be read, a box does not lie in it, a score
                is not finite, or an exported model was exported otherwise.
        """
        return self.predict_batch([image], [boxes], [box_scores], flip_test)[0]

    def predict_batch(self, images, boxes, box_scores=None, flip_test=None):
        """Finds the keypoints of the people of several images.

        People of different images go through the network together.

        Args:
            images: sequence of one or more images, see `predict`.
            boxes: sequence of boxes or None, one for each image.
            box_scores: sequence of scores or None, one for each image; None: all 1.
            flip_test: see `predict`.
        Returns:
            list of `Keypoints`.
        Raises:
            ValueError: as `predict`, for the first image that is to blame.
        """
        function = self._function(flip_test)
        pixels, names = zip(*map(read_image, images), strict=True)
        boxes = [
            checked_boxes(given, *image.shape[1::-1], name)
            for given, image, name in zip(boxes, pixels, names, strict=True)
        ]
        counts = [len(people) for people in boxes]
        scores = [None] * len(images) if box_scores is None else box_scores
        scores = list(map(_check_scores, scores, counts))
        aspect = self.image_size[1] / self.image_size[0]
        centers, sizes = box_regions(tf.constant(np.concatenate(boxes)), aspect)
        pixels = list(map(tf.constant, pixels))
        owners = np.repeat(np.arange(len(images)), counts)
        points, peaks = [], []
        # At least once, so that no people give arrays of the right shapes.
        for start in range(0, max(len(owners), 1), _BATCH_SIZE):
            part = slice(start, start + _BATCH_SIZE)
            crops = self._crops(pixels, owners[part], centers[part], sizes[part])
            found = function(crops)
            cells = self._codec.from_crop(found["keypoints"])
            points.append(self._codec.to_image(cells, centers[part], sizes[part]))
            peaks.append(found["scores"])
        ends = np.cumsum(counts)[:-1]
        points = np.split(np.concatenate(points), ends)
        peaks = np.split(np.concatenate(peaks), ends)
        return [
            Keypoints(
                xy=points[i],
                scores=peaks[i],
                boxes=boxes[i],
                box_scores=scores[i],
                image_path=path_of(image),
                keypoint_set=self.keypoint_set,
            )
            for i, image in enumerate(images)
        ]

    def _crops(self, pixels, owners, centers, sizes):
        """Crops `[N, H, W, 3]` of people who are each in the image of a number."""
        if not len(owners):
            return tf.zeros((0, *self.image_size, 3), tf.uint8)
        parts = []
        for image in range(owners[0], owners[-1] + 1):
            first, last = np.searchsorted(owners, [image, image + 1])
            people = slice(first, last)
            if first < last:
                parts.append(self._cut(pixels[image], centers[people], sizes[people]))
        return tf.concat(parts, 0)

    def _cut_people(self, pixels, centers, sizes):
        """Crops people `[N, H, W, 3]` out of an image."""
        upright = tf.zeros_like(sizes[:, 0])
        matrices = self._codec.crop_matrix(centers, sizes, upright)
        return tf.map_fn(
            lambda matrix: warp(pixels, matrix, self.image_size),
            matrices,
            fn_output_signature=tf.TensorSpec((*self.image_size, 3), tf.uint8),
        )

    def _function(self, flip_test):
        """The function from crops to keypoints, made when first asked for."""
        if isinstance(self._model, ExportedPose):
            if flip_test not in (None, self._model.flip_test):
                raise ValueError(
                    f"{self._model.folder} was exported with"
                    f" flip_test={self._model.flip_test}, which is part of its graph."
                    f" Received: flip_test={flip_test}. Leave flip_test out, or export"
                    " the model again."
                )
            return self._model.crops
        flip_test = bool(flip_test)
        if flip_test not in self._functions:
            signatures = PoseSignatures(self._model, flip_test)
            function = signatures.crops
            if keras.backend.backend() == "tensorflow":
                spec = [signatures.crop_spec]
                function = tf.function(function, input_signature=spec, autograph=False)
            self._functions[flip_test] = function
        return self._functions[flip_test]


def checked_boxes(boxes, width, height, name):
    """Returns boxes of people as an array, after checking them.

    Args:
        boxes: array-like `[N, 4]`: x, y, width, height in pixels; None: one person
            fills the image.
        width, height: int, px. The image's size.
        name: str. What to call the image in errors.
    Returns:
        A float32 array `[N, 4]` of boxes that overlap the image.
    Raises:
        ValueError: naming the box, if one does not.
    """
    if boxes is None:
        boxes = [[0, 0, width, height]]
    try:
        boxes = np.asarray(boxes, np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"boxes of {name} cannot be read as numbers [N, 4]: {error}."
        ) from error
    if boxes.size == 0:
        return np.zeros((0, 4), np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"boxes of {name} must have the shape [N, 4]: x, y, width, height for each"
            f" person. Received the shape {boxes.shape}."
        )
    corners, sides = boxes[:, :2], boxes[:, 2:]
    wrong = {
        "holds a number that is not finite or too large": ~(
            np.abs(boxes) < MAX_BOX_COORDINATE
        ).all(1),
        "has no area": (sides <= 0).any(1) | (sides.max(1) < MIN_BOX_SIDE),
        f"lies outside the image of {width} x {height} pixels": (
            (corners >= [width, height]) | (sides <= -corners)
        ).any(1),
    }
    for reason, rows in wrong.items():
        if rows.any():
            row = int(np.argmax(rows))
            raise ValueError(
                f"Box {row} of {name} {reason}. Received: {boxes[row].tolist()};"
                " expected x, y, width, height in pixels of the image."
            )
    return boxes


def _check_scores(box_scores, count):
    if box_scores is None:
        return np.ones(count, np.float32)
    box_scores = np.asarray(box_scores, np.float32)
    if box_scores.shape != (count,) or not np.isfinite(box_scores).all():
        raise ValueError(
            f"box_scores must be {count} finite numbers, one for each box. Received:"
            f" shape {box_scores.shape}, {box_scores.ravel()[:8].tolist()}."
        )
    return box_scores
