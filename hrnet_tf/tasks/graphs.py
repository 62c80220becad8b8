"""What the inferences of all tasks need for their graphs."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.exported import Exported


def signature(function: Callable[..., Any], *specs: Any) -> Callable[..., Any]:
    """Returns a `tf.function` of graph code for inputs of these specifications."""
    return tf.function(function, input_signature=list(specs), autograph=False)


def fast(function: Callable[..., Any], spec: Any) -> Callable[..., Any]:
    """Returns the function, on TensorFlow traced for one specification."""
    if keras.backend.backend() != "tensorflow":
        return function
    return signature(function, spec)


def run_some(run: Callable[..., Any], images: Tensor) -> Any:
    """Runs a network on images of which there may be none.

    Of an empty batch oneDNN's convolutions return the wrong shape, so that a black
    image stands in.

    Args:
        run: function from images `[B, H, W, 3]` to a tensor with as many rows.
        images: tensor `[B, H, W, 3]`.
    """
    if images.shape[0]:
        return run(images)
    count = tf.shape(images)[0]
    missing = tf.cast(count == 0, tf.int32)
    images = tf.pad(images, [[0, missing], [0, 0], [0, 0], [0, 0]])
    return run(images)[:count]


def check_takes_pixels(model: "HRNetModel") -> None:
    """Raises ValueError if a model wants other inputs than RGB pixels 0..255."""
    if not model.arguments["include_preprocessing"]:
        raise ValueError(
            f"The model {model.name!r} has include_preprocessing=False, but images are"
            " RGB pixels 0..255. Rebuild it with include_preprocessing=True, and copy"
            " the weights with set_weights."
        )


def flip_test_of(
    model: "HRNetModel | Exported", asked: bool | None, usual: bool
) -> bool:
    """Returns whether a test averages with mirrored images.

    Args:
        model: `HRNetModel`, or `Exported`, which does as it was exported.
        asked: bool, or None where nobody asked.
        usual: bool. What holds for models then.
    """
    description = getattr(model, "description", {})
    return description.get("flip_test", usual) if asked is None else asked


def check_as_exported(exported: "Exported", **asked: Any) -> None:
    """Raises ValueError for options that an exported graph was not made with.

    Args:
        exported: `Exported`.
        **asked: options by name; None asks for nothing.
    """
    for name, value in asked.items():
        found = exported.description.get(name)
        if value is not None and value != found:
            raise ValueError(
                f"{exported.path} was exported with {name}={found}, which is part of"
                f" its graph. Received: {name}={value}. Leave {name} out, or export the"
                " model again."
            )
