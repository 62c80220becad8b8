"""Parallel streams: the high-resolution module, and the opening of a new stream."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.fusion import FusionBlock
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.layers.residual import BasicBlock
from hrnet_tf.typing import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HighResolutionModule(NormalizedLayer):
    """Parallel residual streams followed by one exchange between them.

    Args:
        widths: sequence of int. Channels of each stream, finest first.
        num_blocks: int. Residual blocks of each stream.
        num_outputs: int or None. How many of the finest streams the exchange
            makes; None means all.
        interpolation: see `ResizeLike`.
        momentum: float. Momentum of the batch normalisations.
        kernel_initializer: Keras initializer of the kernels.
        frozen_statistics: bool, of the batch normalisations; see `BatchNorm`.
        first_output: int, of the exchange; see `FusionBlock`.
        exchange: bool. False leaves the exchange out, as in the paper's ablation.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, widths[i]]`.
        training: bool.
    Returns:
        A list of tensors of the same shapes, as many as the exchange makes.
    Reference:
        arXiv 1908.07919, sections 3.1 and 3.2.
    """

    def __init__(
        self,
        widths: Sequence[int],
        num_blocks: int = 4,
        num_outputs: int | None = None,
        interpolation: str = "nearest",
        momentum: float = 0.9,
        kernel_initializer: Initializer = "he_normal",
        frozen_statistics: bool = False,
        first_output: int = 0,
        exchange: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum, kernel_initializer, frozen_statistics, **kwargs)
        self.widths = tuple(widths)
        self.num_blocks = num_blocks
        self.first_output = first_output
        self.exchange = exchange
        self.num_outputs = num_outputs or len(self.widths)
        self.interpolation = interpolation
        options = self.unit_options
        # Attributes, since Keras 3.12 saves no layers of nested lists.
        for i, width in enumerate(self.widths):
            for k in range(num_blocks):
                name = f"stream{i}_block{k}"
                setattr(self, name, BasicBlock(width, name=name, **options))
        self.fusion = None
        if exchange:
            self.fusion = FusionBlock(
                self.widths,
                num_outputs=self.num_outputs,
                interpolation=interpolation,
                first_output=first_output,
                name="fusion",
                **options,
            )

    def _streams(self):
        """The blocks of each stream."""
        return [
            [getattr(self, f"stream{i}_block{k}") for k in range(self.num_blocks)]
            for i in range(len(self.widths))
        ]

    def build(self, input_shapes: Sequence[Shape]) -> None:
        for blocks, shape in zip(self._streams(), input_shapes, strict=True):
            for block in blocks:
                block.build(tuple(shape))
        if self.fusion is not None:
            self.fusion.build(input_shapes)
        self.built = True

    def call(
        self, inputs: Sequence[Tensor], training: bool | None = None
    ) -> list[Tensor]:
        streams = []
        for blocks, x in zip(self._streams(), inputs, strict=True):
            for block in blocks:
                x = block(x, training=training)
            streams.append(x)
        if self.fusion is None:
            return streams
        return self.fusion(streams, training=training)

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        if self.fusion is None:
            return [tuple(shape) for shape in input_shapes]
        return self.fusion.compute_output_shape(input_shapes)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "widths": self.widths,
            "num_blocks": self.num_blocks,
            "num_outputs": self.num_outputs,
            "interpolation": self.interpolation,
            "first_output": self.first_output,
            "exchange": self.exchange,
        }


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Transition(NormalizedLayer):
    """Opens a stream: half the size and the next width, from the coarsest stream.

    A stream whose width changes (only the first transition's) gets a 3x3
    convolution; the others pass unchanged.

    Args:
        widths: sequence of int. Channels of each stream after the transition.
        momentum: float. Momentum of the batch normalisations.
        kernel_initializer: Keras initializer of the kernels.
        frozen_statistics: bool, of the batch normalisations; see `BatchNorm`.
    Call arguments:
        inputs: list of `len(widths) - 1` tensors `[B, H / 2**i, W / 2**i, C_i]`.
        training: bool.
    Returns:
        A list of `len(widths)` tensors `[B, H / 2**i, W / 2**i, widths[i]]`.
    Reference:
        arXiv 1908.07919, figure 2.
    """

    def __init__(
        self,
        widths: Sequence[int],
        momentum: float = 0.9,
        kernel_initializer: Initializer = "he_normal",
        frozen_statistics: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum, kernel_initializer, frozen_statistics, **kwargs)
        self.widths = tuple(widths)
        self.convs: list[str | None] = [None] * len(self.widths)

    def build(self, input_shapes: Sequence[Shape]) -> None:
        shapes = [tuple(shape) for shape in input_shapes]
        assert len(shapes) == len(self.widths) - 1, (shapes, self.widths)
        for i, width in enumerate(self.widths):
            opens = i == len(shapes)
            shape = shapes[-1] if opens else shapes[i]
            if not opens and shape[-1] == width:
                continue
            conv = ConvNorm(
                width,
                strides=2 if opens else 1,
                name=f"stream{i}_conv",
                **self.unit_options,
            )
            conv.build(shape)
            setattr(self, f"stream{i}_conv", conv)
            self.convs[i] = f"stream{i}_conv"
        self.built = True

    def call(
        self, inputs: Sequence[Tensor], training: bool | None = None
    ) -> list[Tensor]:
        outputs = []
        for i, name in enumerate(self.convs):
            x = inputs[min(i, len(inputs) - 1)]
            outputs.append(
                x if name is None else getattr(self, name)(x, training=training)
            )
        return outputs

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        shapes = [tuple(shape) for shape in input_shapes]
        batch, *sides, _ = shapes[-1]
        sides = [None if side is None else -(-side // 2) for side in sides]
        shapes.append((batch, *sides, None))
        return [
            (*shape[:-1], width)
            for shape, width in zip(shapes, self.widths, strict=True)
        ]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "widths": self.widths}
