"""One hourglass: from high resolution to low and back, with a branch at each size."""

from typing import Any

import keras

from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.layers.pre_activation import PreActivationBlock
from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Hourglass(NormalizedLayer):
    """Halves a map `depth` times and enlarges it again, adding what it was before.

    Args:
        depth: int. How often the sides are halved.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`, sides divisible by `2**depth`.
        training: bool.
    Returns:
        A tensor `[B, H, W, C]`.
    Reference:
        arXiv 1603.06937, figure 3.
    """

    def __init__(self, depth: int = 4, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.depth = depth
        self.resize = ResizeLike("nearest", dtype=self.dtype_policy, name="resize")

    def build(self, input_shape: Shape) -> None:
        batch, channels = input_shape[0], input_shape[-1]
        assert channels is not None
        for level in range(self.depth):
            names = [f"branch{level}", f"down{level}", f"up{level}"]
            if level == self.depth - 1:
                names.append("middle")
            for name in names:
                block = PreActivationBlock(channels, name=name, **self.unit_options)
                block.build((batch, None, None, channels))
                setattr(self, name, block)
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return self._level(inputs, 0, training)

    def _level(self, x, level, training):
        branch = getattr(self, f"branch{level}")(x, training=training)
        low = keras.ops.max_pool(x, 2, 2, "valid", data_format="channels_last")
        low = getattr(self, f"down{level}")(low, training=training)
        if level + 1 < self.depth:
            low = self._level(low, level + 1, training)
        else:
            low = self.middle(low, training=training)
        low = getattr(self, f"up{level}")(low, training=training)
        return branch + self.resize((low, branch))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "depth": self.depth}
