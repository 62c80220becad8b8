"""Object-contextual representations: pixels described by the objects they belong to."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class ObjectContext(NormalizedLayer):
    """Augments each pixel with a weighted sum of object region representations.

    Each class's region is the mean of the features, weighted by the softmax over all
    pixels of that class's logits; each pixel attends to the regions.

    Args:
        filters: int. Channels of the output.
        key_filters: int. Channels of the attention.
        dropout: float. Share of the output's channels dropped in training.
        momentum: float. Momentum of the batch normalisations.
        kernel_initializer: Keras initializer of the kernels.
        frozen_statistics: bool, of the batch normalisations; see `BatchNorm`.
    Call arguments:
        inputs: pair `(features, logits)` shaped `[B, H, W, C]` and `[B, H, W, K]`.
        training: bool.
    Returns:
        A tensor `[B, H, W, filters]`.
    Reference:
        arXiv 1909.11065, section 3; HRNet-Semantic-Segmentation, branch HRNet-OCR.
    """

    def __init__(
        self,
        filters: int = 512,
        key_filters: int = 256,
        dropout: float = 0.05,
        momentum: float = 0.9,
        kernel_initializer: Initializer = "he_normal",
        frozen_statistics: bool = False,
        **kwargs: Any,
    ) -> None:
        # The logits come in float32, and their softmax over all pixels needs it.
        kwargs = {"autocast": False, **kwargs}
        super().__init__(momentum, kernel_initializer, frozen_statistics, **kwargs)
        self.filters = filters
        self.key_filters = key_filters
        self.dropout = dropout
        self.pixel0, self.pixel1 = self._unit("pixel0"), self._unit("pixel1")
        self.object0, self.object1 = self._unit("object0"), self._unit("object1")
        self.down = self._unit("down")
        self.mix = self._unit("mix", filters)
        self.drop = keras.layers.SpatialDropout2D(
            dropout, dtype=self.dtype_policy, name="drop"
        )

    def _unit(self, name, filters=None):
        return ConvNorm(
            filters or self.key_filters,
            1,
            name=name,
            **self.unit_options,
        )

    def build(self, input_shapes: Sequence[Shape]) -> None:
        features: Any = tuple(input_shapes[0])
        logits: Any = tuple(input_shapes[1])
        # The context has as many channels as the features.
        self.up = self._unit("up", features[-1])
        regions = (features[0], logits[-1], 1, features[-1])
        for shape, units in (
            (features, (self.pixel0, self.pixel1)),
            (regions, (self.object0, self.object1)),
        ):
            for unit in units:
                unit.build(shape)
                shape = unit.compute_output_shape(shape)
        self.down.build(regions)
        self.up.build((*features[:-1], self.key_filters))
        self.mix.build((*features[:-1], 2 * features[-1]))
        self.built = True

    def call(
        self, inputs: tuple[Tensor, Tensor], training: bool | None = None
    ) -> Tensor:
        ops = keras.ops
        features, logits = inputs
        features = ops.cast(features, self.compute_dtype)
        regions = self._gather(features, logits)
        query = self.pixel1(self.pixel0(features, training=training), training=training)
        key = self.object1(self.object0(regions, training=training), training=training)
        value = self.down(regions, training=training)
        # Products of matrices, which every runtime has; of einsum that is not so.
        batch, height, width = ops.shape(features)[:3]
        query = ops.reshape(query, (batch, height * width, self.key_filters))
        key, value = ops.squeeze(key, 2), ops.squeeze(value, 2)
        similarity = ops.matmul(query, ops.transpose(key, (0, 2, 1)))
        similarity = ops.cast(similarity, "float32") * self.key_filters**-0.5
        attention = ops.cast(ops.softmax(similarity), self.compute_dtype)
        context = ops.matmul(attention, value)
        context = ops.reshape(context, (batch, height, width, self.key_filters))
        context = self.up(context, training=training)
        joined = ops.concatenate([context, features], axis=-1)
        return self.drop(self.mix(joined, training=training), training=training)

    def _gather(self, features, logits):
        """Returns each class's region `[B, K, 1, C]`."""
        ops = keras.ops
        shape = ops.shape(logits)
        pixels = (shape[0], shape[1] * shape[2])
        shares = ops.reshape(ops.cast(logits, "float32"), (*pixels, logits.shape[-1]))
        shares = ops.cast(ops.softmax(shares, axis=1), self.compute_dtype)
        features = ops.reshape(features, (*pixels, features.shape[-1]))
        regions = ops.matmul(ops.transpose(shares, (0, 2, 1)), features)
        return ops.expand_dims(regions, 2)

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> Shape:
        return (*input_shapes[0][:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "key_filters": self.key_filters,
            "dropout": self.dropout,
        }
