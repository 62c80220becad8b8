"""What the comparison systems of segmentation share: all but their bodies."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.models.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    HRNetModel,
    check_count,
    check_names,
    check_size,
    default_initializer,
    normalize,
)
from hrnet_tf.typing import DType, Initializer

HE_NORMAL = default_initializer(keras.initializers.HeNormal)


class SeriesSegmenter(HRNetModel):
    """A segmenter that goes from high resolution to low and back.

    Subclasses say how, and take the arguments below as their own keyword arguments.

    Args:
        body: `(x, unit, num_classes) -> logits`: from a normalised Keras tensor `[B, H,
            W, 3]` and the keyword arguments of layers (momentum, kernel_initializer,
            frozen_statistics and dtype) to a tensor `[B, h, w, num_classes]`.
        own: dict. The subclass's own arguments.
        num_classes: int. Number of classes.
        image_size: (height, width) or None for any size, odd ones too.
        upsample_logits: bool. True resizes the logits to the size of the input.
        label_set: dict or None, see `HRNetSegmenter`.
        interpolation: "bilinear": how the logits are resized.
        momentum: float. Momentum of the batch normalisations (Keras convention).
        kernel_initializer: Keras initializer of all kernels.
        include_preprocessing, channel_order, pixel_mean, pixel_std, frozen_statistics:
            see `HRNetBackbone`.
        dtype: Keras dtype policy or its name; None takes the global one.
        name: str. Name of the model.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        Logits, float32, of the size that the system gives, or `[B, H, W, num_classes]`
        with `upsample_logits`.
    Raises:
        ValueError: if an argument is out of its range.
    """

    def __init__(
        self,
        body: Callable[..., Any],
        own: dict[str, Any],
        num_classes: int = 19,
        image_size: tuple[int, int] | None = None,
        upsample_logits: bool = False,
        label_set: dict[str, Any] | None = None,
        interpolation: str = "bilinear",
        momentum: float = 0.9,
        kernel_initializer: Initializer = HE_NORMAL,
        include_preprocessing: bool = True,
        channel_order: str = "rgb",
        pixel_mean: Sequence[float] = IMAGENET_MEAN,
        pixel_std: Sequence[float] = IMAGENET_STD,
        frozen_statistics: bool = False,
        dtype: DType | None = None,
        name: str = "series_segmenter",
    ) -> None:
        check_count(num_classes=num_classes)
        check_names(num_classes, "label_set", label_set, "classes")
        if interpolation != "bilinear":
            raise ValueError(
                "The logits of this network are resized bilinearly. Received:"
                f" interpolation={interpolation!r}. Leave it out."
            )
        size = check_size(image_size, interpolation)
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
        logits = body(x, unit, num_classes)
        if upsample_logits:
            resize = ResizeLike(interpolation, dtype="float32", name="upsample")
            logits = resize((logits, inputs))
        super().__init__(
            inputs=inputs,
            outputs=logits,
            arguments={
                **own,
                "num_classes": num_classes,
                "image_size": image_size,
                "upsample_logits": upsample_logits,
                "label_set": label_set,
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
        self.num_classes = num_classes
