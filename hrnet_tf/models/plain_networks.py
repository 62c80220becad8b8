"""The layers of the networks of `PlainClassifier`."""

from collections.abc import Callable
from typing import Any

import keras

from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.models import vgg
from hrnet_tf.typing import Tensor

# 1x1; 1x1 and 3x3; 1x1 and 5x5; pooling and 1x1.
_INCEPTIONS = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
# The smallest side of an image, where it is not 32.
SMALLEST = {"alexnet": 63}


def _of_keras(application):
    """Makes a function that builds a network of `keras.applications`."""

    def build(x, num_classes, unit):
        return of_keras(application, x, unit, num_classes)

    return build


def of_keras(
    application: str, x: Tensor, unit: dict[str, Any], num_classes: int | None = None
) -> Tensor:
    """Returns the logits of a network of `keras.applications`, or its last map.

    Args:
        application: str. Name of its function, such as "ResNet50".
        x: Keras tensor `[B, H, W, 3]`, normalised.
        unit: dict. Keyword arguments of layers, of which dtype counts.
        num_classes: int, or None for the last map.
    """
    before = keras.config.dtype_policy()
    # Their layers take the global one.
    keras.config.set_dtype_policy(unit["dtype"])
    top = {"classes": num_classes, "classifier_activation": None}
    try:
        model = getattr(keras.applications, application)(
            include_top=num_classes is not None,
            weights=None,
            input_tensor=x,
            input_shape=tuple(x.shape[1:]),
            **({} if num_classes is None else top),
        )
    finally:
        keras.config.set_dtype_policy(before)
    return model.output


def _googlenet_features(x, unit):
    x = _conv(x, 64, 7, "conv1", unit, strides=2)
    x = _pool(x, "pool1", unit)
    x = _conv(x, 64, 1, "conv2_reduce", unit)
    x = _conv(x, 192, 3, "conv2", unit)
    x = _pool(x, "pool2", unit)
    for name, filters in _INCEPTIONS.items():
        x = _inception(x, filters, f"inception{name}", unit)
        if name in ("3b", "4e"):
            x = _pool(x, f"pool{name[0]}", unit)
    return x


def _googlenet(x, num_classes, unit):
    policy = unit["dtype"]
    x = _googlenet_features(x, unit)
    x = keras.layers.GlobalAveragePooling2D(dtype=policy, name="pool")(x)
    x = keras.layers.Dropout(0.4, dtype=policy, name="dropout")(x)
    return _linear(x, num_classes, "classifier", unit, None)


def _inception(x, filters, name, unit):
    one, three_in, three, five_in, five, pooled = filters
    policy = unit["dtype"]
    middle = _conv(x, three_in, 1, f"{name}_3x3_reduce", unit)
    large = _conv(x, five_in, 1, f"{name}_5x5_reduce", unit)
    low = keras.layers.MaxPooling2D(
        3, 1, padding="same", dtype=policy, name=f"{name}_pool"
    )(x)
    branches = [
        _conv(x, one, 1, f"{name}_1x1", unit),
        _conv(middle, three, 3, f"{name}_3x3", unit),
        _conv(large, five, 5, f"{name}_5x5", unit),
        _conv(low, pooled, 1, f"{name}_pool_conv", unit),
    ]
    return keras.layers.Concatenate(dtype=policy, name=f"{name}_join")(branches)


def _alexnet_features(x, unit, padding="same"):
    x = _conv(x, 96, 11, "conv1", unit, strides=4, padding=padding)
    x = _pool(x, "pool1", unit, padding)
    x = _in_towers(x, 256, 5, "conv2", unit)
    x = _pool(x, "pool2", unit, padding)
    x = _conv(x, 384, 3, "conv3", unit)
    x = _in_towers(x, 384, 3, "conv4", unit)
    x = _in_towers(x, 256, 3, "conv5", unit)
    return _pool(x, "pool5", unit, padding)


