"""HRNetV2's representation: all streams, at the finest one's size."""

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.resize import ResizeLike


@keras.saving.register_keras_serializable(package="hrnet_tf")
class StreamMixer(keras.layers.Layer):
    """Upsamples all streams to the finest, concatenates and mixes them.

    The mixing is a 1x1 convolution with bias, batch normalisation and ReLU, which
    keeps the number of channels.

    Args:
        momentum: float. Momentum of the batch normalisation.
        interpolation: see `ResizeLike`.
        kernel_initializer: Keras initializer of the kernel.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, C_i]`, finest first.
        training: bool.
    Returns:
        A tensor `[B, H, W, sum(C_i)]`.
    Reference:
        arXiv 1908.07919, section 3.3, figure 4 (b).
    """

    def __init__(
        self,
        momentum=0.9,
        interpolation="bilinear",
        kernel_initializer="he_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.interpolation = interpolation
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.resize = ResizeLike(interpolation, dtype=self.dtype_policy, name="resize")
        self.norm = BatchNorm(momentum=momentum, dtype=self.dtype_policy, name="norm")

    def build(self, input_shapes):
        shape = self.compute_output_shape(input_shapes)
        self.conv = keras.layers.Conv2D(
            shape[-1],
            1,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name="conv",
        )
        self.conv.build(shape)
        self.norm.build(shape)
        self.built = True

    def call(self, inputs, training=None):
        finest = inputs[0]
        resized = [self.resize((x, finest)) for x in inputs[1:]]
        x = self.conv(keras.ops.concatenate([finest, *resized], axis=-1))
        return keras.ops.relu(self.norm(x, training=training))

    def compute_output_shape(self, input_shapes):
        shapes = [tuple(shape) for shape in input_shapes]
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "interpolation": self.interpolation,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
