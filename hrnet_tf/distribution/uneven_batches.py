"""Evaluation on several JAX devices of batches that these cannot share evenly."""

import functools
from typing import Any

import keras

from hrnet_tf.lowlevel import internals


def has_devices() -> bool:
    """True if a `keras.distribution` spreads batches over this process' JAX devices.

    Of several processes each would have a remainder of its own. False too where Keras
    has no iterator that could be told where batches go.
    """
    if keras.backend.backend() != "jax" or internals.jax_epoch_iterator() is None:
        return False
    import jax

    return keras.distribution.distribution() is not None and jax.process_count() == 1


def make_iterator(model: keras.Model, cached: Any, **data: Any) -> Any:
    """Makes what `keras.Model.evaluate` takes batches from, of any size.

    Keras divides each batch by the devices, and stops at one that cannot be divided, as
    the last often is. Such a batch goes whole to every device here.

    Args:
        model: compiled `keras.Model`.
        cached: the iterator that `fit` keeps for its validation, or None.
        **data: otherwise `x`, `y`, `sample_weight`, `batch_size` and `steps_per_epoch`.
    Returns:
        A `JAXEpochIterator`.
    """
    kind = _iterator_class()
    if cached is None:
        cached = kind.__base__(
            shuffle=False, steps_per_execution=model.steps_per_execution, **data
        )
    return cached if isinstance(cached, kind) else kind(cached)


@functools.cache
def _iterator_class():
    # Keras' public interface has no word on the batches' devices.
    class AnyBatchIterator(internals.jax_epoch_iterator()):
        def __init__(self, other):
            # Data that can be read once may have been begun.
            self.__dict__.update(other.__dict__)

        def _get_distributed_iterator(self, distribution):
            for batch in self.data_adapter.get_jax_iterator():
                yield _spread(batch, distribution)

    return AnyBatchIterator


def _spread(batch, distribution):
    """Puts the parts of a batch on the devices of a distribution."""
    import jax

    mesh = distribution.device_mesh
    shares = mesh.shape[mesh.axis_names.index(distribution.batch_dim_name)]

    def put(array):
        if array is None:
            return None
        layout = distribution.get_data_layout(array.shape)
        if array.shape[0] % shares:
            layout = keras.distribution.TensorLayout([None] * len(array.shape), mesh)
        return jax.device_put(array, layout.backend_layout)

    return keras.tree.map_structure(put, batch)
