"""Lite-HRNet's module: light units on parallel streams, and an exchange."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.lite.channel_weighting import ConditionalChannelWeighting
from hrnet_tf.layers.lite.fusion import LiteFusion
from hrnet_tf.layers.lite.shuffle_unit import ShuffleUnit
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor

UNITS = ("weighting", "shuffle")


@keras.saving.register_keras_serializable(package="hrnet_tf")
class LiteModule(NormalizedLayer):
    """Parallel streams of light units followed by one exchange between them.

    Args:
        widths: sequence of int, even. Channels of each stream, finest first.
        num_blocks: int. Units of each stream.
        unit: "weighting" (Lite-HRNet) or "shuffle" (naive Lite-HRNet).
        reduction: int, of `CrossResolutionWeighting`.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, widths[i]]`.
        training: bool.
    Returns:
        A list of tensors of the same shapes.
    Reference:
        arXiv 2104.06403, section 3.
    """

    def __init__(
        self,
        widths: Sequence[int],
        num_blocks: int = 2,
        unit: str = "weighting",
        reduction: int = 8,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if unit not in UNITS:
            raise ValueError(f"unit must be one of {UNITS}. Received: unit={unit!r}.")
        self.widths = tuple(widths)
        self.num_blocks = num_blocks
        self.unit = unit
        self.reduction = reduction
        options = self.unit_options
        for k in range(num_blocks):
            if unit == "weighting":
                name = f"block{k}"
                block = ConditionalChannelWeighting(
                    self.widths, reduction, name=name, **options
                )
                setattr(self, name, block)
                continue
            for i in range(len(self.widths)):
                name = f"stream{i}_block{k}"
                setattr(self, name, ShuffleUnit(name=name, **options))
        self.fusion = LiteFusion(self.widths, name="fusion", **options)

    def build(self, input_shapes: Sequence[Shape]) -> None:
        shapes = [tuple(shape) for shape in input_shapes]
        for k in range(self.num_blocks):
            if self.unit == "weighting":
                getattr(self, f"block{k}").build(shapes)
                continue
            for i, shape in enumerate(shapes):
                getattr(self, f"stream{i}_block{k}").build(shape)
        self.fusion.build(shapes)
        self.built = True

    def call(
        self, inputs: Sequence[Tensor], training: bool | None = None
    ) -> list[Tensor]:
        streams = list(inputs)
        for k in range(self.num_blocks):
            if self.unit == "weighting":
                streams = getattr(self, f"block{k}")(streams, training=training)
                continue
            streams = [
                getattr(self, f"stream{i}_block{k}")(x, training=training)
                for i, x in enumerate(streams)
            ]
        return self.fusion(streams, training=training)

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        return [tuple(shape) for shape in input_shapes]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "widths": self.widths,
            "num_blocks": self.num_blocks,
            "unit": self.unit,
            "reduction": self.reduction,
        }
