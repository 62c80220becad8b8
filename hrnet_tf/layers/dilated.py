"""Dilated convolution, batch normalisation and optional ReLU."""

from typing import Any

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class DilatedConvNorm(NormalizedLayer):
    """A 3x3 convolution without a bias whose taps lie apart, normalised.

    Args:
        filters: int. Number of output channels.
        dilation: int. How far its taps lie apart.
        activation: "relu" or None. Applied after the normalisation.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool.
    Returns:
        A tensor `[B, H, W, filters]`.
    """

    def __init__(
        self,
        filters: int,
        dilation: int = 2,
        activation: str | None = "relu",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.dilation = dilation
        self.activation = activation
        self.conv = keras.layers.Conv2D(
            filters,
            3,
            padding="same",
            dilation_rate=dilation,
            use_bias=False,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name="conv",
        )
        self.norm = BatchNorm(
            self.momentum,
            frozen_statistics=self.unit_options["frozen_statistics"],
            dtype=self.dtype_policy,
            name="norm",
        )

    def build(self, input_shape: Shape) -> None:
        self.conv.build(input_shape)
        self.norm.build((*input_shape[:-1], self.filters))
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = self.norm(self.conv(inputs), training=training)
        return keras.ops.relu(x) if self.activation == "relu" else x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "dilation": self.dilation,
            "activation": self.activation,
        }
