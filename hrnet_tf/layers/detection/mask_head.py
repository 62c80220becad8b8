"""The head that draws the masks of regions."""

from typing import Any

import keras

from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class MaskHead(keras.layers.Layer):
    """Convolutions, a transposed one, and a mask of each class.

    Args:
        num_classes: int. Foreground classes.
        background_mask: bool. True has a mask of the background beside those of the
            classes, which no result depends on.
        filters: int. Channels of the convolutions.
        num_convs: int.
    Call arguments:
        inputs: tensor `[N, h, w, C]`, of RoIAlign.
    Returns:
        Logits, float32 `[N, 2 * h, 2 * w, num_classes]`.
    Reference:
        arXiv 1703.06870, figure 4.
    """

    def __init__(
        self,
        num_classes: int,
        background_mask: bool = False,
        filters: int = 256,
        num_convs: int = 4,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.background_mask = background_mask
        self.filters = filters
        self.num_convs = num_convs
        unit = {"dtype": self.dtype_policy}
        self.convs = [
            Conv2D(
                filters,
                3,
                padding="same",
                kernel_initializer=_initializer(),
                name=f"conv{i}",
                **unit,
            )
            for i in range(num_convs)
        ]
        self.upsample = keras.layers.Conv2DTranspose(
            filters, 2, 2, kernel_initializer=_initializer(), name="upsample", **unit
        )
        self.masks = Conv2D(
            num_classes + bool(background_mask),
            1,
            kernel_initializer=_initializer(),
            dtype="float32",
            name="masks",
        )

    def build(self, input_shape: Shape) -> None:
        shape = tuple(input_shape)
        for conv in self.convs:
            conv.build(shape)
            shape = (*shape[:-1], self.filters)
        self.upsample.build(shape)
        self.masks.build((shape[0], None, None, self.filters))
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        x = inputs
        for conv in self.convs:
            x = keras.ops.relu(conv(x))
        x = keras.ops.relu(self.upsample(x))
        # The background's is the last.
        return self.masks(x)[..., : self.num_classes]

    def compute_output_spec(self, inputs: Any) -> Any:
        count, *sides, _ = inputs.shape
        sides = [None if s is None else 2 * s for s in sides]
        return keras.KerasTensor((count, *sides, self.num_classes), dtype="float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "background_mask": self.background_mask,
            "filters": self.filters,
            "num_convs": self.num_convs,
        }


def _initializer():
    # Kaiming's, by the number of outputs.
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
