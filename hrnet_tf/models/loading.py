"""Saved models, and the fast way to run a model on batches."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

import hrnet_tf
from hrnet_tf.lowlevel import internals
from hrnet_tf.models.base import HRNetModel
from hrnet_tf.typing import PathLike


def load_model(path: PathLike) -> HRNetModel:
    """Loads a model of this package from a `.keras` file, for inference.

    Args:
        path: str or path of a file that `model.save` wrote.
    Returns:
        An `HRNetModel`, such as `HRNetPose`; not compiled, its optimizer left out.
    Raises:
        ValueError: if the file is absent, cut short or no Keras file, or holds a model
            that is not of this package.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"There is no model file {path}. Expected the .keras file that"
            " model.save wrote."
        )
    name = _class_name(path)
    if name in hrnet_tf.MODELS:
        # Importing the class is what lets Keras find it by its name.
        getattr(hrnet_tf, name)
    known = list(dict.fromkeys([*hrnet_tf.MODELS, *_model_names(HRNetModel)]))
    if name not in known:
        raise ValueError(
            f"{path} holds a {name}; expected one of {known}. Load it with"
            " keras.models.load_model instead."
        )
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} could not be loaded, though it is a Keras file of a {name}:"
            f" {type(error).__name__}: {error}. It may be damaged, or come from another"
            " version of hrnet_tf."
        ) from error
    if not isinstance(model, HRNetModel):
        raise ValueError(
            f"{path} holds a {type(model).__module__}.{name}, a class of another"
            f" package; expected the {name} of hrnet_tf."
        )
    return model


def _model_names(kind):
    """Names of all classes of models, those of other packages too."""
    names = {}
    for child in kind.__subclasses__():
        names.update(dict.fromkeys([child.__name__, *_model_names(child)]))
    return list(names)


def _class_name(path):
    """Returns the class that a `.keras` file says it holds."""
    if path.suffix != ".keras":
        raise ValueError(
            f"Expected the name of a model file to end in .keras. Received: {path}."
        )
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise zipfile.BadZipFile(f"{damaged} is damaged")
            return json.loads(archive.read("config.json"))["class_name"]
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} ({path.stat().st_size} bytes) is no complete Keras file:"
            f" {error}. Save the model again, or copy the whole file."
        ) from error


def inference_function(model: HRNetModel, frozen: bool = False) -> Callable[..., Any]:
    """Returns a compiled function that runs a model on batches of images.

    On TensorFlow it is traced once for all batch sizes, which is 7 times as fast as
    calling the model eagerly. XLA is left out: it is slower on CPU.

    Args:
        model: `HRNetModel`.
        frozen: bool. False: later changes of the weights are seen. True: they are not,
            and a call takes up to a third less time; making the function takes that of
            about a hundred calls. For TensorFlow.
    Returns:
        A function from images `[B, H, W, 3]`, uint8 or float (an array or a tensor),
        to the model's outputs, tensors or, on other backends, arrays.
    """
    if keras.backend.backend() != "tensorflow":
        # The data pipeline's tensors are TensorFlow's, which other backends refuse.
        return lambda images: model.predict_on_batch(np.asarray(images))
    import tensorflow as tf

    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)

    @tf.function(input_signature=[signature], jit_compile=False)
    def run(images):
        return model(images, training=False)

    called: Any = run
    if frozen:
        called = internals.with_constants(run.get_concrete_function())
    return lambda images: called(tf.cast(images, tf.float32))
