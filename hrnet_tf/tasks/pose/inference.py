"""From images and boxes to keypoints: crops, network, maps, pixels of the image."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.affine import BOX_PADDING, box_regions, decode_crop
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import KeypointSet, model_keypoint_set
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.tasks.pose.boxes import (
    MAX_BOX_COORDINATE,
    MIN_BOX_SIDE,
    checked_boxes,
    checked_scores,
)
from hrnet_tf.tasks.pose.cutting import Cutter
from hrnet_tf.tasks.pose.networks import check_reads_crops
from hrnet_tf.tasks.pose.people_finder import IMAGES_SPEC, PeopleFinder
from hrnet_tf.tasks.pose.result import Keypoints
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from hrnet_tf.models.base import HRNetModel


# Crops that go through the network together: a bound on the memory.
_CROPS_AT_ONCE = 16


class PoseInference:
    """Finds the keypoints of people in images; see `tasks.base.Inference`.

    `crops`, `people` and `locate` are graph code.

    Args:
        model: `HRNetPose`, or another one of `NETWORKS` with a fixed `image_size` and
            preprocessing included; or `Exported`.
        flip_test: bool or None. True averages the heatmaps with those of the mirrored
            crop, for twice the time. None: False, or what was exported.
        infer: function from images to outputs; None makes it from the model.
        task: str. The task's name, for exported models.
        detector: `DetectionInference` or None. What finds the people of images whose
            boxes are not known; it becomes part of an exported graph.
        detect_class: str or None. The detector's class that is wanted; None: the only
            one, or the one called "person" or "face".
        min_box_score: float or None. Boxes of lower scores are left out; None: 0.3.
        frozen: bool. Runs a model faster, see `inference_function`; not used for
            exported ones.
    Attributes:
        image_size: (height, width) of the crops.
        keypoint_set: `KeypointSet` or None.
        codec: `HeatmapCodec`.
        flip_test: bool.
    Raises:
        ValueError: if the model does not allow it.
    """

    portable = "crops"
    _read_boxes: Any = None
    per_image = ("boxes", "box_scores")
    built_in = ("flip_test", "detector", "detect_class", "min_box_score")

    def __init__(
        self,
        model: "HRNetModel | Exported",
        flip_test: bool | None = None,
        infer: Callable[..., Any] | None = None,
        task: str = "pose",
        detector: Any = None,
        detect_class: str | None = None,
        min_box_score: float | None = None,
        frozen: bool = False,
    ) -> None:
        self.model: Any = model
        self.task = task
        self._finder = None
        if isinstance(model, Exported):
            if detector is not None:
                raise ValueError(
                    f"{model.path} is exported. A detector is made part of it when it"
                    " is: hrnet export --detector."
                )
            graphs.check_as_exported(
                model,
                flip_test=flip_test,
                detect_class=detect_class,
                min_box_score=min_box_score,
            )
            fields = model.description
            self.flip_test = fields["flip_test"]
            self.image_size = tuple(fields["image_size"])
            known = fields["keypoint_set"]
            self.keypoint_set = None if known is None else KeypointSet.from_dict(known)
            # Of the way from the image to crops and back; folders from before there
            # were others do not name the convention.
            convention = fields.get("heatmap_convention", "official")
            self.codec = HeatmapCodec(self.image_size, convention=convention)
            self._read_crops = model.signature("crops")
            if fields.get("detector") is not None:
                self._read_boxes = model.signature("boxes")
            return
        check_reads_crops(model)
        self.flip_test = bool(flip_test)
        self.image_size = tuple(model.image_size)
        self.codec = HeatmapCodec.for_model(model)
        self.keypoint_set = model_keypoint_set(model)
        if flip_test and self.keypoint_set is None:
            raise ValueError(
                "The flip test needs to know which keypoints are left and right, but"
                f" the model {model.name!r} has keypoint_set=None. Build it with"
                " keypoint_set=KeypointSet(...).to_dict(), or pass flip_test=False."
            )
        self._infer = infer or inference_function(model, frozen)
        if detector is None and (detect_class or min_box_score is not None):
            raise ValueError(
                "detect_class and min_box_score are of a detector's boxes. Received no"
                " detector."
            )
        if detector is not None:
            self._finder = PeopleFinder(detector, detect_class, min_box_score)
            self._read_boxes = graphs.fast(self._finder.boxes, IMAGES_SPEC)

    @property
    def finds_boxes(self) -> bool:
        """bool: whether a detector finds the people of images without boxes."""
        return self._read_boxes is not None

    @property
    def models(self) -> list[Any]:
        """list of all models whose variables the graphs hold."""
        more = [] if self._finder is None else [self._finder.detector.model]
        return [self.model, *more]

    @property
    def crop_spec(self) -> tf.TensorSpec:
        """`tf.TensorSpec` of the images that `crops` takes, of any batch size."""
        return tf.TensorSpec((None, *self.image_size, 3), tf.uint8, "images")

    @functools.cached_property
    def signatures(self) -> dict[str, Any]:
        """dict of `tf.function`: "serving_default" is `people`, "crops" is `crops`.

        With a detector "serving_default" is `photos`, "people" is `people`, and "boxes"
        finds people in images, see `PeopleFinder.boxes`.
        """
        image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
        boxes = tf.TensorSpec((None, None, 4), tf.float32, "boxes")
        people = graphs.signature(self.people, image_bytes, boxes)
        crops = graphs.signature(self.crops, self.crop_spec)
        if self._finder is None:
            return {"serving_default": people, "crops": crops}
        return {
            "serving_default": graphs.signature(self.photos, image_bytes),
            "people": people,
            "crops": crops,
            "boxes": graphs.signature(self._finder.boxes, IMAGES_SPEC),
        }

    @property
    def description(self) -> dict[str, Any]:
        """dict of json values, written beside the graph."""
        return {
            "task": self.task,
            "image_size": list(self.image_size),
            "num_keypoints": self.model.num_keypoints,
            **self.header,
            "flip_test": self.flip_test,
            "box_padding": BOX_PADDING,
            "heatmap_convention": self.codec.convention,
            **({} if self._finder is None else self._finder.description),
        }

    @property
    def header(self) -> dict[str, Any]:
        """dict of json values that all results have in common."""
        return {"keypoint_set": self.keypoint_set and self.keypoint_set.to_dict()}

    @property
    def assets(self) -> dict[str, Any]:
        """dict of further files: none."""
        return {}

    def crops(self, images: Tensor) -> dict[str, Tensor]:
        """Finds the keypoints of crops.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB, of the model's `image_size`.
        Returns:
            A dict of float32 tensors: "keypoints" `[B, K, 2]`, x, y in pixels of the
            crop; "scores" `[B, K]`, the peaks of the heatmaps; "heatmaps" `[B, H/4,
            W/4, K]` of the scale of the training targets.
        """
        heatmaps = self._heatmaps(images)
        cells, scores = self.codec.decode(heatmaps)
        keypoints = self.codec.to_crop(cells)
        return {"keypoints": keypoints, "scores": scores, "heatmaps": heatmaps}

    def locate(
        self, images: Tensor, centers: Tensor, sizes: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Finds the keypoints of crops in the images that they were cut out of.

        Args:
            images: uint8 tensor `[N, H, W, 3]`, RGB, of the model's `image_size`.
            centers, sizes: float32 tensors `[N, 2]`, the regions in image pixels.
        Returns:
            float32 tensors `[N, K, 2]`, x, y in pixels of the image, and `[N, K]`.
        """
        if isinstance(self.model, Exported):
            found = self._read_crops(images=images)
            cells, scores = self.codec.from_crop(found["keypoints"]), found["scores"]
        else:
            cells, scores = self.codec.decode(self._heatmaps(images))
        return self.codec.to_image(cells, centers, sizes), scores

    def people(self, image_bytes: Tensor, boxes: Tensor) -> dict[str, Tensor]:
        """Finds the keypoints of people in encoded images, of any sizes.

        Boxes without area, or with a number that is not finite or beyond a million
        pixels, are padding: they cost nothing and their keypoints and scores are zero.

        Args:
            image_bytes: string tensor `[B]`, JPEG or PNG files.
            boxes: float32 tensor `[B, N, 4]`, x, y, width, height in pixels.
        Returns:
            A dict of float32 tensors: "keypoints" `[B, N, K, 2]`, x, y in pixels of
            the image; "scores" `[B, N, K]`.
        """
        real = tf.reduce_all(boxes[..., 2:] > 0, -1)
        real &= tf.reduce_max(boxes[..., 2:], -1) >= MIN_BOX_SIDE
        # NaN is not less than anything.
        real &= tf.reduce_all(tf.abs(boxes) < MAX_BOX_COORDINATE, -1)
        places = tf.cast(tf.where(real), tf.int32)
        centers, sizes = self._regions(tf.gather_nd(boxes, places))
        matrices = self.codec.crop_matrix(centers, sizes, tf.zeros_like(sizes[:, 0]))
        crops = tf.map_fn(
            lambda args: decode_crop(image_bytes[args[0]], args[1], self.image_size),
            (places[:, 0], matrices),
            fn_output_signature=tf.TensorSpec((*self.image_size, 3), tf.uint8),
        )
        keypoints, scores = self.locate(crops, centers, sizes)
        shape = tf.concat([tf.shape(boxes)[:2], [self.model.num_keypoints]], 0)
        return {
            "keypoints": tf.scatter_nd(places, keypoints, tf.concat([shape, [2]], 0)),
            "scores": tf.scatter_nd(places, scores, shape),
        }

    def photos(self, image_bytes: Tensor) -> dict[str, Tensor]:
        """Finds people in encoded images, of any sizes, and their keypoints.

        Args:
            image_bytes: string tensor `[B]`, JPEG or PNG files.
        Returns:
            The dict of `people`, and float32 tensors "boxes" `[B, N, 4]`, x, y, width,
            height in pixels, the surest first, and "box_scores" `[B, N]`; all 0 where
            there are no more people.
        """
        assert self._finder is not None
        found = self._finder.files(image_bytes)
        return {**found, **self.people(image_bytes, found["boxes"])}

    def run(
        self,
        images: Sequence[np.ndarray],
        names: Sequence[str | None] | None = None,
        boxes: "Sequence[ArrayLike | None] | None" = None,
        box_scores: "Sequence[ArrayLike | None] | None" = None,
    ) -> list[Keypoints]:
        """Finds the keypoints of the people of several images, which run together.

        Args:
            images: list of uint8 arrays `[H, W, 3]`, RGB.
            names: list of the images' paths, or of None.
            boxes: list of array-likes `[N, 4]`, one box a person: x, y, width, height
                in pixels of the image; None for an image that is one person or, with
                a detector, whose people are to be found.
            box_scores: list of array-likes `[N]` or None, a detector's confidences;
                they count in the people's scores of `Keypoints.to_coco`. None: 1.
        Returns:
            list of `Keypoints`.
        Raises:
            ValueError: if a box does not lie in its image, or a score is not finite.
        """
        nothing = [None] * len(images)
        names = names or nothing
        if self.finds_boxes:
            boxes, box_scores = self._boxes_of(images, boxes, box_scores)
        checked = [
            checked_boxes(given, image.shape[1], image.shape[0], name or "the image")
            for given, image, name in zip(boxes or nothing, images, names, strict=True)
        ]
        counts = [len(people) for people in checked]
        scores = list(map(checked_scores, box_scores or nothing, counts))
        found = self._find_regions(tf.constant(np.concatenate(checked)))
        # Parts of arrays are had for nothing, those of tensors by an operation each.
        centers, sizes = map(np.asarray, found)
        owners = np.repeat(np.arange(len(images)), counts)
        pixels = list(map(tf.constant, images))
        points, peaks = [], []
        # At least once, so that no people give arrays of the right shapes.
        for start in range(0, max(len(owners), 1), _CROPS_AT_ONCE):
            part = slice(start, start + _CROPS_AT_ONCE)
            crops = self._cut(pixels, owners[part], centers[part], sizes[part])
            found = self._read_crops(images=crops)
            place = (centers[part], sizes[part])
            points.append(self._to_image(tf.constant(found["keypoints"]), *place))
            peaks.append(found["scores"])
        ends = np.cumsum(counts)[:-1]
        points = np.split(np.concatenate(points), ends)
        peaks = np.split(np.concatenate(peaks), ends)
        return [
            Keypoints(
                xy=points[i],
                scores=peaks[i],
                boxes=checked[i],
                box_scores=scores[i],
                image_path=names[i],
                keypoint_set=self.keypoint_set,
            )
            for i in range(len(images))
        ]

    def _boxes_of(self, images, boxes, box_scores):
        """Boxes and scores of all images, those that are not given the detector's."""
        boxes = list(boxes or [None] * len(images))
        box_scores = list(box_scores or [None] * len(images))
        for i, image in enumerate(images):
            if boxes[i] is None:
                found = self._read_boxes(images=tf.constant(image[None]))
                scores = np.asarray(found["box_scores"][0])
                boxes[i] = np.asarray(found["boxes"][0])[scores > 0]
                box_scores[i] = scores[scores > 0]
        return boxes, box_scores

    def _regions(self, boxes):
        """Centres and sizes `[N, 2]` of the regions that are cut out for boxes."""
        height, width = self.image_size
        return box_regions(boxes, width / height)

    def _heatmaps(self, images):
        """Runs the network on uint8 crops; merges mirrored ones if asked."""
        return graphs.run_some(self._heatmaps_of_some, images)

    def _outputs(self, images):
        """The network's heatmaps; of several the last ones."""
        found = self._infer(images)
        return found["main"] if isinstance(found, dict) else found

    def _heatmaps_of_some(self, images):
        if not self.flip_test:
            return self.codec.activate(self._outputs(images))
        mirrored = tf.reverse(images, [2])
        if tf.executing_eagerly():
            found = [self.codec.activate(self._outputs(x)) for x in (images, mirrored)]
        else:
            # A graph of one network is half as large as one of two.
            joined = self._outputs(tf.concat([images, mirrored], 0))
            found = tf.split(self.codec.activate(joined), 2)
        return self.codec.merge_flipped(*found, self.keypoint_set.flip_indices)

    @functools.cached_property
    def _read_crops(self):
        return graphs.fast(self.crops, self.crop_spec)

    @functools.cached_property
    def _find_regions(self):
        return graphs.fast(self._regions, tf.TensorSpec((None, 4), tf.float32))

    @functools.cached_property
    def _to_image(self):
        """Maps points `[N, K, 2]` of crops to their images."""

        def place(points, centers, sizes):
            return self.codec.to_image(self.codec.from_crop(points), centers, sizes)

        region = tf.TensorSpec((None, 2), tf.float32)
        points = tf.TensorSpec((None, None, 2), tf.float32)
        return graphs.signature(place, points, region, region)

    @functools.cached_property
    def _cut(self):
        return Cutter(self.codec, self.image_size)
