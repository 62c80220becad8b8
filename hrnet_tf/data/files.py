"""Image files that are read once and kept in memory."""

import contextlib
import contextvars
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow as tf

_KEPT = contextvars.ContextVar("kept", default=False)


@contextlib.contextmanager
def kept_in_memory(keep: bool = True) -> Iterator[None]:
    """Lets the batches of training that are made inside keep the files they read.

    For data on network disks and in buckets, which are slow to read at each epoch. What
    is on a local disk, the system keeps in free memory anyway.

    Args:
        keep: bool. False changes nothing.
    """
    token = _KEPT.set(keep)
    try:
        yield
    finally:
        _KEPT.reset(token)


def reader(paths: Iterable[str] | None) -> Callable[..., Any] | None:
    """Makes the function that reads files; inside `kept_in_memory` reads them all now.

    Args:
        paths: iterable of str, all that may be read; or None where the images are in
            records, which are not kept, and a warning says so.
    Returns:
        A function from a scalar string tensor, one of the paths, to a file's bytes; or
        None for None.
    Raises:
        OSError: naming the file, if it is to be kept and cannot be read.
    """
    if paths is None:
        if _KEPT.get():
            warnings.warn(
                "The images are in records, which are read at each epoch: only image"
                " files can be kept in memory.",
                stacklevel=2,
            )
        return None
    if not _KEPT.get():
        return tf.io.read_file
    paths = sorted(set(paths))
    data = tf.data.Dataset.from_tensor_slices(paths)
    data = data.map(tf.io.read_file, num_parallel_calls=tf.data.AUTOTUNE)
    try:
        contents = list(data.as_numpy_iterator())
    except tf.errors.OpError as error:
        text = f"A file to keep in memory cannot be read: {error.message}"
        raise OSError(text) from error
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(tf.constant(paths), tf.constant(contents)),
        default_value="",
    )
    return table.lookup
