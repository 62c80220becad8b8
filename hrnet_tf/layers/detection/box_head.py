"""The head that names regions and moves them."""

from typing import Any

import keras

from hrnet_tf.layers.detection.dense import RegionDense
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class BoxHead(keras.layers.Layer):
    """Two linear layers, and from them the classes and the boxes of regions.

    Args:
        num_classes: int. Foreground classes.
        class_agnostic: bool. True moves a region in one way, whatever its class.
        background_deltas: bool. True has deltas of the background beside those of the
            classes, which no result depends on.
        units: int. Outputs of the linear layers.
    Call arguments:
        inputs: tensor `[N, size, size, C]`, of RoIAlign.
    Returns:
        Logits, float32 `[N, num_classes + 1]` with the background last, and deltas,
        float32 `[N, num_classes, 4]`, or `[N, 1, 4]` where they are class-agnostic.
    Reference:
        arXiv 1612.03144, section 5.2.
    """

    def __init__(
        self,
        num_classes: int,
        class_agnostic: bool = False,
        background_deltas: bool = False,
        units: int = 1024,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.class_agnostic = class_agnostic
        self.background_deltas = background_deltas
        self.units = units
        self.num_deltas = 1 if class_agnostic else num_classes + bool(background_deltas)
        self.hidden = [
            RegionDense(units, dtype=self.dtype_policy, name="fc0"),
            keras.layers.Dense(
                units,
                kernel_initializer="glorot_uniform",
                dtype=self.dtype_policy,
                name="fc1",
            ),
        ]
        self.classes = keras.layers.Dense(
            num_classes + 1,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            dtype="float32",
            name="classes",
        )
        self.deltas = keras.layers.Dense(
            4 * self.num_deltas,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.001),
            dtype="float32",
            name="deltas",
        )

    def build(self, input_shape: Shape) -> None:
        self.hidden[0].build(input_shape)
        for layer in (self.hidden[1], self.classes, self.deltas):
            layer.build((None, self.units))
        self.built = True

    def call(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        x = inputs
        for layer in self.hidden:
            x = keras.ops.relu(layer(x))
        deltas = keras.ops.reshape(self.deltas(x), (-1, self.num_deltas, 4))
        if not self.class_agnostic:
            # The background's are the last.
            deltas = deltas[:, : self.num_classes]
        return self.classes(x), deltas

    def compute_output_spec(self, inputs: Any) -> Any:
        count = inputs.shape[0]
        num_deltas = 1 if self.class_agnostic else self.num_classes
        return (
            keras.KerasTensor((count, self.num_classes + 1), dtype="float32"),
            keras.KerasTensor((count, num_deltas, 4), dtype="float32"),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "class_agnostic": self.class_agnostic,
            "background_deltas": self.background_deltas,
            "units": self.units,
        }
