"""Residual blocks of the streams (BasicBlock) and of the first stage (Bottleneck)."""

from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.normalized import NormalizedLayer


class _ResidualBlock(NormalizedLayer):
    """`relu(convolutions(x) + shortcut(x))`; subclasses say which convolutions."""

    expansion = 1

    def __init__(
        self,
        filters,
        strides=1,
        momentum=0.9,
        kernel_initializer="he_normal",
        frozen_statistics=False,
        **kwargs,
    ):
        super().__init__(momentum, kernel_initializer, frozen_statistics, **kwargs)
        self.filters = filters
        self.strides = strides
        self.projection = None

    @property
    def out_filters(self):
        return self.filters * self.expansion

    def build(self, input_shape):
        if self.strides != 1 or input_shape[-1] != self.out_filters:
            self.projection = ConvNorm(
                self.out_filters,
                1,
                self.strides,
                activation=None,
                name="projection",
                **self.unit_options,
            )
            self.projection.build(input_shape)
        shape = input_shape
        for unit in self.units():
            unit.build(shape)
            shape = unit.compute_output_shape(shape)
        self.built = True

    def call(self, inputs, training=None):
        x = inputs
        for unit in self.units():
            x = unit(x, training=training)
        shortcut = inputs
        if self.projection is not None:
            shortcut = self.projection(inputs, training=training)
        return keras.ops.relu(x + shortcut)

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        sides = [None if side is None else -(-side // self.strides) for side in sides]
        return (batch, *sides, self.out_filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
        }


@keras.saving.register_keras_serializable(package="hrnet_tf")
class BasicBlock(_ResidualBlock):
    """Two 3x3 convolutions with a shortcut: the unit of every parallel stream.

    Args:
        filters: int. Number of output channels.
        strides: int. Stride of the first convolution and of the projection.
        momentum: float. Momentum of the batch normalisations.
        kernel_initializer: Keras initializer of the kernels.
        frozen_statistics: bool, of the batch normalisations; see `BatchNorm`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`; a 1x1 projection is added if `C != filters` or
            the block is strided.
        training: bool.
    Returns:
        A tensor `[B, ceil(H / strides), ceil(W / strides), filters]`.
    Reference:
        arXiv 1908.07919, section 3.1.
    """

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(filters, **kwargs)
        options = self.unit_options
        self.conv1 = ConvNorm(filters, 3, self.strides, name="conv1", **options)
        self.conv2 = ConvNorm(filters, activation=None, name="conv2", **options)

    def units(self) -> tuple[ConvNorm, ...]:
        return self.conv1, self.conv2


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Bottleneck(_ResidualBlock):
    """1x1, 3x3 and 1x1 convolutions with a shortcut: the unit of the first stage.

    Args:
        filters: int. Width of the 3x3 convolution; the output has four times it.
        strides: int. Stride of the 3x3 convolution and of the projection.
        momentum: float. Momentum of the batch normalisations.
        kernel_initializer: Keras initializer of the kernels.
        frozen_statistics: bool, of the batch normalisations; see `BatchNorm`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool.
    Returns:
        A tensor `[B, ceil(H / strides), ceil(W / strides), 4 * filters]`.
    Reference:
        arXiv 1908.07919, section 3.1.
    """

    expansion = 4

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(filters, **kwargs)
        options = self.unit_options
        self.conv1 = ConvNorm(filters, 1, name="conv1", **options)
        self.conv2 = ConvNorm(filters, 3, self.strides, name="conv2", **options)
        self.conv3 = ConvNorm(4 * filters, 1, activation=None, name="conv3", **options)

    def units(self) -> tuple[ConvNorm, ...]:
        return self.conv1, self.conv2, self.conv3
