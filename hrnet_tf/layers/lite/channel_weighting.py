"""Lite-HRNet's unit: weights in place of 1x1 convolutions."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.lite.cross_weighting import CrossResolutionWeighting
from hrnet_tf.layers.lite.depthwise_norm import DepthwiseNorm
from hrnet_tf.layers.lite.shuffle import halves, interleave
from hrnet_tf.layers.lite.spatial_weighting import SpatialWeighting
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class ConditionalChannelWeighting(NormalizedLayer):
    """Of all streams together: half of the channels is weighted, the rest passes.

    The second halves are weighted across resolutions, convolved depthwise, and weighted
    by their means; then the channels of the halves are shuffled.

    Args:
        widths: sequence of int, even. Channels of each stream, finest first.
        reduction: int, of `CrossResolutionWeighting`.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, widths[i]]`.
        training: bool.
    Returns:
        A list of tensors of the same shapes.
    Reference:
        arXiv 2104.06403, section 3.2, figure 1 (b).
    """

    def __init__(
        self, widths: Sequence[int], reduction: int = 8, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.widths = tuple(widths)
        self.reduction = reduction
        options = self.unit_options
        self.cross = CrossResolutionWeighting(
            [width // 2 for width in self.widths], reduction, name="cross", **options
        )
        for i in range(len(self.widths)):
            name = f"stream{i}_depthwise"
            setattr(self, name, DepthwiseNorm(name=name, **options))
            name = f"stream{i}_spatial"
            weighting = SpatialWeighting(
                kernel_initializer=self.kernel_initializer,
                dtype=self.dtype_policy,
                name=name,
            )
            setattr(self, name, weighting)

    def build(self, input_shapes: Sequence[Shape]) -> None:
        shapes: list[Shape] = [
            (*shape[:-1], width // 2)
            for shape, width in zip(input_shapes, self.widths, strict=True)
        ]
        self.cross.build(shapes)
        for i, shape in enumerate(shapes):
            getattr(self, f"stream{i}_depthwise").build(shape)
            getattr(self, f"stream{i}_spatial").build(shape)
        self.built = True

    def call(
        self, inputs: Sequence[Tensor], training: bool | None = None
    ) -> list[Tensor]:
        passing, weighted = zip(*map(halves, inputs), strict=True)
        outputs = []
        for i, x in enumerate(self.cross(list(weighted), training=training)):
            x = getattr(self, f"stream{i}_depthwise")(x, training=training)
            x = getattr(self, f"stream{i}_spatial")(x)
            outputs.append(interleave(passing[i], x))
        return outputs

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        return [tuple(shape) for shape in input_shapes]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "widths": self.widths,
            "reduction": self.reduction,
        }
