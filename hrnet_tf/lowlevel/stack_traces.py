"""What graphs keep of the Python code that made them."""

import contextlib
import functools
import sys
from contextlib import AbstractContextManager
from typing import Any

from hrnet_tf.lowlevel import internals

LEFT_OUT = ("keras", "tensorflow", "hrnet_tf.distribution")
# The ends of all traces. TensorFlow drops three lines after it has left out files.
LEFT_IN = (
    "tensorflow.python.framework.ops",
    "tensorflow.python.util.tf_stack",
    "tensorflow.python.util.traceback_utils",
)


def short_stack_traces() -> AbstractContextManager[Any]:
    """A context in which graphs keep few lines of Keras' and TensorFlow's own files.

    TensorFlow keeps the stack of Python calls with every operation, as text, once the
    graph is run: 130 MB for HRNet-W32's training step, of which most are lines of the
    two libraries. `tf.debugging.disable_traceback_filtering()` keeps them.

    Returns:
        A context manager, for one thread and one `with` statement.
    """
    import tensorflow as tf

    if not (tf.inside_function() and tf.debugging.is_traceback_filtering_enabled()):
        return contextlib.nullcontext()
    return internals.without_files(_files)


@functools.cache
def _files():
    modules = [
        module
        for name, module in list(sys.modules.items())
        if f"{name}.".startswith(tuple(f"{library}." for library in LEFT_OUT))
        and name not in LEFT_IN
    ]
    files = (getattr(module, "__file__", None) for module in modules)
    return frozenset(file for file in files if file)
