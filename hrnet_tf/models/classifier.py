"""Image classification: HRNet-W*-C."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from hrnet_tf.layers.classification import WIDTH, StreamGathering
from hrnet_tf.models import heads
from hrnet_tf.models.base import (
    HRNetModel,
    check_count,
    check_names,
    default_initializer,
)
from hrnet_tf.typing import Initializer

# PyTorch's kaiming_normal_ with mode "fan_out", and its default for linear layers.
KAIMING_FAN_OUT = default_initializer(
    keras.initializers.VarianceScaling, 2.0, "fan_out", "untruncated_normal"
)
LINEAR_INITIALIZER = default_initializer(
    keras.initializers.VarianceScaling, 1 / 3, "fan_in", "uniform"
)
POOLINGS = (None, "avg", "max")
# 224 of 256 pixels, as in the official test.
CROP_FRACTION = 0.875


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetClassifier(HRNetModel):
    """HRNet for image classification: one vector of logits an image.

    Args:
        num_classes: int. Number of classes.
        image_size: (height, width) or None for any size, sides divisible by 32.
        include_top: bool. False leaves out pooling and the last linear layer.
        pooling: None, "avg" or "max". What follows the features when `include_top`
            is False: nothing, or the pooling over all places.
        classifier_activation: str, callable or None. Activation of the linear layer;
            None gives logits.
        class_names: sequence of str or None. What the classes are called; it does not
            change the graph, and travels with the saved model.
        crop_fraction: float in (0, 1]. How images are cut for a test, for predictions
            and in exported models: their shorter side is resized to `image_size`
            divided by it, and the centre is cut out. 0.875 officially, 0.95 and 1.0 for
            some of timm's weights. It does not change the graph either.
        head_width: int. How wide the head is, see `StreamGathering`: 32 officially,
            8.4 million parameters whatever the body; 4 has 0.14 million.
        kernel_initializer: Keras initializer of the convolutions' kernels; the default
            is the official one, Kaiming's by the number of outputs.
        name: str. Name of the model.
        **body: other arguments of `HRNetBackbone`, such as `width` and `dtype`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        float32 `[B, num_classes]`; without the top `[B, H/32, W/32, C]`, or `[B, C]`
        with a pooling, of 64 times the head's width, officially 2048.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1908.07919, appendix; HRNet-Image-Classification.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        image_size: tuple[int, int] | None = (224, 224),
        include_top: bool = True,
        pooling: str | None = None,
        classifier_activation: str | Callable[..., Any] | None = None,
        class_names: Sequence[str] | None = None,
        crop_fraction: float = CROP_FRACTION,
        head_width: int = WIDTH,
        kernel_initializer: Initializer = KAIMING_FAN_OUT,
        name: str = "hrnet_classifier",
        **body: Any,
    ) -> None:
        check_count(num_classes=num_classes)
        class_names = None if class_names is None else tuple(class_names)
        check_names(num_classes, "class_names", class_names)
        check_crop_fraction(crop_fraction)
        check_count(head_width=head_width)
        if pooling not in POOLINGS:
            raise ValueError(
                f"pooling must be one of {POOLINGS}. Received: pooling={pooling!r}."
            )
        built = heads.make_body(
            image_size=image_size, kernel_initializer=kernel_initializer, **body
        )
        x = StreamGathering(head_width, name="head", **built.unit)(built.streams)
        policy = built.unit["dtype"]
        if include_top or pooling == "avg":
            x = keras.layers.GlobalAveragePooling2D(dtype=policy, name="pool")(x)
        elif pooling == "max":
            x = keras.layers.GlobalMaxPooling2D(dtype=policy, name="pool")(x)
        if include_top:
            x = keras.layers.Dense(
                num_classes,
                activation=classifier_activation,
                kernel_initializer=LINEAR_INITIALIZER.clone(),
                dtype="float32",
                name="classifier",
            )(x)
        super().__init__(
            inputs=built.inputs,
            outputs=x,
            arguments={
                **built.arguments,
                "num_classes": num_classes,
                "include_top": include_top,
                "pooling": pooling,
                "class_names": class_names,
                "crop_fraction": float(crop_fraction),
                "head_width": head_width,
                "classifier_activation": keras.activations.serialize(
                    keras.activations.get(classifier_activation)
                ),
            },
            name=name,
        )
        self.backbone = built.backbone
        self.num_classes = num_classes


def check_crop_fraction(crop_fraction: float) -> None:
    """Raises ValueError unless it is in (0, 1]."""
    if not 0 < crop_fraction <= 1:
        raise ValueError(
            "crop_fraction must be in (0, 1], such as 0.875 for 224 of 256 pixels."
            f" Received: crop_fraction={crop_fraction}."
        )
