"""Comparison systems of the papers: networks that go from high resolution to low."""

from collections.abc import Sequence

import keras

from hrnet_tf.models import plain_networks
from hrnet_tf.models.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    HRNetModel,
    check_count,
    check_names,
    default_initializer,
    normalize,
)
from hrnet_tf.models.classifier import CROP_FRACTION, check_crop_fraction
from hrnet_tf.models.presets import CLASSIFIERS
from hrnet_tf.typing import DType, Initializer

HE_NORMAL = default_initializer(keras.initializers.HeNormal)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class PlainClassifier(HRNetModel):
    """ResNet, VGG, GoogLeNet, AlexNet or LeNet-5: one vector of logits an image.

    ResNets and VGG's networks are those of `keras.applications`, with random weights
    and Keras' initializers.

    Args:
        num_classes: int. Number of classes.
        image_size: (height, width) of the images.
        network: "resnet50", "resnet101", "resnet152", "vgg16", "vgg19", "googlenet",
            "alexnet" or "lenet5".
        class_names, crop_fraction: see `HRNetClassifier`.
        kernel_initializer: Keras initializer of GoogLeNet's, AlexNet's and LeNet's
            kernels.
        include_preprocessing: bool. True takes RGB pixels 0..255 and normalises
            inside; False takes normalised input.
        channel_order, pixel_mean, pixel_std: see `HRNetBackbone`.
        dtype: Keras dtype policy or its name; None takes the global one.
        name: str. Name of the model.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`.
        training: bool.
    Returns:
        float32 `[B, num_classes]`.
    Raises:
        ValueError: if an argument is out of its range, or the images are too small.
    Reference:
        ResNet arXiv 1512.03385, VGG arXiv 1409.1556, GoogLeNet arXiv 1409.4842 (without
        its auxiliary heads and response normalisations), AlexNet (NIPS 2012, in two
        towers, without its response normalisations), LeNet-5 (Proc. IEEE 86 (11),
        1998, whose second convolution sees all maps here).
    """

    architectures = CLASSIFIERS

    def __init__(
        self,
        num_classes: int = 1000,
        image_size: tuple[int, int] = (224, 224),
        network: str = "resnet50",
        class_names: Sequence[str] | None = None,
        crop_fraction: float = CROP_FRACTION,
        kernel_initializer: Initializer = HE_NORMAL,
        include_preprocessing: bool = True,
        channel_order: str = "rgb",
        pixel_mean: Sequence[float] = IMAGENET_MEAN,
        pixel_std: Sequence[float] = IMAGENET_STD,
        dtype: DType | None = None,
        name: str = "plain_classifier",
    ) -> None:
        check_count(num_classes=num_classes)
        class_names = None if class_names is None else tuple(class_names)
        check_names(num_classes, "class_names", class_names)
        check_crop_fraction(crop_fraction)
        _check_size(image_size, network)
        dtype = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
        initializer = keras.initializers.get(kernel_initializer)
        inputs = keras.Input((*image_size, 3), dtype="float32", name="image")
        x = inputs
        if include_preprocessing:
            x = normalize(x, channel_order, pixel_mean, pixel_std)
        build = plain_networks.NETWORKS[network]
        x = build(x, num_classes, {"kernel_initializer": initializer, "dtype": dtype})
        # In mixed precision the logits are float32 too.
        logits = keras.layers.Activation("linear", dtype="float32", name="logits")(x)
        super().__init__(
            inputs=inputs,
            outputs=logits,
            arguments={
                "num_classes": num_classes,
                "image_size": image_size,
                "network": network,
                "class_names": class_names,
                "crop_fraction": float(crop_fraction),
                "kernel_initializer": initializer,
                "include_preprocessing": include_preprocessing,
                "channel_order": channel_order,
                "pixel_mean": tuple(pixel_mean),
                "pixel_std": tuple(pixel_std),
                "dtype": dtype,
            },
            name=name,
        )
        self.num_classes = num_classes


def _check_size(image_size, network):
    if network not in plain_networks.NETWORKS:
        raise ValueError(
            f"network must be one of {tuple(plain_networks.NETWORKS)}."
            f" Received: network={network!r}."
        )
    smallest = plain_networks.SMALLEST.get(network, 32)
    size = () if image_size is None else tuple(image_size)
    if len(size) != 2 or any(not isinstance(s, int) or s < smallest for s in size):
        raise ValueError(
            f"The network {network!r} takes images of one size, of {smallest} pixels at"
            f" least on each side. Received: image_size={image_size!r}."
        )
