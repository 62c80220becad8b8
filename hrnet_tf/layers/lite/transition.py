"""Opening a stream with separable convolutions."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.lite.separable_norm import SeparableNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class LiteTransition(NormalizedLayer):
    """As `Transition`, whose convolutions are separable here.

    Args:
        widths: sequence of int. Channels of each stream after the transition.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: list of `len(widths) - 1` tensors `[B, H / 2**i, W / 2**i, C_i]`.
        training: bool.
    Returns:
        A list of `len(widths)` tensors `[B, H / 2**i, W / 2**i, widths[i]]`.
    """

    def __init__(self, widths: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widths = tuple(widths)

    def build(self, input_shapes: Sequence[Shape]) -> None:
        shapes = [tuple(shape) for shape in input_shapes]
        assert len(shapes) == len(self.widths) - 1, (shapes, self.widths)
        for i, width in enumerate(self.widths):
            opens = i == len(shapes)
            shape = shapes[-1] if opens else shapes[i]
            if not opens and shape[-1] == width:
                continue
            name = f"stream{i}"
            unit = SeparableNorm(
                width, 2 if opens else 1, name=name, **self.unit_options
            )
            unit.build(shape)
            setattr(self, name, unit)
        self.built = True

    def call(
        self, inputs: Sequence[Tensor], training: bool | None = None
    ) -> list[Tensor]:
        outputs = []
        for i in range(len(self.widths)):
            x = inputs[min(i, len(inputs) - 1)]
            unit = getattr(self, f"stream{i}", None)
            outputs.append(x if unit is None else unit(x, training=training))
        return outputs

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        shapes = [tuple(shape) for shape in input_shapes]
        batch, *sides, _ = shapes[-1]
        sides = [None if side is None else -(-side // 2) for side in sides]
        shapes.append((batch, *sides, 0))
        return [
            (*shape[:-1], width)
            for shape, width in zip(shapes, self.widths, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "widths": self.widths}
