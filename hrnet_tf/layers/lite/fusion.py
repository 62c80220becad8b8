"""Lite-HRNet's exchange between streams, as its weights were trained."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.lite.separable_norm import SeparableNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class LiteFusion(NormalizedLayer):
    """As `FusionBlock`, with separable convolutions, and the finest stream twice.

    The official code adds the finest stream twice to every sum, and what the coarser
    streams get of it is the finest stream after its own exchange, before the ReLU: the
    published weights expect that. It also computes those terms twice, so that moving
    statistics of their normalisations take two steps at once; here they take one.

    Args:
        widths: sequence of int. Channels of each stream, finest first.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, widths[i]]`.
        training: bool.
    Returns:
        A list of tensors of the same shapes.
    Reference:
        arXiv 2104.06403; Lite-HRNet, `LiteHRModule`.
    """

    def __init__(self, widths: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widths = tuple(widths)
        self.resize = ResizeLike("nearest", dtype=self.dtype_policy, name="resize")
        for target in range(len(self.widths)):
            for source in range(len(self.widths)):
                for unit in self._make_units(target, source):
                    setattr(self, unit.name, unit)

    def _make_units(self, target, source):
        """Yields the convolutions that bring `source` to `target`."""
        width, options = self.widths[target], self.unit_options
        if source > target:
            name = f"up{source}to{target}_conv"
            yield ConvNorm(width, 1, activation=None, name=name, **options)
        for step in range(target - source):
            last = step == target - source - 1
            yield SeparableNorm(
                width if last else self.widths[source],
                strides=2,
                activation=None if last else "relu",
                name=f"down{source}to{target}_conv{step}",
                **options,
            )

    def _units(self, target, source):
        if source > target:
            return [getattr(self, f"up{source}to{target}_conv")]
        return [
            getattr(self, f"down{source}to{target}_conv{step}")
            for step in range(target - source)
        ]

    def build(self, input_shapes: Sequence[Shape]) -> None:
        for target in range(len(self.widths)):
            for source, shape in enumerate(input_shapes):
                shape = tuple(shape)
                for unit in self._units(target, source):
                    unit.build(shape)
                    shape = unit.compute_output_shape(shape)
        self.built = True

    def call(
        self, inputs: Sequence[Tensor], training: bool | None = None
    ) -> list[Tensor]:
        streams = list(inputs)
        outputs = []
        for target in range(len(self.widths)):
            total = None
            for source, x in enumerate(streams):
                for unit in self._units(target, source):
                    x = unit(x, training=training)
                if source > target:
                    x = self.resize((x, inputs[target]))
                if source == 0:
                    x = x + x
                total = x if total is None else total + x
            if target == 0:
                streams[0] = total
            outputs.append(keras.ops.relu(total))
        return outputs

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        return [tuple(shape) for shape in input_shapes]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "widths": self.widths}
