"""The exchange unit: every stream receives all the others."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.typing import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class FusionBlock(NormalizedLayer):
    """Repeated multi-resolution fusion of parallel streams.

    Output `i` is the ReLU of the sum over all inputs `j` brought to its size and
    width: unchanged (`j == i`), 1x1 convolution and upsampling (`j > i`), or a
    chain of `i - j` strided 3x3 convolutions (`j < i`).

    Args:
        widths: sequence of int. Channels of each stream, finest first.
        num_outputs: int or None. How many of the finest streams are made; None
            means all. Pose networks end with one.
        first_output: int. The finest stream that is made; 0 is the finest one there is.
        interpolation: see `ResizeLike`.
        momentum: float. Momentum of the batch normalisations.
        kernel_initializer: Keras initializer of the kernels.
        frozen_statistics: bool, of the batch normalisations; see `BatchNorm`.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, widths[i]]`.
        training: bool.
    Returns:
        A list of tensors of the same shapes: those of the streams `first_output` to
        `num_outputs - 1`.
    Reference:
        arXiv 1908.07919, section 3.2, equation 1.
    """

    def __init__(
        self,
        widths: Sequence[int],
        num_outputs: int | None = None,
        interpolation: str = "nearest",
        momentum: float = 0.9,
        kernel_initializer: Initializer = "he_normal",
        frozen_statistics: bool = False,
        first_output: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum, kernel_initializer, frozen_statistics, **kwargs)
        self.widths = tuple(widths)
        self.num_outputs = num_outputs or len(self.widths)
        self.first_output = first_output
        self.interpolation = interpolation
        self.resize = ResizeLike(interpolation, dtype=self.dtype_policy, name="resize")
        # Names of the units by "target_source": attributes keep paths readable, and
        # exports refuse keys that are no strings.
        self._units: dict[str, list[str]] = {}
        for target in range(first_output, self.num_outputs):
            for source in range(len(self.widths)):
                for name, unit in self._make_units(target, source):
                    setattr(self, name, unit)
                    self._units.setdefault(f"{target}_{source}", []).append(name)

    def _make_units(self, target, source):
        """Yields the named convolutions that bring `source` to `target`."""
        options = self.unit_options
        if source > target:
            name = f"up{source}to{target}_conv"
            yield (
                name,
                ConvNorm(self.widths[target], 1, activation=None, name=name, **options),
            )
        for step in range(target - source):
            last = step == target - source - 1
            name = f"down{source}to{target}_conv{step}"
            yield (
                name,
                ConvNorm(
                    self.widths[target if last else source],
                    3,
                    strides=2,
                    activation=None if last else "relu",
                    name=name,
                    **options,
                ),
            )

    def build(self, input_shapes: Sequence[Shape]) -> None:
        for key, names in self._units.items():
            shape = tuple(input_shapes[int(key.split("_")[1])])
            for name in names:
                unit = getattr(self, name)
                unit.build(shape)
                shape = unit.compute_output_shape(shape)
        self.built = True

    def call(
        self, inputs: Sequence[Tensor], training: bool | None = None
    ) -> list[Tensor]:
        return [
            keras.ops.relu(self._fuse(inputs, target, training))
            for target in range(self.first_output, self.num_outputs)
        ]

    def _fuse(self, inputs, target, training):
        total = None
        for source, x in enumerate(inputs):
            for name in self._units.get(f"{target}_{source}", ()):
                x = getattr(self, name)(x, training=training)
            if source > target:
                x = self.resize((x, inputs[target]))
            total = x if total is None else total + x
        return total

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        made = slice(self.first_output, self.num_outputs)
        return [tuple(shape) for shape in input_shapes[made]]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "widths": self.widths,
            "num_outputs": self.num_outputs,
            "interpolation": self.interpolation,
            "first_output": self.first_output,
        }
