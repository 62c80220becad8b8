"""Segmenters run with flips, scales and sliding windows, as the official tests do.

Known differences, none of which moves a score: images are resized in float32 and then
rounded, where OpenCV's whole numbers may be one grey level off; logits are averaged
with the mirrored ones before both are enlarged; exponents are cut at +-80.
"""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from hrnet_tf.data.label_sets import model_label_set
from hrnet_tf.models.base import IMAGENET_MEAN
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.segmentation.protocols import PROTOCOLS
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.segmentation.protocols import SegmentationProtocol


# The mean colour as OpenCV rounds it for padding.
_MEAN_COLOR = tuple(round(255 * mean) for mean in IMAGENET_MEAN)
# exp() of what lies beyond leaves float32.
_MAX_LOGIT = 80.0


class FusedSegmenter:
    """A segmenter with the rules of a test around it.

    Args:
        model: `HRNetSegmenter` or `HRNetOCRSegmenter`.
        protocol: `SegmentationProtocol`; None runs images whole at their own size.
        infer: function from images to outputs; None makes it from the model.
    Raises:
        ValueError: if the model is no segmenter, or the flip needs a label set that it
            lacks.
    """

    def __init__(
        self,
        model: "HRNetModel",
        protocol: "SegmentationProtocol | None" = None,
        infer: Callable[..., Any] | None = None,
    ) -> None:
        check_segmenter(model)
        self.model = model
        self.protocol = protocol or PROTOCOLS["whole"]
        self.align_corners = aligns_corners(model)
        self.flip_indices = flip_indices(model) if self.protocol.flip else None
        self._infer = infer or inference_function(model)

    def logits(self, images: Tensor) -> Tensor:
        """Runs images as they are.

        Args:
            images: tensor `[B, H, W, 3]`, RGB pixels 0..255.
        Returns:
            float32 tensor `[B, H, W, C]`, averaged with the mirrored images' if the
            protocol says so.
        """
        check_image_size(self.model, images.shape[1:3])
        return full_size_logits(
            self._infer,
            images,
            self.align_corners,
            self.flip_indices,
            self.protocol.pad_to_multiple if takes_any_size(self.model) else None,
        )

    def scores(self, images: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Fuses the scales of a batch of images.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
            size: (height, width) of the result; None takes the images'.
        Returns:
            float32 tensor `[B, height, width, C]`, positive: the sums over the scales
            of the logits' exponentials.
        """
        protocol = self.protocol
        size = tuple(size or images.shape[1:3])
        pixels, padding = _prepare(images, protocol)
        height, width = pixels.shape[1:3]
        total: Tensor = 0.0
        for scale in protocol.scales:
            scaled = _resize(
                pixels, scaled_size((height, width), scale, protocol.long_side)
            )
            if protocol.window is None or scale <= protocol.whole_up_to:
                found = self._exponentials(scaled)
            else:
                found = self._slide(scaled)
            total += _resize(found, (height, width), self.align_corners)
        if not protocol.keep_padding:
            total = total[:, : height - padding[0], : width - padding[1]]
        return _resize(total, size, self.align_corners)

    def labels(self, images: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Returns the classes, uint8 `[B, height, width]`; see `scores`.

        Raises:
            ValueError: if the network gives numbers that are not finite.
        """
        found = self._comparable(images, size)
        if not bool(tf.reduce_all(tf.math.is_finite(tf.reduce_max(found, -1)))):
            raise ValueError(
                f"The model {self.model.name!r} gives numbers that are not finite: its"
                " training diverged. Use an earlier checkpoint, or train with a lower"
                " learning rate."
            )
        return _classes(found)

    def predict(
        self, images: Tensor, size: tuple[int, int] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Returns the classes and how sure they are; arguments as `scores`.

        Returns:
            uint8 `[B, height, width]`, 0..C-1, and float32 `[B, height, width]`, the
            class's share of the sum of `scores`: at one scale its probability.
        """
        scores = self.scores(images, size)
        shares = tf.reduce_max(scores, -1) / tf.reduce_sum(scores, -1)
        return _classes(scores), shares

    def _comparable(self, images, size):
        """What is largest where `scores` is, without needless exponentials."""
        plain = dataclasses.replace(
            PROTOCOLS["whole"],
            flip=self.protocol.flip,
            pad_to_multiple=self.protocol.pad_to_multiple,
        )
        own_size = size is None or tuple(size) == tuple(images.shape[1:3])
        if self.protocol == plain and own_size:
            return self.logits(images)
        return self.scores(images, size)

    def _exponentials(self, images):
        return tf.exp(tf.clip_by_value(self.logits(images), -_MAX_LOGIT, _MAX_LOGIT))

    def _slide(self, images):
        """The mean over windows of the exponentials, `[B, H, W, C]`."""
        window, stride = self.protocol.window, self.protocol.stride
        shift = self.protocol.shift_windows
        height, width = images.shape[1:3]
        if not shift:
            images = _fill(images, window)
        sides = zip(images.shape[1:3], window, stride, strict=True)
        rows, columns = (spans(*side, shift) for side in sides)
        shape = (*images.shape[:3], self.model.num_classes)
        # A variable is added to in place.
        total = tf.Variable(tf.zeros(shape))
        for top, bottom in rows:
            for left, right in columns:
                crop = images[:, top:bottom, left:right]
                if not shift:
                    crop = _fill(crop, window)
                found = self._exponentials(crop)[:, : bottom - top, : right - left]
                part = total[:, top:bottom, left:right]
                part.assign(part + found)
        counts = _coverage(rows, shape[1])[:, None] * _coverage(columns, shape[2])
        mean = total / counts[..., None]
        return mean[:, :height, :width]


def check_segmenter(model: "HRNetModel") -> None:
    """Raises ValueError if a model does not segment images."""
    if "label_set" not in getattr(model, "arguments", {}):
        raise ValueError(
            "Expected an HRNetSegmenter or HRNetOCRSegmenter. Received:"
            f" {type(model).__name__}, which gives no map of classes."
        )
    graphs.check_takes_pixels(model)


def check_image_size(model: "HRNetModel", size: Any) -> None:
    """Raises ValueError if a model only takes images of another (height, width)."""
    expected = model.input_shape[1:3]
    pairs = zip(expected, size, strict=True)
    # In graphs sizes may not be known.
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(
            f"The model {model.name!r} takes images of {expected[0]}x{expected[1]} px"
            f" (height x width) only. Received: {size[0]}x{size[1]}. Rebuild it with"
            " `at_image_size`."
        )


def at_image_size(
    model: "HRNetModel", image_size: tuple[int, int] | None = None
) -> "HRNetModel":
    """Returns a segmenter for images of a size: itself, or rebuilt with its weights.

    Args:
        model: `HRNetSegmenter` or `HRNetOCRSegmenter`.
        image_size: (height, width), or None for any size.
    """
    if model.input_shape[1:3] == tuple(image_size or (None, None)):
        return model
    copy = type(model).from_config({**model.get_config(), "image_size": image_size})
    copy.set_weights(model.get_weights())
    return copy


def takes_any_size(model: "HRNetModel") -> bool:
    """Whether a model takes images of any size."""
    return all(side is None for side in model.input_shape[1:3])


def aligns_corners(model: "HRNetModel") -> bool:
    """Whether the maps of a model are resized with the corners' centres aligned."""
    return model.arguments["interpolation"] == "bilinear_align_corners"


def flip_indices(model: "HRNetModel") -> tuple[int, ...]:
    """Returns the classes in the order that they have in a mirrored image.

    Raises:
        ValueError: if the model does not say which classes are left and right.
    """
    label_set = model_label_set(model)
    if label_set is None:
        raise ValueError(
            "The flip test needs to know which classes are left and right, but the"
            f" model {model.name!r} has label_set=None. Build it with"
            " label_set=load_label_set(...).to_dict(), or pass flip=False."
        )
    return tuple(label_set.flip_indices)


def full_size_logits(
    infer: Callable[..., Any],
    images: Tensor,
    align_corners: bool,
    flip_indices: Sequence[int] | None = None,
    pad_to_multiple: int | None = None,
) -> Tensor:
    """Runs a segmenter and resizes its logits to the images; works in graphs.

    Args:
        infer: function from images to logits, or to a dict with the logits "main".
        images: tensor `[B, H, W, 3]`, RGB pixels 0..255.
        align_corners: bool, see `aligns_corners`.
        flip_indices: sequence of int, to average with the mirrored images' logits; or
            None.
        pad_to_multiple: int or None. The images are filled up below and on the right
            with black to sides divisible by it, and the logits cut again.
    Returns:
        float32 tensor `[B, H, W, C]`.
    """
    size = tf.shape(images)[1:3]
    if pad_to_multiple is not None:
        below = tf.math.floormod(-size, pad_to_multiple)
        images = tf.pad(images, [[0, 0], [0, below[0]], [0, below[1]], [0, 0]])
    logits = _main(infer(images))
    if flip_indices is not None:
        # The official code mirrors and averages the enlarged maps, which is the same.
        flipped = tf.reverse(_main(infer(tf.reverse(images, [2]))), [2])
        if tuple(flip_indices) != tuple(range(len(flip_indices))):
            flipped = tf.gather(flipped, flip_indices, axis=-1)
        logits = (logits + flipped) / 2
    logits = resize_maps(logits, tf.shape(images)[1:3], align_corners)
    return logits if pad_to_multiple is None else logits[:, : size[0], : size[1]]


def resize_maps(maps: Tensor, size: Any, align_corners: bool = False) -> Tensor:
    """Resizes maps `[B, h, w, C]` bilinearly, as PyTorch and OpenCV do.

    Args:
        maps: tensor `[B, h, w, C]`.
        size: (height, width) or int32 tensor `[2]`.
        align_corners: bool.
    Returns:
        float32 tensor `[B, height, width, C]`.
    """
    if align_corners:
        return tf.compat.v1.image.resize(maps, size, align_corners=True)
    return tf.image.resize(maps, size)


def scaled_size(
    size: tuple[int, int], scale: float, long_side: int | None = None
) -> tuple[int, int]:
    """Returns an image's (height, width) at a scale, rounded as officially.

    Args:
        size: (height, width) of the image.
        scale: float.
        long_side: int or None. The long side at scale 1; None keeps the image's.
    """
    height, width = size
    target = int((long_side or max(size)) * scale + 0.5)
    if height > width:
        return target, max(int(width * target / height + 0.5), 1)
    return max(int(height * target / width + 0.5), 1), target


def spans(length: int, window: int, stride: int, shift: bool) -> list[tuple[int, int]]:
    """Returns the official windows along one side.

    Args:
        length, window, stride: int, px.
        shift: bool. True moves the last window inside; False cuts it off.
    Returns:
        list of (start, stop).
    """
    count = max(math.ceil((length - window) / stride), 0) + 1
    stops = [min(i * stride + window, length) for i in range(count)]
    if shift:
        return [(max(stop - window, 0), stop) for stop in stops]
    return [(i * stride, stop) for i, stop in enumerate(stops)]


def _classes(scores):
    return tf.cast(tf.argmax(scores, -1), tf.uint8)


def _main(outputs):
    return outputs["main"] if isinstance(outputs, dict) else outputs


def _prepare(images, protocol):
    """Brings images to the test's own size; returns them and the padding (h, w)."""
    height, width = images.shape[1:3]
    if protocol.resize_to is not None:
        return _resize_pixels(images, protocol.resize_to), (0, 0)
    if protocol.short_side is None:
        return tf.cast(images, tf.float32), (0, 0)
    short = protocol.short_side
    if height < width:
        size = short, int(width * short / height + 0.5)
    else:
        size = int(height * short / width + 0.5), short
    padding = tuple(-side % 8 for side in size)
    filled = [side + more for side, more in zip(size, padding, strict=True)]
    resized = _resize_pixels(images, size) - _MEAN_COLOR
    return _fill(resized, filled) + _MEAN_COLOR, padding


def _resize_pixels(images, size):
    """Resizes uint8 images, and rounds as their files hold whole numbers."""
    return tf.round(_resize(tf.cast(images, tf.float32), size))


def _resize(maps, size, align_corners=False):
    if tuple(maps.shape[1:3]) == tuple(size):
        return maps
    return resize_maps(maps, size, align_corners)


def _fill(images, size):
    """Pads images with zeros below and on the right, up to at least a size."""
    bottom, right = (
        max(wanted - side, 0)
        for wanted, side in zip(size, images.shape[1:3], strict=True)
    )
    return tf.pad(images, [[0, 0], [0, bottom], [0, right], [0, 0]])


def _coverage(parts, length):
    """How many of the spans cover each pixel of a side, float32 `[length]`."""
    places = tf.range(length)
    covered = ((places >= start) & (places < stop) for start, stop in parts)
    counts = (tf.cast(inside, tf.float32) for inside in covered)
    return functools.reduce(tf.add, counts)
