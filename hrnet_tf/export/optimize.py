"""Networks as exports hold them: fixed graphs, in a type of one's choice."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from hrnet_tf.models.fixed_graphs import fixed_detect, fixed_function

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


def optimized_network(
    model: "HRNetModel", compute_dtype: str = "float32"
) -> Callable[..., Any]:
    """Returns a function that runs a model in inference, with nothing left of training.

    Its variables are constants; a batch normalisation behind a convolution becomes part
    of its kernel and a bias, which TensorFlow computes together with the convolution.

    Args:
        model: `HRNetModel`. Later changes of its weights are not seen.
        compute_dtype: "float32" or "bfloat16".
    Returns:
        A function from images `[B, H, W, 3]`, uint8 or float, to the model's outputs:
        what `inference_function` returns of it. Of an `HRNetDetector` one that takes
        and returns what its `detect` does, all of the arguments.
    """
    model = with_policy(model, compute_dtype)
    if hasattr(model, "detect"):
        return fixed_detect(model)
    spec = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, "images")
    fixed = fixed_function(lambda images: model(images, training=False), model, [spec])
    return lambda images: fixed(tf.cast(images, tf.float32))


def with_policy(model: "HRNetModel", compute_dtype: str) -> "HRNetModel":
    """Returns the model computing in a type, with its weights in float32."""
    name = "float32" if compute_dtype == "float32" else f"mixed_{compute_dtype}"
    policy = getattr(model, "arguments", {}).get("dtype")
    if policy is not None and policy.name == name:
        return model
    rebuilt = type(model).from_config({**model.get_config(), "dtype": name})
    rebuilt.set_weights(model.get_weights())
    return rebuilt
