"""Residual block whose normalisations come before its convolutions."""

from typing import Any

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class PreActivationBlock(NormalizedLayer):
    """1x1, 3x3 and 1x1 convolutions, each after a normalisation and a ReLU, and a sum.

    All convolutions have a bias. The shortcut is a 1x1 convolution where the number of
    channels changes.

    Args:
        filters: int, even. Number of output channels; within there are half as many.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool.
    Returns:
        A tensor `[B, H, W, filters]`.
    Reference:
        arXiv 1603.06937, figure 4; arXiv 1603.05027.
    """

    def __init__(self, filters: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.projection: Any = None

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        half = self.filters // 2
        for k, (inputs, outputs, kernel) in enumerate(
            ((channels, half, 1), (half, half, 3), (half, self.filters, 1)), start=1
        ):
            norm = BatchNorm(
                self.momentum,
                frozen_statistics=self.unit_options["frozen_statistics"],
                dtype=self.dtype_policy,
                name=f"norm{k}",
            )
            conv = self._conv(outputs, kernel, f"conv{k}")
            for layer in (norm, conv):
                layer.build((*input_shape[:-1], inputs))
            setattr(self, f"norm{k}", norm)
            setattr(self, f"conv{k}", conv)
        if channels != self.filters:
            self.projection = self._conv(self.filters, 1, "projection")
            self.projection.build(input_shape)
        self.built = True

    def _conv(self, filters, kernel, name):
        return Conv2D(
            filters,
            kernel,
            padding="same",
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = inputs
        for k in (1, 2, 3):
            x = getattr(self, f"norm{k}")(x, training=training)
            x = getattr(self, f"conv{k}")(keras.ops.relu(x))
        shortcut = inputs if self.projection is None else self.projection(inputs)
        return x + shortcut

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}
