"""A comparison system of the papers: the Stacked Hourglass."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.layers.hourglass import Hourglass
from hrnet_tf.layers.pre_activation import PreActivationBlock
from hrnet_tf.models.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    HRNetModel,
    check_count,
    default_initializer,
    normalize,
)
from hrnet_tf.models.pose import check_convention, check_heatmaps
from hrnet_tf.models.presets import HOURGLASSES
from hrnet_tf.typing import DType, Initializer

HE_NORMAL = default_initializer(keras.initializers.HeNormal)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class StackedHourglassPose(HRNetModel):
    """Hourglasses one after another, each with heatmaps of its own.

    It is the network of the paper, as its authors wrote it in PyTorch; the network of
    the same name in CornerNet and OpenMMLab is another one.

    Args:
        num_keypoints: int. Number of heatmaps.
        image_size: (height, width) of the crop, sides divisible by `4 * 2**depth`.
        num_stacks: int. Number of hourglasses.
        depth: int. How often each halves the sides.
        stem_filters: three ints. Channels of the residual blocks before the first
            hourglass; the last is the hourglasses' width. (128, 256, 256) gives the
            network of pytorch-pose.
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
        Heatmaps, float32 `[B, H/4, W/4, num_keypoints]`; of several stacks a dict of
        them: "stack0", ... and, of the last one, "main".
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1603.06937; pytorch_stacked_hourglass.
    """

    architectures = HOURGLASSES

    def __init__(
        self,
        num_keypoints: int = 17,
        image_size: tuple[int, int] = (256, 256),
        num_stacks: int = 8,
        depth: int = 4,
        stem_filters: Sequence[int] = (128, 128, 256),
        momentum: float = 0.9,
        kernel_initializer: Initializer = HE_NORMAL,
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
        name: str = "stacked_hourglass_pose",
    ) -> None:
        check_heatmaps(num_keypoints, heatmap_activation, heatmap_sigma, keypoint_set)
        check_convention(heatmap_convention, heatmap_activation)
        check_count(num_stacks=num_stacks)
        check_count(depth=depth)
        _check_size(image_size, depth)
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        initializer = keras.initializers.get(kernel_initializer)
        unit = {
            "momentum": momentum,
            "kernel_initializer": initializer,
            "frozen_statistics": frozen_statistics,
            "dtype": dtype,
        }
        inputs = keras.Input((*image_size, 3), dtype="float32", name="image")
        x = inputs
        if include_preprocessing:
            x = normalize(x, channel_order, pixel_mean, pixel_std)
        x = _stem(x, stem_filters, unit)
        heatmaps = {}
        for k in range(num_stacks):
            last = k == num_stacks - 1
            x, key = _stack(x, k, depth, num_keypoints, last, unit)
            heatmaps["main" if last else f"stack{k}"] = key
        super().__init__(
            inputs=inputs,
            outputs=heatmaps["main"] if num_stacks == 1 else heatmaps,
            arguments={
                "num_keypoints": num_keypoints,
                "image_size": image_size,
                "num_stacks": num_stacks,
                "depth": depth,
                "stem_filters": tuple(stem_filters),
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
        self.image_size = tuple(image_size)
        self.heatmap_activation = heatmap_activation
        self.heatmap_sigma = heatmap_sigma
        self.heatmap_convention = heatmap_convention


def _stem(x, filters, unit):
    """Returns a map of a quarter of the size, of normalised images."""
    first, second, width = filters
    x = ConvNorm(64, 7, strides=2, use_bias=True, name="stem_conv", **unit)(x)
    x = PreActivationBlock(first, name="stem_block0", **unit)(x)
    x = keras.layers.MaxPooling2D(2, 2, dtype=unit["dtype"], name="stem_pool")(x)
    x = PreActivationBlock(second, name="stem_block1", **unit)(x)
    return PreActivationBlock(width, name="stem_block2", **unit)(x)


def _stack(x, k, depth, num_keypoints, last, unit):
    """Returns what the next hourglass takes, and the heatmaps of the k-th one."""
    width = x.shape[-1]

    def conv(filters, name, dtype):
        return Conv2D(
            filters,
            1,
            kernel_initializer=unit["kernel_initializer"].clone(),
            dtype=dtype,
            name=name,
        )

    y = Hourglass(depth, name=f"stack{k}_hourglass", **unit)(x)
    y = PreActivationBlock(width, name=f"stack{k}_block", **unit)(y)
    y = ConvNorm(width, 1, use_bias=True, name=f"stack{k}_conv", **unit)(y)
    heatmaps = conv(num_keypoints, "head" if last else f"stack{k}_head", "float32")(y)
    if last:
        return None, heatmaps
    features = conv(width, f"stack{k}_merge_features", unit["dtype"])(y)
    maps = conv(width, f"stack{k}_merge_heatmaps", unit["dtype"])(heatmaps)
    return x + features + maps, heatmaps


def _check_size(image_size, depth):
    unit = 4 * 2**depth
    size = () if image_size is None else tuple(image_size)
    if len(size) != 2 or any(not isinstance(s, int) or s % unit for s in size):
        raise ValueError(
            f"An hourglass of depth {depth} needs one image_size whose sides are"
            f" divisible by {unit}. Received: image_size={image_size!r}. Use another"
            " size, or a smaller depth."
        )
