"""The comparison model of the official pose repository: SimpleBaseline."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.deconv_norm import DeconvNorm
from hrnet_tf.layers.residual import Bottleneck
from hrnet_tf.models.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    OFFICIAL_INITIALIZER,
    HRNetModel,
    check_size,
    normalize,
)
from hrnet_tf.models.pose import check_convention, check_heatmaps
from hrnet_tf.models.presets import RESNETS
from hrnet_tf.typing import DType, Initializer

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet


NUM_DECONVS = 3
DECONV_FILTERS = 256


@keras.saving.register_keras_serializable(package="hrnet_tf")
class SimpleBaselinePose(HRNetModel):
    """ResNet and three transposed convolutions: one heatmap a keypoint.

    The ResNet strides in its 3x3 convolutions, as PyTorch's does; that of
    `keras.applications` strides in the first 1x1 convolutions, whose weights differ.

    Args:
        num_keypoints: int. Number of heatmaps.
        image_size: (height, width) of the crop, sides divisible by 32.
        num_blocks: four ints. Bottlenecks of each stage.
        momentum: float. Momentum of the batch normalisations (Keras convention).
        kernel_initializer: Keras initializer of all kernels.
        include_preprocessing: bool. True takes RGB pixels 0..255 and normalises
            inside; False takes normalised input.
        channel_order: "rgb" or "bgr": the order that the weights were trained with.
            The official ones saw BGR. The model takes RGB either way.
        pixel_mean, pixel_std: three floats in that order, of pixels / 255.
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
        arXiv 1804.06208; deep-high-resolution-net.pytorch, pose_resnet.
    """

    architectures = RESNETS

    def __init__(
        self,
        num_keypoints: int = 17,
        image_size: tuple[int, int] = (256, 192),
        num_blocks: Sequence[int] = (3, 4, 6, 3),
        momentum: float = 0.9,
        kernel_initializer: Initializer = OFFICIAL_INITIALIZER,
        include_preprocessing: bool = True,
        channel_order: str = "bgr",
        pixel_mean: Sequence[float] = IMAGENET_MEAN,
        pixel_std: Sequence[float] = IMAGENET_STD,
        keypoint_set: "KeypointSet | str | None" = None,
        heatmap_activation: str = "linear",
        heatmap_sigma: float = 2.0,
        heatmap_convention: str = "official",
        dtype: DType | None = None,
        name: str = "simple_baseline_pose",
    ) -> None:
        check_heatmaps(num_keypoints, heatmap_activation, heatmap_sigma, keypoint_set)
        check_convention(heatmap_convention, heatmap_activation)
        if image_size is None:
            raise ValueError(
                "SimpleBaselinePose needs one image_size, such as (256, 192): where the"
                " sides are not divisible by 32 its heatmaps do not have a quarter of"
                " the size. Received: image_size=None."
            )
        size = check_size(image_size, None)
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        initializer = keras.initializers.get(kernel_initializer)
        inputs = keras.Input((*size, 3), dtype="float32", name="image")
        x = inputs
        if include_preprocessing:
            x = normalize(x, channel_order, pixel_mean, pixel_std)
        unit = {
            "momentum": momentum,
            "kernel_initializer": initializer,
            "dtype": dtype,
        }
        x = _resnet(x, num_blocks, unit)
        for i in range(NUM_DECONVS):
            x = DeconvNorm(DECONV_FILTERS, name=f"deconv{i}", **unit)(x)
        heatmaps = keras.layers.Conv2D(
            num_keypoints,
            1,
            kernel_initializer=initializer.clone(),
            dtype="float32",
            name="head",
        )(x)
        super().__init__(
            inputs=inputs,
            outputs=heatmaps,
            arguments={
                "num_keypoints": num_keypoints,
                "image_size": image_size,
                "num_blocks": tuple(num_blocks),
                "momentum": momentum,
                "kernel_initializer": initializer,
                "include_preprocessing": include_preprocessing,
                "channel_order": channel_order,
                "pixel_mean": tuple(pixel_mean),
                "pixel_std": tuple(pixel_std),
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


def _resnet(x, num_blocks, unit):
    """Returns a ResNet's last map, of stride 32, for normalised images."""
    x = ConvNorm(64, 7, strides=2, name="stem_conv", **unit)(x)
    policy = unit["dtype"]
    # After a ReLU the zeros of the padding change no maximum.
    x = keras.layers.ZeroPadding2D(1, dtype=policy, name="stem_pad")(x)
    x = keras.layers.MaxPooling2D(3, 2, dtype=policy, name="stem_pool")(x)
    for stage, count in enumerate(num_blocks):
        for k in range(count):
            x = Bottleneck(
                64 * 2**stage,
                strides=2 if stage and not k else 1,
                name=f"layer{stage + 1}_block{k}",
                **unit,
            )(x)
    return x
