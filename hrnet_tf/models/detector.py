"""What all detectors share: the size of their input, and the form of their results."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.detection.convention import Convention, convention_of
from hrnet_tf.models.base import HRNetModel, check_count, check_names
from hrnet_tf.typing import Tensor

# The sides of what goes into the network are divisible by this.
DIVISOR = 32


class HRNetDetector(HRNetModel):
    """An HRNet that finds objects: dense outputs from a call, boxes from `detect`.

    Subclasses build the graph of the dense outputs, and say in `_find` what becomes of
    them.

    Attributes:
        num_classes: int. Foreground classes.
        convention: str, the name of a `Convention`.
        with_masks: bool. Whether `detect` gives masks.
        num_levels: int. Levels of the pyramid.
    """

    score_threshold = 0.05
    max_detections = 100
    with_masks = False
    num_levels = 5

    def __init__(
        self, inputs: Any, outputs: Any, arguments: dict[str, Any], name: str | None
    ) -> None:
        super().__init__(inputs, outputs, arguments, name)
        self.num_classes = arguments["num_classes"]
        self.convention = arguments["convention"]
        self._compiled_detect = _Compiled(self._detect)

    @property
    def rules(self) -> Convention:
        """`Convention` of the model's weights."""
        return convention_of(self.convention)

    def detect(
        self,
        images: Tensor,
        image_sizes: Tensor | None = None,
        score_threshold: float | None = None,
        max_detections: int | None = None,
    ) -> dict[str, Tensor]:
        """Finds the objects in images. Needs the TensorFlow backend.

        Images of any size are padded at the right and below until the network takes
        them, as they were in training; what lies beyond `image_sizes` is replaced by
        the same. From a `tf.function` it is part of its graph; from elsewhere it is
        compiled once for each size of images and number of detections, for batches of
        any number.

        Args:
            images: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
                `include_preprocessing=False`).
            image_sizes: `[B, 2]`, height and width of each image without what it was
                padded with before; None takes all of `images`.
            score_threshold: float. Detections of a larger score are returned; None
                takes the class's `score_threshold`.
            max_detections: int, N; None takes the class's `max_detections`.
        Returns:
            A dict of "boxes", float32 `[B, N, 4]`, corners x1, y1, x2, y2 in pixels of
            `images`; "scores", float32 `[B, N]`, the best first; "classes", int32
            `[B, N]`, -1 where there are no more; "num_detections", int32 `[B]`; and
            with masks "mask_logits", float32 `[B, N, 28, 28]`, of each box's own place
            and class.
        """
        import tensorflow as tf

        images = tf.convert_to_tensor(images)
        if image_sizes is None:
            image_sizes = tf.tile(tf.shape(images)[None, 1:3], [tf.shape(images)[0], 1])
        image_sizes = tf.cast(image_sizes, tf.float32)
        threshold = self.score_threshold if score_threshold is None else score_threshold
        count = self.max_detections if max_detections is None else max_detections
        check_count(max_detections=count)
        threshold = tf.convert_to_tensor(threshold, tf.float32)
        if not tf.executing_eagerly():
            return self._detect(images, image_sizes, threshold, count)
        return self._compiled_detect(images, image_sizes, threshold, count)

    def _detect(self, images, image_sizes, threshold, count):
        padded = self.pad_images(images, image_sizes)
        outputs = self(padded, training=False)
        found = self._find(outputs, image_sizes, threshold, count)
        # Where boxes end at their last pixel, the border is one further.
        ends = keras.ops.convert_to_tensor([0.0, 0.0] + [self.rules.extent] * 2)
        is_one = keras.ops.expand_dims(found["classes"] >= 0, -1)
        found["boxes"] += keras.ops.where(is_one, ends, 0.0)
        return found

    def _find(self, outputs, image_sizes, threshold, count):
        """The dict of `detect`, of dense outputs."""
        raise NotImplementedError

    def pad_images(self, images: Tensor, image_sizes: Tensor | None = None) -> Tensor:
        """Pads images at the right and below to sides that the network takes.

        Args:
            images: tensor `[B, H, W, 3]`, as for a call.
            image_sizes: `[B, 2]` or None. What lies beyond is replaced by padding too.
        Returns:
            float32 `[B, H', W', 3]`, of the next sides divisible by 32 that leave the
            coarsest level a cell, or of the model's `image_size`. Padding is zero once
            the network has normalised it.
        """
        import tensorflow as tf

        images = tf.cast(images, tf.float32)
        sides = images.shape[1:3]
        wanted = self.input_shape[1:3]
        margins = []
        for axis, (side, want) in enumerate(zip(sides, wanted, strict=True)):
            have = tf.shape(images)[axis + 1] if side is None else side
            if want is not None and side is not None and side > want:
                raise ValueError(
                    f"The images are larger than the model's image_size={wanted}."
                    f" Received: images of {tuple(sides)}. Shrink them, or build the"
                    " model with image_size=None."
                )
            goal = self._padded_side(have) if want is None else want
            margins.append((0, goal - have))
        # Pixels around the mean, so that zeros are what they become.
        mean = tf.constant(self._pixel_mean(), tf.float32)
        centred = images - mean
        if image_sizes is not None:
            centred = tf.where(_inside(images, image_sizes), centred, 0.0)
        return tf.pad(centred, [(0, 0), *margins, (0, 0)]) + mean

    def _padded_side(self, side):
        """The next side, an int or a tensor, that the network takes."""
        padded = -(-side // DIVISOR) * DIVISOR
        # The coarsest level has one cell at least.
        least = 4 * 2 ** (self.num_levels - 1)
        if isinstance(side, int):
            return max(padded, least)
        return keras.ops.maximum(padded, least)

    def _pixel_mean(self):
        """The pixel (RGB) that the network takes for zero."""
        if not self.arguments["include_preprocessing"]:
            return (0.0, 0.0, 0.0)
        mean = [255 * m for m in self.arguments["pixel_mean"]]
        return mean if self.arguments["channel_order"] == "rgb" else mean[::-1]

    def _parts(self):
        return [*super()._parts(), *self._heads()]

    def _heads(self):
        """Layers with weights that are no part of the graph of the dense outputs."""
        return []


class _Compiled:
    """A graph of `HRNetDetector._detect` for each size of images.

    It is not a dict, which Keras would look for weights in.
    """

    def __init__(self, function):
        self._function = function
        self._graphs = {}

    def __call__(self, images, image_sizes, threshold, count):
        import tensorflow as tf

        key = (tuple(images.shape[1:]), images.dtype, count)
        if key not in self._graphs:
            spec = tf.TensorSpec((None, *images.shape[1:]), images.dtype)
            sizes = tf.TensorSpec((None, 2), tf.float32)

            @tf.function(
                input_signature=[spec, sizes, tf.TensorSpec((), tf.float32)],
                autograph=False,
            )
            def graph(images, image_sizes, threshold):
                return self._function(images, image_sizes, threshold, count)

            self._graphs[key] = graph
        return self._graphs[key](images, image_sizes, threshold)


def _inside(images, image_sizes):
    """bool `[B, H, W, 1]`: whether pixels are the images' own."""
    import tensorflow as tf

    sizes = tf.cast(image_sizes, tf.float32)
    rows = tf.range(tf.shape(images)[1], dtype=tf.float32) < sizes[:, :1]
    columns = tf.range(tf.shape(images)[2], dtype=tf.float32) < sizes[:, 1:]
    return (rows[:, :, None] & columns[:, None])[..., None]


def check_detector(
    num_classes: int, convention: str, class_names: Sequence[str] | None
) -> tuple[str, ...] | None:
    """Returns the names of a detector's classes, its arguments checked.

    Args:
        num_classes: int.
        convention: str.
        class_names: sequence of str or None.
    Raises:
        ValueError: if one of them is out of its range.
    """
    check_count(num_classes=num_classes)
    convention_of(convention)
    class_names = None if class_names is None else tuple(class_names)
    check_names(num_classes, "class_names", class_names)
    return class_names


def as_detections(
    boxes: Tensor, scores: Tensor, classes: Tensor, valid: Tensor
) -> dict[str, Tensor]:
    """Returns the dict of `HRNetDetector.detect`, without masks.

    Args:
        boxes, scores, classes: `[B, N, 4]`, `[B, N]`, `[B, N]`.
        valid: bool `[B, N]`, False where there are no more.
    """
    ops = keras.ops
    return {
        "boxes": ops.where(valid[..., None], boxes, 0.0),
        "scores": ops.where(valid, scores, 0.0),
        "classes": ops.where(valid, ops.cast(classes, "int32"), -1),
        "num_detections": ops.sum(ops.cast(valid, "int32"), axis=1),
    }
