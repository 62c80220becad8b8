"""The head of the one-stage detector FCOS."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.typing import Shape, Tensor

# At first a cell is an object's with this probability.
_PRIOR = 0.01


@keras.saving.register_keras_serializable(package="hrnet_tf")
class FCOSHead(keras.layers.Layer):
    """Two towers of convolutions, the same at each level: classes, and boxes.

    Args:
        num_classes: int. Classes.
        num_levels: int. Levels of the pyramid; each scales the boxes by itself.
        tower_bias: bool. True gives the towers' convolutions, which a normalisation
            follows, biases.
        filters: int. Channels of the towers.
        num_convs: int. Convolutions of a tower.
        groups: int. Groups of the group normalisations.
    Call arguments:
        inputs: list of tensors `[B, h, w, C]`, the levels of a pyramid.
    Returns:
        Three lists of float32 tensors: class logits `[B, h, w, num_classes]`,
        distances `[B, h, w, 4]` of the left, upper, right and lower border in pixels,
        and logits of the centreness `[B, h, w, 1]`.
    Reference:
        arXiv 1904.01355.
    """

    def __init__(
        self,
        num_classes: int,
        num_levels: int = 5,
        tower_bias: bool = False,
        filters: int = 256,
        num_convs: int = 4,
        groups: int = 32,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.num_levels = num_levels
        self.tower_bias = tower_bias
        self.filters = filters
        self.num_convs = num_convs
        self.groups = groups
        self.class_convs, self.class_norms = self._tower("class")
        self.box_convs, self.box_norms = self._tower("box")
        prior = keras.initializers.Constant(-math.log((1 - _PRIOR) / _PRIOR))
        self.classes = self._output(num_classes, "classes", prior)
        self.boxes = self._output(4, "boxes")
        self.centerness = self._output(1, "centerness")

    def _tower(self, name):
        convs = [
            Conv2D(
                self.filters,
                3,
                padding="same",
                use_bias=self.tower_bias,
                kernel_initializer=_initializer(),
                dtype=self.dtype_policy,
                name=f"{name}_conv{i}",
            )
            for i in range(self.num_convs)
        ]
        norms = [
            keras.layers.GroupNormalization(
                self.groups,
                epsilon=1e-5,
                dtype=self.dtype_policy,
                name=f"{name}_norm{i}",
            )
            for i in range(self.num_convs)
        ]
        return convs, norms

    def _output(self, filters, name, bias="zeros"):
        return Conv2D(
            filters,
            3,
            padding="same",
            kernel_initializer=_initializer(),
            bias_initializer=bias,
            dtype="float32",
            name=name,
        )

    def build(self, input_shapes: Sequence[Shape]) -> None:
        first = tuple(input_shapes[0])
        shape = (*first[:-1], self.filters)
        for convs, norms in (
            (self.class_convs, self.class_norms),
            (self.box_convs, self.box_norms),
        ):
            for i, (conv, norm) in enumerate(zip(convs, norms, strict=True)):
                conv.build(shape if i else first)
                norm.build(shape)
        for output in (self.classes, self.boxes, self.centerness):
            output.build(shape)
        self.scales = [
            self.add_weight((), initializer="ones", name=f"scale{i}", autocast=False)
            for i in range(self.num_levels)
        ]
        self.built = True

    def call(self, inputs: Sequence[Tensor]) -> tuple[list, list, list]:
        ops = keras.ops
        classes, boxes, centerness = [], [], []
        for x, scale in zip(inputs, self.scales, strict=True):
            of_class = _run(x, self.class_convs, self.class_norms)
            of_box = _run(x, self.box_convs, self.box_norms)
            classes.append(self.classes(of_class))
            centerness.append(self.centerness(of_class))
            boxes.append(ops.exp(self.boxes(of_box) * scale))
        return classes, boxes, centerness

    def compute_output_spec(self, inputs: Any) -> Any:
        return tuple(
            [keras.KerasTensor((*x.shape[:-1], n), dtype="float32") for x in inputs]
            for n in (self.num_classes, 4, 1)
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "num_levels": self.num_levels,
            "tower_bias": self.tower_bias,
            "filters": self.filters,
            "num_convs": self.num_convs,
            "groups": self.groups,
        }


def _run(x, convs, norms):
    for conv, norm in zip(convs, norms, strict=True):
        x = keras.ops.relu(norm(conv(x)))
    return x


def _initializer():
    return keras.initializers.RandomNormal(stddev=0.01)
