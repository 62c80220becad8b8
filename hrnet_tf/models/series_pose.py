"""What comparison systems of pose share: all but their bodies."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.models.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    HRNetModel,
    check_size,
    normalize,
)
from hrnet_tf.models.pose import check_convention, check_heatmaps
from hrnet_tf.models.series_segmenter import HE_NORMAL
from hrnet_tf.typing import DType, Initializer


class SeriesPose(HRNetModel):
    """A network of top-down pose that goes from high resolution to low and back.

    Subclasses say how, and take the arguments below as their own keyword arguments.

    Args:
        body: `(x, unit) -> features`: from a normalised Keras tensor `[B, H, W, 3]` and
            the keyword arguments of layers (momentum, kernel_initializer,
            frozen_statistics and dtype) to a tensor `[B, H/4, W/4, C]`.
        own: dict. The subclass's own arguments.
        num_keypoints: int. Number of heatmaps.
        image_size: (height, width) of the crop, sides divisible by 32.
        momentum: float. Momentum of the batch normalisations (Keras convention).
        kernel_initializer: Keras initializer of all kernels.
        include_preprocessing, channel_order, pixel_mean, pixel_std, frozen_statistics:
            see `HRNetBackbone`.
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
    """

    def __init__(
        self,
        body: Callable[..., Any],
        own: dict[str, Any],
        num_keypoints: int = 17,
        image_size: tuple[int, int] = (256, 192),
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
        name: str = "series_pose",
    ) -> None:
        check_heatmaps(num_keypoints, heatmap_activation, heatmap_sigma, keypoint_set)
        check_convention(heatmap_convention, heatmap_activation)
        if image_size is None:
            raise ValueError(
                f"{type(self).__name__} needs one image_size, such as (256, 192)."
                " Received: image_size=None."
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
            "frozen_statistics": frozen_statistics,
            "dtype": dtype,
        }
        heatmaps = Conv2D(
            num_keypoints,
            1,
            kernel_initializer=initializer.clone(),
            dtype="float32",
            name="head",
        )(body(x, unit))
        super().__init__(
            inputs=inputs,
            outputs=heatmaps,
            arguments={
                **own,
                "num_keypoints": num_keypoints,
                "image_size": image_size,
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
