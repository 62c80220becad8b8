"""Lite-HRNet's head: the streams joined from the coarsest to the finest."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.lite.separable_norm import SeparableNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class IterativeHead(NormalizedLayer):
    """Adds each stream, brought to the next finer one's size and width, to that one.

    Args:
        widths: sequence of int. Channels of each stream, finest first.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, widths[i]]`.
        training: bool.
    Returns:
        A tensor `[B, H, W, widths[0]]`.
    Reference:
        Lite-HRNet, `IterativeHead`.
    """

    def __init__(self, widths: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widths = tuple(widths)
        # The official weights were trained so, other than the exchanges.
        self.resize = ResizeLike(
            "bilinear_align_corners", dtype=self.dtype_policy, name="resize"
        )
        outputs = (*self.widths[-2::-1], self.widths[0])
        for i, width in enumerate(outputs):
            name = f"project{i}"
            setattr(self, name, SeparableNorm(width, name=name, **self.unit_options))

    def build(self, input_shapes: Sequence[Shape]) -> None:
        for i, shape in enumerate(reversed(input_shapes)):
            getattr(self, f"project{i}").build(tuple(shape))
        self.built = True

    def call(self, inputs: Sequence[Tensor], training: bool | None = None) -> Tensor:
        total = None
        for i, x in enumerate(reversed(inputs)):
            if total is not None:
                x = x + self.resize((total, x))
            total = getattr(self, f"project{i}")(x, training=training)
        return total

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> Shape:
        return tuple(input_shapes[0])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "widths": self.widths}
