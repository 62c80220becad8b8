"""The High-Resolution Network's body, shared by every task."""

from collections.abc import Sequence

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.parallel import HighResolutionModule, Transition
from hrnet_tf.layers.residual import Bottleneck
from hrnet_tf.models.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    OFFICIAL_INITIALIZER,
    HRNetModel,
    check_size,
    normalize,
)
from hrnet_tf.typing import DType, Initializer

EXCHANGES = ("all", "across_stages", "final")


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetBackbone(HRNetModel):
    """HRNet without a head: four parallel streams of strides 4, 8, 16 and 32.

    Args:
        width: int. Channels of the finest stream; stream i has `width * 2**i`.
        num_modules: three ints. High-resolution modules of stages 2, 3 and 4.
        num_blocks: int. Residual blocks of each stream in each module.
        stem_width: int. Channels of the two strided convolutions.
        stage1_width: int. Width of the first stage's bottlenecks.
        stage1_blocks: int. Number of the first stage's bottlenecks.
        image_size: (height, width) or None for any size.
        num_outputs: int. How many of the finest streams the last fusion makes.
        first_output: int. The finest stream that the last fusion makes; 0 is "P2".
        exchanges: "all", "across_stages" (only at the end of each stage) or "final"
            (only at the end), as in the paper's ablation.
        interpolation: "nearest", "bilinear" or "bilinear_align_corners". Upsampling
            inside the fusions; it belongs to the weights.
        momentum: float. Momentum of the batch normalisations (Keras convention).
        kernel_initializer: Keras initializer of all kernels; the default is the
            official one, normal with a standard deviation of 0.001.
        include_preprocessing: bool. True takes RGB pixels 0..255 and normalises
            inside; False takes normalised input.
        channel_order: "rgb" or "bgr": the order that the weights were trained with.
            The model takes RGB either way.
        pixel_mean, pixel_std: three floats in that order, of pixels / 255.
        frozen_statistics: bool. True keeps the moving statistics of all batch
            normalisations of the body as they are and normalises by them in training,
            as the official detectors do; scale and offset still learn, and so do the
            statistics of a head.
        dtype: Keras dtype policy or its name; None takes the global one.
        name: str. Name of the model.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`.
        training: bool.
    Returns:
        A dict of tensors: "P2" `[B, H/4, W/4, width]`, "P3" `[B, H/8, W/8,
        2 * width]`, "P4", "P5"; the `num_outputs` finest of them, from `first_output`
        on.
    Raises:
        ValueError: if `image_size` does not suit the interpolation, or another
            argument is out of its range.
    Reference:
        arXiv 1908.07919, section 3.
    """

    def __init__(
        self,
        width: int = 32,
        num_modules: Sequence[int] = (1, 4, 3),
        num_blocks: int = 4,
        stem_width: int = 64,
        stage1_width: int = 64,
        stage1_blocks: int = 4,
        image_size: tuple[int, int] | None = None,
        num_outputs: int = 4,
        first_output: int = 0,
        exchanges: str = "all",
        interpolation: str = "nearest",
        momentum: float = 0.9,
        kernel_initializer: Initializer = OFFICIAL_INITIALIZER,
        include_preprocessing: bool = True,
        channel_order: str = "rgb",
        pixel_mean: Sequence[float] = IMAGENET_MEAN,
        pixel_std: Sequence[float] = IMAGENET_STD,
        frozen_statistics: bool = False,
        dtype: DType | None = None,
        name: str = "hrnet_backbone",
    ) -> None:
        size = check_size(image_size, interpolation)
        _check_outputs(num_modules, num_outputs, first_output, exchanges)
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        initializer = keras.initializers.get(kernel_initializer)
        unit = {
            "momentum": momentum,
            "kernel_initializer": initializer,
            "frozen_statistics": frozen_statistics,
            "dtype": dtype,
        }
        inputs = keras.Input((*size, 3), dtype="float32", name="image")
        x = inputs
        if include_preprocessing:
            x = normalize(x, channel_order, pixel_mean, pixel_std)
        x = ConvNorm(stem_width, strides=2, name="stem_conv1", **unit)(x)
        x = ConvNorm(stem_width, strides=2, name="stem_conv2", **unit)(x)
        for k in range(stage1_blocks):
            x = Bottleneck(stage1_width, name=f"stage1_block{k}", **unit)(x)
        streams = [x]
        for stage, count in enumerate(num_modules, start=2):
            widths = tuple(width * 2**i for i in range(stage))
            streams = Transition(widths, name=f"transition{stage - 1}", **unit)(streams)
            for m in range(count):
                ends = m == count - 1
                last = stage == 4 and ends
                streams = HighResolutionModule(
                    widths,
                    num_blocks=num_blocks,
                    num_outputs=num_outputs if last else None,
                    first_output=first_output if last else 0,
                    exchange=last
                    or exchanges == "all"
                    or (ends and exchanges == "across_stages"),
                    interpolation=interpolation,
                    name=f"stage{stage}_module{m}",
                    **unit,
                )(streams)
        super().__init__(
            inputs=inputs,
            outputs={f"P{i + 2}": x for i, x in enumerate(streams, first_output)},
            arguments={
                "width": width,
                "num_modules": tuple(num_modules),
                "num_blocks": num_blocks,
                "stem_width": stem_width,
                "stage1_width": stage1_width,
                "stage1_blocks": stage1_blocks,
                "image_size": image_size,
                "num_outputs": num_outputs,
                "first_output": first_output,
                "exchanges": exchanges,
                "interpolation": interpolation,
                "momentum": momentum,
                "kernel_initializer": initializer,
                "include_preprocessing": include_preprocessing,
                "channel_order": channel_order,
                "pixel_mean": tuple(pixel_mean),
                "pixel_std": tuple(pixel_std),
                "frozen_statistics": frozen_statistics,
                "dtype": dtype,
            },
            name=name,
        )


def _check_outputs(num_modules, num_outputs, first_output, exchanges):
    if len(num_modules) != 3 or num_outputs not in (1, 2, 3, 4):
        raise ValueError(
            "num_modules must be three integers, and num_outputs 1 to 4. Received:"
            f" num_modules={num_modules!r}, num_outputs={num_outputs!r}."
        )
    if first_output not in range(num_outputs):
        raise ValueError(
            "first_output must be 0 or more, and less than num_outputs. Received:"
            f" first_output={first_output!r}, num_outputs={num_outputs}."
        )
    if exchanges not in EXCHANGES:
        raise ValueError(
            f"exchanges must be one of {EXCHANGES}. Received: exchanges={exchanges!r}."
        )
