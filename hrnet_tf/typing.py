"""Names for the types of arguments that many modules share; imports nothing heavy."""

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

# A tensor of TensorFlow, Keras or JAX, an array, or what they make one of: TensorFlow
# and Keras come without types.
Tensor: TypeAlias = Any
# Of a tensor, the batch first; None where any size goes.
Shape: TypeAlias = tuple[int | None, ...]
# An initializer of Keras, its name, or its configuration.
Initializer: TypeAlias = Any
# A dtype policy of Keras, or its name.
DType: TypeAlias = Any
PathLike: TypeAlias = str | os.PathLike[str]
# Where weights are; in a pair with it, what their outputs are. For `start_from`.
StartingWeights: TypeAlias = PathLike | Mapping[str, Any] | tuple[Any, str]
# Called with how many are done, and of how many.
Progress: TypeAlias = Callable[[int, int], Any]
# What Keras tells callbacks: a dict of numbers by name.
Logs: TypeAlias = Any
