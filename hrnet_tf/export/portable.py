"""What other runtimes can compute of an inference: from pixels to numbers."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.export.graphs import check_exportable
from hrnet_tf.tasks import make_inference

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Inference


def portable_inference(model: "HRNetModel", **options: Any) -> "Inference":
    """Returns the inference that is exported for a runtime without TensorFlow.

    Args:
        model: `HRNetModel` of a task. Mixed precision is left out.
        **options: of the task's inference; an `image_size` of None takes the model's.
    Raises:
        ValueError: if an option is wrong, the model cannot be exported, or other
            runtimes cannot compute what it does.
    """
    check_exportable(model)
    if "image_size" in options and options["image_size"] is None:
        options["image_size"] = model.input_shape[1:3]
    inference = make_inference(in_float32(model), **options)
    # What is in the way shows before the work.
    _ = inference.portable
    return inference


def checked_pictures(
    graph: Any, pictures: Iterable[np.ndarray] | None
) -> list[np.ndarray]:
    """Returns pictures that whole numbers are fitted to, before any work is done.

    Args:
        graph: `tf.function` of `portable_graph`.
        pictures: iterable of uint8 arrays `[H, W, 3]`, or None.
    Raises:
        ValueError: if there are none, or one is not what the graph takes.
    """
    (spec,) = graph.input_signature
    wanted = spec.shape[1:].as_list()
    taken = [] if pictures is None else list(pictures)
    if not taken:
        raise ValueError(
            "int8 is fitted to pictures. Received: no calibration pictures. Pass"
            " `calibration`, such as what hrnet_tf.export.pictures.pictures_of gives."
        )
    for number, picture in enumerate(taken):
        array = np.asarray(picture)
        if array.dtype != np.uint8 or list(array.shape) != wanted:
            raise ValueError(
                f"Calibration picture {number} is {array.dtype} {list(array.shape)}."
                f" Expected uint8 {wanted}, as the network will see it:"
                " hrnet_tf.export.pictures.pictures_of cuts and resizes."
            )
    return taken


def portable_graph(
    inference: "Inference", batch_size: int | None = None
) -> tuple[str, Any]:
    """Returns the signature that takes pixels: its name, and a `tf.function`.

    Texts are left out of what it returns.

    Args:
        inference: `Inference`, see `portable_inference`.
        batch_size: int, or None for any.
    Raises:
        ValueError: if the number is not positive.
    """
    if batch_size is not None and (not isinstance(batch_size, int) or batch_size < 1):
        raise ValueError(
            "batch_size must be a positive integer."
            f" Received: batch_size={batch_size!r}."
        )
    name = inference.portable
    function = inference.signatures[name]
    (spec,) = function.input_signature
    shape = (batch_size, *spec.shape[1:])

    def without_texts(images):
        found = function.python_function(images)
        return {key: x for key, x in found.items() if x.dtype != tf.string}

    return name, tf.function(
        without_texts,
        input_signature=[tf.TensorSpec(shape, spec.dtype, spec.name)],
        autograph=False,
    )


def in_float32(model: "HRNetModel") -> "HRNetModel":
    """Returns the model, rebuilt without mixed precision if it has that."""
    policy = getattr(model, "arguments", {}).get("dtype")
    if policy is None or policy.compute_dtype == "float32":
        return model
    rebuilt = type(model).from_config({**model.get_config(), "dtype": "float32"})
    rebuilt.set_weights(model.get_weights())
    return rebuilt
