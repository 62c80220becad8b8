"""HRNetV2p's neck: a feature pyramid from the mixed streams."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.layers.representation import StreamConcatenation
from hrnet_tf.typing import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HighResolutionPyramid(keras.layers.Layer):
    """Reduces the concatenated streams, then averages them down to each level.

    No normalisation and no activation follows any of its convolutions.

    Args:
        filters: int. Channels of every level.
        num_levels: int. Number of levels.
        strides: int. Strides of the levels' convolutions: 1, or 2 for levels of half
            the size, as one-stage detectors have them.
        kernel_initializer: Keras initializer of the kernels.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, C_i]`, finest first.
    Returns:
        A list of `num_levels` tensors `[B, H / 2**i, W / 2**i, filters]`, rounded down;
        with a stride of 2 the half of that, rounded up.
    Reference:
        arXiv 1908.07919, section 3.3, figure 4 (c); HRNet-Object-Detection, HRFPN.
    """

    def __init__(
        self,
        filters: int = 256,
        num_levels: int = 5,
        kernel_initializer: Initializer = "he_normal",
        strides: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.num_levels = num_levels
        self.strides = strides
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.concatenation = StreamConcatenation(
            dtype=self.dtype_policy, name="concatenation"
        )
        self.reduce = self._conv(1, "reduce")
        self.levels = [self._conv(3, f"level{i}", strides) for i in range(num_levels)]

    def _conv(self, kernel_size, name, strides=1):
        return Conv2D(
            self.filters,
            kernel_size,
            strides,
            # Of a strided convolution Keras' own padding would shift the map.
            padding="same" if strides == 1 else "valid",
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shapes: Sequence[Shape]) -> None:
        self.reduce.build(self.concatenation.compute_output_shape(input_shapes))
        batch, *sides, _ = input_shapes[0]
        for i, conv in enumerate(self.levels):
            pooled = [None if s is None else s // 2**i + 2 for s in sides]
            conv.build((batch, *pooled, self.filters))
        self.built = True

    def call(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        finest = self.reduce(self.concatenation(inputs))
        pooled = [
            keras.ops.average_pool(finest, 2**i, 2**i) if i else finest
            for i in range(self.num_levels)
        ]
        if self.strides > 1:
            margin = ((0, 0), (1, 1), (1, 1), (0, 0))
            pooled = [keras.ops.pad(x, margin) for x in pooled]
        return [conv(x) for conv, x in zip(self.levels, pooled, strict=True)]

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        batch, *sides, _ = input_shapes[0]
        found: list[Shape] = []
        for i in range(self.num_levels):
            pooled = [None if s is None else s // 2**i for s in sides]
            strided = [None if s is None else -(-s // self.strides) for s in pooled]
            found.append((batch, *strided, self.filters))
        return found

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "num_levels": self.num_levels,
            "strides": self.strides,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