def _alexnet(x, num_classes, unit):
    policy = unit["dtype"]
    # 227 of the paper's pixels are 224 and a border.
    x = keras.layers.ZeroPadding2D(2, dtype=policy, name="conv1_pad")(x)
    x = _alexnet_features(x, unit, "valid")
    x = keras.layers.Flatten(dtype=policy, name="flatten")(x)
    for k in (6, 7):
        x = keras.layers.Dropout(0.5, dtype=policy, name=f"dropout{k}")(x)
        x = _linear(x, 4096, f"linear{k}", unit)
    return _linear(x, num_classes, "classifier", unit, None)


def _in_towers(x, filters, kernel, name, unit):
    """A convolution whose halves see half of the channels each."""
    half = x.shape[-1] // 2
    towers = [
        _conv(part, filters // 2, kernel, f"{name}_tower{k}", unit)
        for k, part in enumerate((x[..., :half], x[..., half:]))
    ]
    return keras.layers.Concatenate(dtype=unit["dtype"], name=f"{name}_join")(towers)


def _lenet5(x, num_classes, unit):
    policy = unit["dtype"]
    for k, filters in enumerate((6, 16), start=1):
        x = _conv(x, filters, 5, f"conv{k}", unit, padding="valid", activation="tanh")
        x = keras.layers.AveragePooling2D(2, 2, dtype=policy, name=f"pool{k}")(x)
    x = keras.layers.Flatten(dtype=policy, name="flatten")(x)
    for width in (120, 84):
        x = _linear(x, width, f"linear{width}", unit, "tanh")
    return _linear(x, num_classes, "classifier", unit, None)


def _conv(x, filters, kernel, name, unit, strides=1, padding="same", activation="relu"):
    return Conv2D(
        filters,
        kernel,
        strides,
        padding=padding,
        activation=activation,
        kernel_initializer=unit["kernel_initializer"].clone(),
        dtype=unit["dtype"],
        name=name,
    )(x)


def _pool(x, name, unit, padding="same"):
    layer = keras.layers.MaxPooling2D(
        3, 2, padding=padding, dtype=unit["dtype"], name=name
    )
    return layer(x)


def _linear(x, width, name, unit, activation: str | None = "relu"):
    return keras.layers.Dense(
        width,
        activation=activation,
        kernel_initializer=unit["kernel_initializer"].clone(),
        dtype=unit["dtype"],
        name=name,
    )(x)


# By name: `(x, num_classes, unit) -> logits`, from a normalised Keras tensor and the
# keyword arguments of layers, kernel_initializer and dtype.
NETWORKS: dict[str, Callable[[Tensor, int, dict[str, Any]], Tensor]] = {
    "resnet50": _of_keras("ResNet50"),
    "resnet101": _of_keras("ResNet101"),
    "resnet152": _of_keras("ResNet152"),
    "vgg16": _of_keras("VGG16"),
    "vgg19": _of_keras("VGG19"),
    "googlenet": _googlenet,
    "alexnet": _alexnet,
    "lenet5": _lenet5,
}


def _resnet_features(application):
    return lambda x, unit: of_keras(application, x, unit)


def _vgg_features(counts):
    """Makes a function of VGG's stages, whose poolings round odd sides up."""

    def build(x, unit):
        for s, (width, count) in enumerate(zip(vgg.VGG_FILTERS, counts, strict=True)):
            x = vgg.stage(x, width, count, f"stage{s}", unit, normalized=False)
            x = vgg.pool(x, f"pool{s}", unit)
        return x

    return build


# By name: `(x, unit) -> features`, a map of stride 32 whose sides are rounded up.
FEATURES: dict[str, Callable[[Tensor, dict[str, Any]], Tensor]] = {
    "resnet50": _resnet_features("ResNet50"),
    "resnet101": _resnet_features("ResNet101"),
    "resnet152": _resnet_features("ResNet152"),
    "vgg16": _vgg_features(vgg.VGG16_COUNTS),
    "vgg19": _vgg_features((2, 2, 4, 4, 4)),
    "googlenet": _googlenet_features,
    "alexnet": _alexnet_features,
}
