"""Enlarging feature maps to the size of a finer stream."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.typing import Shape, Tensor

INTERPOLATIONS = ("nearest", "bilinear", "bilinear_align_corners")


@keras.saving.register_keras_serializable(package="hrnet_tf")
class ResizeLike(keras.layers.Layer):
    """Resizes a feature map to the height and width of another one.

    Args:
        interpolation: "nearest" (pose, classification, detection), "bilinear"
            (half-pixel centres: faces, segmentation) or "bilinear_align_corners"
            (the corners' centres coincide: object-contextual segmentation).
    Call arguments:
        inputs: pair `(x, like)` shaped `[B, h, w, C]` and `[B, H, W, D]`.
    Returns:
        `x` resized to `[B, H, W, C]`, in the compute dtype.
    """

    def __init__(self, interpolation: str = "nearest", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"interpolation must be one of {INTERPOLATIONS}."
                f" Received: interpolation={interpolation!r}."
            )
        self.interpolation = interpolation

    def build(self, input_shapes: Sequence[Shape]) -> None:
        if self.interpolation == "nearest" and keras.backend.backend() == "tensorflow":
            # The gradient of what is left to TensorFlow has no XLA kernel.
            self.supports_jit = _are_known(*input_shapes)
        self.built = True

    def call(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        x, like = inputs
        if self.interpolation == "nearest":
            _check_divisible(x.shape[1:3], like.shape[1:3])
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            # keras.ops.image.resize cannot trace unknown heights and widths.
            size = tf.shape(like)[1:3]
            if self.interpolation == "bilinear_align_corners":
                resized = tf.compat.v1.image.resize(x, size, align_corners=True)
            elif self.interpolation == "nearest" and _are_known(x.shape, like.shape):
                resized = _repeated(x, like.shape[1:3])
            else:
                resized = tf.image.resize(x, size, self.interpolation)
            resized = tf.ensure_shape(
                resized, self.compute_output_shape((x.shape, like.shape))
            )
        else:
            size = keras.ops.shape(like)[1:3]
            if self.interpolation == "bilinear_align_corners":
                resized = _align_corners(_align_corners(x, 1, size[0]), 2, size[1])
            else:
                resized = keras.ops.image.resize(x, size, self.interpolation)
        return keras.ops.cast(resized, self.compute_dtype)

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> Shape:
        x, like = (tuple(shape) for shape in input_shapes)
        return (*like[:3], x[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}


def _are_known(*shapes):
    """Whether all heights and widths are."""
    return all(side is not None for shape in shapes for side in shape[1:3])


def _check_divisible(size, target):
    """Raises ValueError where repeating cells cannot fill the target."""
    if any(a and b and b % a for a, b in zip(size, target, strict=True)):
        raise ValueError(
            "Nearest fusion needs images with sides divisible by 32. Received maps of"
            f" {tuple(size)} cells to be enlarged to {tuple(target)}. Pad the image, or"
            " use a network with interpolation='bilinear'."
        )


def _repeated(x, size):
    """Repeats cells until they fill a size.

    TensorFlow's own gradient is bit for bit this one in float32, has no XLA kernel, and
    sums in half precision.
    """
    import tensorflow as tf

    cell = [to // of for of, to in zip(x.shape[1:3], size, strict=True)]

    @tf.custom_gradient
    def repeat(x):
        def gradient(upstream):
            # In half precision some releases of TensorFlow sum in it.
            is_half = upstream.dtype.size == 2
            wide = tf.cast(upstream, tf.float32) if is_half else upstream
            found = tf.nn.avg_pool2d(wide, cell, cell, "VALID") * (cell[0] * cell[1])
            return tf.cast(found, upstream.dtype)

        return tf.image.resize(x, size, "nearest"), gradient

    return repeat(x)


def _align_corners(x, axis, size):
    """Resizes one axis linearly; first and last samples stay where they are."""
    ops = keras.ops
    last = x.shape[axis] - 1
    places = ops.arange(size, dtype="float32") * (last / max(size - 1, 1))
    lower = ops.minimum(ops.cast(ops.floor(places), "int32"), last)
    upper = ops.minimum(lower + 1, last)
    shape = [-1 if a == axis else 1 for a in range(len(x.shape))]
    share = ops.reshape(places - ops.cast(lower, "float32"), shape)
    x = ops.cast(x, "float32")
    return ops.take(x, lower, axis) * (1 - share) + ops.take(x, upper, axis) * share
