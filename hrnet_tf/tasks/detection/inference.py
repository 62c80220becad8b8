"""From images to objects: size, network, suppression, pixels of the image."""

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.detection import fitted_size
from hrnet_tf.data.object_sets import ObjectSet, model_object_set
from hrnet_tf.io import decode_image
from hrnet_tf.models.fcos import HRNetFCOS
from hrnet_tf.models.fixed_graphs import fixed_detect
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.base import NAMES_FILE
from hrnet_tf.tasks.detection.fixed_size import FixedSizeReader
from hrnet_tf.tasks.detection.pasting import mask_runs, paste_masks
from hrnet_tf.tasks.detection.result import Detections
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


# COCO's protocol: longer and shorter side, px.
LIMITS = (1333, 800)
# Images of one size that run together: a bound on the memory.
IMAGES_AT_ONCE = 4


class DetectionInference:
    """Finds objects in images; see `tasks.base.Inference`.

    `files` and `images` are graph code, on the TensorFlow backend.

    Args:
        model: `HRNetFasterRCNN`, `HRNetCascadeRCNN` or `HRNetFCOS`, with preprocessing;
            or `Exported`.
        limits: (longer, shorter), px: images run as large as fits within, keeping their
            shape. None: as fits into the model's `image_size`; (1333, 800) where it has
            none; or what was exported.
        score_threshold: float. Objects of a lower score are not returned; None for the
            model's own (0.05).
        max_detections: int, `N`, or None for the model's own (100).
        infer: function that takes and returns what the model's `detect` does; None for
            that.
        frozen: bool. Runs a model by one fixed graph for images of all sizes, see
            `fixed_detect`; not used for `Exported`.
    Attributes:
        object_set: `ObjectSet`; with numbers as names where the model has none.
        with_masks: bool.
    Raises:
        ValueError: if the model does not allow it.
    """

    per_image = ()
    built_in = ("limits", "score_threshold", "max_detections")

    def __init__(
        self,
        model: "HRNetModel | Exported",
        limits: tuple[int, int] | None = None,
        score_threshold: float | None = None,
        max_detections: int | None = None,
        infer: Callable[..., Any] | None = None,
        frozen: bool = False,
    ) -> None:
        self.model: Any = model
        if isinstance(model, Exported):
            graphs.check_as_exported(
                model,
                limits=None if limits is None else list(limits),
                score_threshold=score_threshold,
                max_detections=max_detections,
            )
            fields = model.description
            self.with_masks = fields["with_masks"]
            self.limits, self.score_threshold = (
                fields["limits"],
                fields["score_threshold"],
            )
            self.max_detections = fields["max_detections"]
            self._own = None
            if fields["object_set"] is not None:
                self._own = ObjectSet.from_dict(fields["object_set"])
            self.num_classes = fields["num_classes"]
            self._read: Any = model.signatures.get("images")
            if self._read is None:
                self._read = FixedSizeReader(model.signature("inputs"))
            return
        graphs.check_takes_pixels(model)
        detector: Any = model
        self.with_masks = detector.with_masks
        self.num_classes = detector.num_classes
        self.limits = _checked_limits(limits, detector)
        self.score_threshold = _given(score_threshold, detector.score_threshold)
        self.max_detections = _given(max_detections, detector.max_detections)
        self._own = model_object_set(model)
        if infer is None and frozen:
            infer = fixed_detect(model, constant_weights=False)
        self._detect = infer or detector.detect
        self._read = self._found

    @functools.cached_property
    def object_set(self) -> ObjectSet:
        names = tuple(str(i) for i in range(self.num_classes))
        return self._own or ObjectSet("unnamed", names)

    @functools.cached_property
    def signatures(self) -> dict[str, Any]:
        """dict of `tf.function`: "serving_default" is `files`, "images" is `images`.

        Those of an `HRNetFCOS` that is made for one size have "inputs" too, which is
        `inputs`.
        """
        image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
        made = {
            "serving_default": graphs.signature(self.files, image_bytes),
            "images": graphs.signature(self.images, self.images_spec),
        }
        shape = self.model.input_shape
        if isinstance(self.model, HRNetFCOS) and None not in shape[1:]:
            spec = tf.TensorSpec(shape, tf.uint8, "images")
            made["inputs"] = graphs.signature(self.inputs, spec)
        return made

    @property
    def images_spec(self) -> tf.TensorSpec:
        """`tf.TensorSpec` of the images that `images` takes, of any batch size."""
        return tf.TensorSpec((None, None, None, 3), tf.uint8, "images")

    @property
    def portable(self) -> str:
        """str, what files for other runtimes hold; ValueError if there are none."""
        if not isinstance(self.model, HRNetFCOS):
            raise ValueError(
                f"Of an {type(self.model).__name__} no files for other runtimes are"
                " made: regions are read from maps by operations that they lack."
                " Export it as a SavedModel, or train an HRNetFCOS."
            )
        if None in self.model.input_shape[1:]:
            raise ValueError(
                "Files for other runtimes take images of one size, but the model"
                f" {self.model.name!r} is made for any. Build it with image_size, such"
                " as (512, 640)."
            )
        return "inputs"

    @property
    def description(self) -> dict[str, Any]:
        """dict of json values, written beside the graph."""
        return {
            "task": "detection",
            "num_classes": self.num_classes,
            "object_set": self._own and self._own.to_dict(),
            "with_masks": self.with_masks,
            "limits": None if self.limits is None else list(self.limits),
            "score_threshold": self.score_threshold,
            "max_detections": self.max_detections,
        }

    @property
    def header(self) -> dict[str, Any]:
        """dict of json values that all results have in common."""
        return {"object_set": self.object_set.to_dict()}

    @property
    def assets(self) -> dict[str, Any]:
        """dict of a file's name to its text: the classes."""
        if self._own is None:
            return {}
        return {NAMES_FILE: "".join(f"{name}\n" for name in self._own.classes)}

    def files(self, image_bytes: Tensor) -> dict[str, Tensor]:
        """Finds objects in image files of any sizes, one after the other.

        Args:
            image_bytes: string tensor `[B]`, files that TensorFlow decodes.
        Returns:
            A dict: "boxes" float32 `[B, N, 4]`, left, top, right and bottom in pixels
            of the image; "scores" float32 `[B, N]`, the best first; "classes" int32
            `[B, N]`, -1 where there are no more; "num_detections" int32 `[B]`; "sizes"
            int32 `[B, 2]`, each image's height and width; and with masks "masks" uint8
            `[B, N, H, W]`, 0 or 1, smaller images filled up below and on the right.
        """
        count = self.max_detections
        specs = {
            "boxes": tf.TensorSpec((count, 4), tf.float32),
            "scores": tf.TensorSpec((count,), tf.float32),
            "classes": tf.TensorSpec((count,), tf.int32),
            "num_detections": tf.TensorSpec((), tf.int32),
            "sizes": tf.TensorSpec((2,), tf.int32),
        }
        if self.with_masks:
            specs["masks"] = tf.RaggedTensorSpec((count, None, None), tf.uint8, 2)

        def detect(encoded):
            image = decode_image(encoded)
            found = {k: x[0] for k, x in self._found(image[None]).items()}
            # Sizes as tf.shape gives them make TensorFlow warn in every process.
            size = tf.cast(tf.shape(image, tf.int64)[:2], tf.int32)
            if self.with_masks:
                drawn = paste_masks(found.pop("box_masks"), found["boxes"], size)
                drawn &= (tf.range(count) < found["num_detections"])[:, None, None]
                drawn = tf.cast(drawn, tf.uint8)
                found["masks"] = tf.RaggedTensor.from_tensor(drawn, ragged_rank=2)
            return {**found, "sizes": size}

        found = tf.map_fn(detect, image_bytes, fn_output_signature=specs)
        if self.with_masks:
            found["masks"] = found["masks"].to_tensor()
        return found

    def images(self, images: Tensor) -> dict[str, Tensor]:
        """Finds objects in images of one size.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
        Returns:
            The dict of `files`, without sizes; and with masks, in place of "masks",
            "box_masks" float32 `[B, N, 28, 28]`, 0..1, each over its own box.
        """
        return self._found(images)

    def inputs(self, images: Tensor) -> dict[str, Tensor]:
        """Finds objects in images of the model's own size.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
        Returns:
            The dict of `images`.
        """
        batch, height, width = tf.unstack(tf.shape(images)[:3])
        sizes = tf.tile(tf.cast([[height, width]], tf.float32), [batch, 1])
        return self._detect(images, sizes, self.score_threshold, self.max_detections)

    def run(
        self,
        images: Sequence[np.ndarray],
        names: Sequence[str | None] | None = None,
    ) -> list[Detections]:
        """Finds the objects of several images; those of one size run together.

        Args:
            images: list of uint8 arrays `[H, W, 3]`, RGB.
            names: list of the images' paths, or of None.
        Returns:
            list of `Detections`, in pixels of the images.
        Raises:
            ValueError: if images are too large for the memory.
        """
        names = names or [None] * len(images)
        results = []
        groups = itertools.groupby(
            zip(images, names, strict=True), key=lambda pair: pair[0].shape
        )
        for shape, group in groups:
            while part := list(itertools.islice(group, IMAGES_AT_ONCE)):
                pixels, paths = zip(*part, strict=True)
                found = self._run_some(np.stack(pixels))
                results += [
                    self._result(found, i, shape[:2], path)
                    for i, path in enumerate(paths)
                ]
        return results

    def _run_some(self, pixels):
        try:
            found = self._read(images=tf.constant(pixels))
        except tf.errors.ResourceExhaustedError as error:
            count, height, width = pixels.shape[:3]
            raise ValueError(
                f"{count} image(s) of {height}x{width} px need more memory than there"
                " is. Pass smaller `limits`, such as (1000, 600)."
            ) from error
        return {name: np.asarray(x) for name, x in found.items()}

    def _result(self, found, number, size, path):
        """The `Detections` of one of the images that ran together."""
        count = int(found["num_detections"][number])
        boxes = found["boxes"][number, :count]
        masks = None
        if self.with_masks:
            masks = mask_runs(found["box_masks"][number, :count], boxes, tuple(size))
        return Detections(
            boxes=boxes,
            scores=found["scores"][number, :count],
            classes=found["classes"][number, :count],
            object_set=self.object_set,
            masks=masks,
            image_path=path,
        )

    def _found(self, images):
        """Graph code of `images`."""
        batch, height, width = tf.unstack(tf.shape(images)[:3])
        stored = tf.stack([height, width])
        size = self._network_size(stored)
        # As training sees them, in whole numbers.
        views = tf.round(tf.image.resize(images, size))
        sizes = tf.tile(tf.cast(size, tf.float32)[None], [batch, 1])
        found = dict(
            self._detect(views, sizes, self.score_threshold, self.max_detections)
        )
        ratio = tf.cast(stored, tf.float32) / tf.cast(size, tf.float32)
        found["boxes"] *= tf.tile(ratio[::-1], [2])
        logits = found.pop("mask_logits", None)
        if logits is not None:
            found["box_masks"] = tf.sigmoid(logits)
        return found

    def _network_size(self, size):
        """(height, width) that an image of a size is resized to, int32 `[2]`."""
        if self.limits is not None:
            size = fitted_size(size, *self.limits)
        most = self.model.input_shape[1:3]
        if None in most:
            return size
        # With limits alone, which may be larger than the model is made for.
        scale = tf.reduce_min(tf.constant(most, tf.float32) / tf.cast(size, tf.float32))
        if self.limits is not None:
            scale = tf.minimum(scale, 1.0)
        fitted = tf.cast(tf.cast(size, tf.float32) * scale + 0.5, tf.int32)
        return tf.clip_by_value(fitted, 1, tf.constant(most, tf.int32))


def _checked_limits(limits, model):
    """The limits of the sizes that images run at; None for the model's own size."""
    if limits is None:
        return None if None not in model.input_shape[1:3] else LIMITS
    if len(limits) != 2 or not 1 <= limits[1] <= limits[0]:
        raise ValueError(
            "limits are (longer side, shorter side) in px, such as (1333, 800)."
            f" Received: limits={limits!r}."
        )
    return tuple(limits)


def _given(value, default):
    return default if value is None else value
