"""What the layers with batch normalisations inside share."""

import warnings
from typing import Any

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.typing import Initializer


class NormalizedLayer(keras.layers.Layer):
    """A layer made of others, some of which are batch normalisations.

    Args:
        momentum: float. Momentum of the batch normalisations (Keras convention).
        kernel_initializer: Keras initializer of the kernels.
        frozen_statistics: bool, of the batch normalisations; see `BatchNorm`.
        **kwargs: arguments of `keras.layers.Layer`.
    Attributes:
        frozen_statistics: bool. Whether all batch normalisations inside have frozen
            statistics. Set, it is set for them all.
    """

    def __init__(
        self,
        momentum: float = 0.9,
        kernel_initializer: Initializer = "he_normal",
        frozen_statistics: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.momentum = momentum
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        # What layers get that are made later, when the number of channels is known.
        self._frozen_at_first = bool(frozen_statistics)

    @property
    def unit_options(self) -> dict[str, Any]:
        """The arguments (dict) that the layers inside have in common with this one."""
        return {
            "momentum": self.momentum,
            "kernel_initializer": self.kernel_initializer,
            "frozen_statistics": self._frozen_at_first,
            "dtype": self.dtype_policy,
        }

    @property
    def frozen_statistics(self) -> bool:
        norms = self._norms()
        if not norms:
            return self._frozen_at_first
        return all(norm.frozen_statistics for norm in norms)

    @frozen_statistics.setter
    def frozen_statistics(self, frozen: bool) -> None:
        self._frozen_at_first = bool(frozen)
        for norm in self._norms():
            norm.frozen_statistics = bool(frozen)

    def _norms(self):
        return [layer for layer in sublayers(self) if isinstance(layer, BatchNorm)]

    def get_config(self) -> dict[str, Any]:
        frozen = {norm.frozen_statistics for norm in self._norms()}
        if len(frozen) > 1:
            warnings.warn(
                f"Of the batch normalisations in {self.name!r} some have frozen"
                " statistics. Its configuration, and so a saved model, says it of all"
                " or none: none. Set the layer's own frozen_statistics.",
                stacklevel=2,
            )
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "frozen_statistics": self.frozen_statistics,
        }


def sublayers(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Returns all layers inside a layer or model, at any depth, each once.

    Args:
        layer: `keras.layers.Layer`.
    Returns:
        A list of layers in the order of their attributes, without `layer` itself.
    """
    found, seen, waiting = [], {id(layer)}, [layer]
    while waiting:
        new = []
        for item in _layers_in(list(vars(waiting.pop()).values())):
            if id(item) not in seen:
                seen.add(id(item))
                new.append(item)
        found += new
        waiting += reversed(new)
    return found


def _layers_in(held):
    """The layers in lists, tuples and dicts; `keras.tree` sorts keys, which some have
    not as texts: a compiled model holds a dict whose keys are layers.
    """
    for value in held:
        if isinstance(value, keras.layers.Layer):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _layers_in(value)
        elif isinstance(value, dict):
            yield from _layers_in(value.values())
