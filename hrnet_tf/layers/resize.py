"""Enlarging feature maps to the size of a finer stream."""

import keras

INTERPOLATIONS = ("nearest", "bilinear")


@keras.saving.register_keras_serializable(package="hrnet_tf")
class ResizeLike(keras.layers.Layer):
    """Resizes a feature map to the height and width of another one.

    Args:
        interpolation: "nearest" (pose, classification, detection) or "bilinear"
            (half-pixel centres: faces, segmentation).
    Call arguments:
        inputs: pair `(x, like)` shaped `[B, h, w, C]` and `[B, H, W, D]`.
    Returns:
        `x` resized to `[B, H, W, C]`, in the compute dtype.
    """

    def __init__(self, interpolation="nearest", **kwargs):
        super().__init__(**kwargs)
        if interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"interpolation must be one of {INTERPOLATIONS}."
                f" Received: interpolation={interpolation!r}."
            )
        self.interpolation = interpolation

    def call(self, inputs):
        x, like = inputs
        if keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            # keras.ops.image.resize cannot trace unknown heights and widths.
            resized = tf.image.resize(x, tf.shape(like)[1:3], self.interpolation)
            resized = tf.ensure_shape(
                resized, self.compute_output_shape((x.shape, like.shape))
            )
        else:
            size = keras.ops.shape(like)[1:3]
            resized = keras.ops.image.resize(x, size, self.interpolation)
        return keras.ops.cast(resized, self.compute_dtype)

    def compute_output_shape(self, input_shapes):
        x, like = (tuple(shape) for shape in input_shapes)
        return (*like[:3], x[3])

    def get_config(self):
        return {**super().get_config(), "interpolation": self.interpolation}
