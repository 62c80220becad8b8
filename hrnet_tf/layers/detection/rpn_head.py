"""The head that proposes regions."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.layers.detection.anchors import RATIOS
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class RegionProposalHead(keras.layers.Layer):
    """Scores anchors and moves them, with the same weights at each level.

    Args:
        filters: int. Channels between its convolutions.
        num_anchors: int. Anchors of each cell.
    Call arguments:
        inputs: list of tensors `[B, h, w, C]`, the levels of a pyramid.
    Returns:
        A list of logits, float32 `[B, h, w, num_anchors]`, and a list of deltas,
        float32 `[B, h, w, 4 * num_anchors]`, four of an anchor together.
    Reference:
        arXiv 1506.01497.
    """

    def __init__(
        self, filters: int = 256, num_anchors: int = len(RATIOS), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.num_anchors = num_anchors
        self.conv = Conv2D(
            filters,
            3,
            padding="same",
            kernel_initializer=_initializer(),
            dtype=self.dtype_policy,
            name="conv",
        )
        self.scores = self._output(num_anchors, "scores")
        self.deltas = self._output(4 * num_anchors, "deltas")

    def _output(self, filters, name):
        return Conv2D(
            filters,
            1,
            kernel_initializer=_initializer(),
            dtype="float32",
            name=name,
        )

    def build(self, input_shapes: Sequence[Shape]) -> None:
        shape = input_shapes[0]
        self.conv.build(shape)
        for output in (self.scores, self.deltas):
            output.build((*shape[:-1], self.filters))
        self.built = True

    def call(self, inputs: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        features = [keras.ops.relu(self.conv(x)) for x in inputs]
        return [self.scores(x) for x in features], [self.deltas(x) for x in features]

    def compute_output_shape(
        self, input_shapes: Sequence[Shape]
    ) -> tuple[list[Shape], list[Shape]]:
        return (
            [(*shape[:-1], self.num_anchors) for shape in input_shapes],
            [(*shape[:-1], 4 * self.num_anchors) for shape in input_shapes],
        )

    def compute_output_spec(self, inputs: Any) -> Any:
        # Whatever the policy computes in, heads give float32.
        shapes = self.compute_output_shape([x.shape for x in inputs])
        return tuple(
            [keras.KerasTensor(shape, dtype="float32") for shape in part]
            for part in shapes
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "num_anchors": self.num_anchors,
        }


def _initializer():
    return keras.initializers.RandomNormal(stddev=0.01)
