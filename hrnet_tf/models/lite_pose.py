"""Top-down human pose for small devices: Lite-HRNet."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.lite.head import IterativeHead
from hrnet_tf.layers.lite.module import UNITS, LiteModule
from hrnet_tf.layers.lite.stem import LiteStem
from hrnet_tf.layers.lite.transition import LiteTransition
from hrnet_tf.models.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    OFFICIAL_INITIALIZER,
    HRNetModel,
    check_count,
    check_size,
    normalize,
)
from hrnet_tf.models.pose import check_convention, check_heatmaps
from hrnet_tf.models.presets import LITE_NETWORKS
from hrnet_tf.typing import DType, Initializer


@keras.saving.register_keras_serializable(package="hrnet_tf")
class LiteHRNetPose(HRNetModel):
    """Lite-HRNet for top-down pose: one heatmap a keypoint.

    Args:
        num_keypoints: int. Number of heatmaps.
        image_size: (height, width) of the crop, or None for any size; sides divisible
            by 32.
        width: int, even. Channels of the finest stream; stream i has `width * 2**i`.
        num_modules: three ints. Modules of the stages with two, three and four streams.
        num_blocks: int. Units of each stream in each module.
        unit: "weighting" (Lite-HRNet) or "shuffle" (naive Lite-HRNet).
        stem_width: int, even. Channels of the stem.
        reduction: int. How many times fewer channels the weighting across resolutions
            has in between.
        momentum: float. Momentum of the batch normalisations (Keras convention).
        kernel_initializer: Keras initializer of all kernels.
        include_preprocessing: bool. True takes RGB pixels 0..255 and normalises
            inside; False takes normalised input.
        channel_order, pixel_mean, pixel_std, frozen_statistics: see `HRNetBackbone`.
        keypoint_set, heatmap_activation, heatmap_sigma, heatmap_convention: see
            `HRNetPose`.
        dtype: Keras dtype policy or its name; None takes the global one.
        name: str. Name of the model.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`.
        training: bool.
    Returns:
        Heatmaps, float32 `[B, H/4, W/4, num_keypoints]`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 2104.06403; Lite-HRNet.
    """

    architectures = LITE_NETWORKS

    def __init__(
        self,
        num_keypoints: int = 17,
        image_size: tuple[int, int] | None = (256, 192),
        width: int = 40,
        num_modules: Sequence[int] = (2, 4, 2),
        num_blocks: int = 2,
        unit: str = "weighting",
        stem_width: int = 32,
        reduction: int = 8,
        momentum: float = 0.9,
        kernel_initializer: Initializer = OFFICIAL_INITIALIZER,
        include_preprocessing: bool = True,
        channel_order: str = "rgb",
        pixel_mean: Sequence[float] = IMAGENET_MEAN,
        pixel_std: Sequence[float] = IMAGENET_STD,
        frozen_statistics: bool = False,
        keypoint_set: dict[str, Any] | None = None,
        heatmap_activation: str = "linear",
        heatmap_sigma: float = 2.0,
        heatmap_convention: str = "official",
        dtype: DType | None = None,
        name: str = "lite_hrnet_pose",
    ) -> None:
        check_heatmaps(num_keypoints, heatmap_activation, heatmap_sigma, keypoint_set)
        check_convention(heatmap_convention, heatmap_activation)
        _check_body(width, num_modules, num_blocks, unit, stem_width, reduction)
        size = check_size(image_size, "nearest")
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        initializer = keras.initializers.get(kernel_initializer)
        options = {
            "momentum": momentum,
            "kernel_initializer": initializer,
            "frozen_statistics": frozen_statistics,
            "dtype": dtype,
        }
        body = {
            "width": width,
            "num_modules": tuple(num_modules),
            "num_blocks": num_blocks,
            "unit": unit,
            "stem_width": stem_width,
            "reduction": reduction,
        }
        inputs = keras.Input((*size, 3), dtype="float32", name="image")
        x = inputs
        if include_preprocessing:
            x = normalize(x, channel_order, pixel_mean, pixel_std)
        features = _features(x, options, **body)
        heatmaps = keras.layers.Conv2D(
            num_keypoints,
            1,
            kernel_initializer=initializer.clone(),
            dtype="float32",
            name="head",
        )(features)
        super().__init__(
            inputs=inputs,
            outputs=heatmaps,
            arguments={
                "num_keypoints": num_keypoints,
                "image_size": image_size,
                **body,
                "momentum": momentum,
                "kernel_initializer": initializer,
                "include_preprocessing": include_preprocessing,
                "channel_order": channel_order,
                "pixel_mean": tuple(pixel_mean),
                "pixel_std": tuple(pixel_std),
                "frozen_statistics": frozen_statistics,
                "keypoint_set": keypoint_set,
                "heatmap_activation": heatmap_activation,
                "heatmap_sigma": heatmap_sigma,
                "heatmap_convention": heatmap_convention,
                "dtype": dtype,
            },
            name=name,
        )
        self.num_keypoints = num_keypoints
        self.image_size = None if image_size is None else tuple(image_size)
        self.heatmap_activation = heatmap_activation
        self.heatmap_sigma = heatmap_sigma
        self.heatmap_convention = heatmap_convention


def _features(x, options, width, num_modules, num_blocks, unit, stem_width, reduction):
    """The finest stream after all stages, `[B, H/4, W/4, width]`."""
    streams = [LiteStem(stem_width, name="stem", **options)(x)]
    for stage, count in enumerate(num_modules, start=2):
        widths = tuple(width * 2**i for i in range(stage))
        transition = LiteTransition(widths, name=f"transition{stage - 1}", **options)
        streams = transition(streams)
        for m in range(count):
            module = LiteModule(
                widths,
                num_blocks=num_blocks,
                unit=unit,
                reduction=reduction,
                name=f"stage{stage}_module{m}",
                **options,
            )
            streams = module(streams)
    return IterativeHead(widths, name="merge", **options)(streams)


def _check_body(width, num_modules, num_blocks, unit, stem_width, reduction):
    if unit not in UNITS:
        raise ValueError(f"unit must be one of {UNITS}. Received: unit={unit!r}.")
    check_count(width=width)
    check_count(num_blocks=num_blocks)
    check_count(stem_width=stem_width)
    check_count(reduction=reduction)
    if len(num_modules) != 3:
        raise ValueError(
            f"num_modules must be three integers. Received: {num_modules!r}."
        )
    if width % 2 or stem_width % 2:
        raise ValueError(
            "width and stem_width must be even, for channels are split in halves."
            f" Received: width={width}, stem_width={stem_width}."
        )
    # Of the first stage's two streams; and a quarter for the weights of one stream.
    if unit == "weighting" and min(3 * width // 2 // reduction, width // 8) < 1:
        raise ValueError(
            "The weighting needs a channel in between at least: width of 8, and"
            " reduction of at most half of three times the width. Received:"
            f" width={width}, reduction={reduction}."
        )
