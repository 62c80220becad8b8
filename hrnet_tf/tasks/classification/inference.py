"""From images to probabilities and names: decoding, centre crop, network."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.classification import center_crop
from hrnet_tf.io import decode_image
from hrnet_tf.models.classifier import check_crop_fraction
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.base import NAMES_FILE
from hrnet_tf.tasks.classification.result import Classification
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.models.classifier import HRNetClassifier


IMAGE_SIZE = (224, 224)
TOP_K = 5


class ClassificationInference:
    """Says what images show; see `tasks.base.Inference`.

    `files` and `crops` are graph code, on the TensorFlow backend.

    Args:
        model: `HRNetClassifier` with its top and preprocessing; with an `image_size`
            of None images are cut to 224x224; or `Exported`.
        crop_fraction: float in (0, 1], of the centre crop, see `HRNetClassifier`; or
            None for the model's own, or what it was exported with.
        image_size: (height, width) of the crops; None for the model's own.
        infer: function from images to outputs; None makes it from the model.
        frozen: bool. Runs a model faster, see `inference_function`; not used for
            exported ones.
    Attributes:
        model: the classifier, rebuilt for the size if it was made for another.
        image_size: (height, width) of the crops.
        crop_fraction: float.
        class_names: tuple of str, or None.
        num_classes: int.
    Raises:
        ValueError: if the model does not classify, or an argument is out of range.
    """

    portable = "crops"
    per_image = ()
    built_in = ()

    def __init__(
        self,
        model: "HRNetModel | Exported",
        crop_fraction: float | None = None,
        image_size: tuple[int, int] | None = None,
        infer: Callable[..., Any] | None = None,
        frozen: bool = False,
    ) -> None:
        self.model = model
        if isinstance(model, Exported):
            graphs.check_as_exported(model, image_size=image_size)
            fields = model.description
            self.image_size = tuple(fields["image_size"])
            self.num_classes = fields["num_classes"]
            own, names = fields["crop_fraction"], fields["class_names"]
            self._read_crops = model.signature("crops")
            self.outputs = lambda images: self._read_crops(images=images)[
                "probabilities"
            ]
        else:
            checked_image_size(model)
            self.model = at_image_size(model, image_size)
            self.image_size = checked_image_size(self.model)
            self.num_classes = model.num_classes
            own = model.arguments["crop_fraction"]
            names = model.arguments["class_names"]
            activation = model.arguments["classifier_activation"]
            # Sigmoids and softmaxes are probabilities already.
            self._has_logits = activation in (None, "linear")
            self.outputs = infer or inference_function(self.model, frozen)
        fraction = own if crop_fraction is None else crop_fraction
        check_crop_fraction(fraction)
        self.crop_fraction = float(fraction)
        self.class_names = None if names is None else tuple(names)

    @functools.cached_property
    def signatures(self) -> dict[str, Any]:
        """dict of `tf.function`.

        "serving_default" takes image_bytes (string `[B]`, files of any size that
        TensorFlow decodes), "crops" takes images (uint8 `[B, H, W, 3]`, RGB, of
        `image_size`). Both return what `crops` does.
        """
        image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
        return {
            "serving_default": graphs.signature(self.files, image_bytes),
            "crops": graphs.signature(self.crops, self.crop_spec),
        }

    @property
    def crop_spec(self) -> tf.TensorSpec:
        """`tf.TensorSpec` of the images that `crops` takes, of any batch size."""
        return tf.TensorSpec((None, *self.image_size, 3), tf.uint8, "images")

    @property
    def description(self) -> dict[str, Any]:
        """dict of json values, written beside the graph."""
        return {
            "task": "classification",
            "image_size": list(self.image_size),
            "crop_fraction": self.crop_fraction,
            "num_classes": self.num_classes,
            **self.header,
        }

    @property
    def header(self) -> dict[str, Any]:
        """dict of json values that all results have in common."""
        names = self.class_names
        return {"class_names": None if names is None else list(names)}

    @property
    def assets(self) -> dict[str, Any]:
        """dict of a file's name to its text: the classes."""
        if self.class_names is None:
            return {}
        return {NAMES_FILE: "".join(f"{name}\n" for name in self.class_names)}

    def files(self, image_bytes: Tensor) -> dict[str, Tensor]:
        """Classifies image files by their centre crops.

        Args:
            image_bytes: string tensor `[B]`.
        Returns:
            As `crops`.
        """
        cut = tf.map_fn(
            lambda encoded: self.cut(decode_image(encoded)),
            image_bytes,
            fn_output_signature=tf.TensorSpec((*self.image_size, 3), tf.uint8),
        )
        return self.crops(cut)

    def cut(self, pixels: Tensor) -> Tensor:
        """Returns the centre crop uint8 `[h, w, 3]` of an image uint8 `[H, W, 3]`."""
        return center_crop(pixels, self.image_size, self.crop_fraction)

    def crops(self, images: Tensor) -> dict[str, Tensor]:
        """Classifies crops.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB, of `image_size`.
        Returns:
            A dict: "probabilities" float32 `[B, C]`; of the five likeliest classes
            (all, if there are fewer), the best first, "top_labels" int32 `[B, K]`,
            "top_probabilities" float32 `[B, K]` and, where the model names its
            classes, "top_names" string `[B, K]`.
        """
        outputs = graphs.run_some(self.outputs, images)
        probabilities = tf.nn.softmax(outputs) if self._has_logits else outputs
        k = min(TOP_K, self.num_classes)
        best, labels = tf.math.top_k(probabilities, k)
        found = {
            "probabilities": probabilities,
            "top_labels": labels,
            "top_probabilities": best,
        }
        if self.class_names is not None:
            found["top_names"] = tf.gather(tf.constant(self.class_names), labels)
        return found

    def run(
        self,
        images: Sequence[np.ndarray],
        names: Sequence[str | None] | None = None,
        top_k: int = TOP_K,
    ) -> list[Classification]:
        """Finds the likeliest classes of several images, which run together.

        Args:
            images: list of uint8 arrays `[H, W, 3]`, RGB.
            names: list of the images' paths, or of None.
            top_k: int. Number of classes; all, if there are fewer.
        Returns:
            list of `Classification`.
        Raises:
            ValueError: if `top_k` is not positive.
        """
        if top_k < 1:
            raise ValueError(f"top_k must be positive. Received: top_k={top_k}.")
        names = names or [None] * len(images)
        crops = tf.stack([self.cut(tf.constant(pixels)) for pixels in images])
        found = np.asarray(self._read_crops(images=crops)["probabilities"])
        return [
            self._result(probabilities, top_k, name)
            for probabilities, name in zip(found, names, strict=True)
        ]

    @functools.cached_property
    def _read_crops(self):
        return graphs.fast(self.crops, self.crop_spec)

    def _result(self, probabilities, top_k, path):
        labels = np.argsort(-probabilities, kind="stable")[:top_k]
        names = self.class_names
        return Classification(
            labels=labels,
            probabilities=probabilities[labels],
            names=None if names is None else [names[label] for label in labels],
            image_path=path,
        )


def checked_image_size(model: "HRNetModel") -> tuple[int, int]:
    """Returns the (height, width) of the crops that a classifier is given.

    Raises:
        ValueError: if the model does not classify images of pixels 0..255.
    """
    arguments = getattr(model, "arguments", {})
    if "class_names" not in arguments or not arguments.get("include_top", True):
        without = " with include_top=False" if hasattr(model, "num_classes") else ""
        raise ValueError(
            "Expected an HRNetClassifier with include_top=True. Received:"
            f" {type(model).__name__}{without}."
        )
    graphs.check_takes_pixels(model)
    height, width = model.input_shape[1:3]
    return IMAGE_SIZE if height is None else (height, width)


def at_image_size(
    model: "HRNetClassifier", image_size: tuple[int, int] | None
) -> "HRNetClassifier":
    """Returns the model for crops of a size: itself, or rebuilt with its weights.

    Args:
        model: `HRNetClassifier`.
        image_size: (height, width), or None for the model's own.
    """
    if image_size is None or tuple(image_size) == tuple(model.input_shape[1:3]):
        return model
    rebuilt = type(model).from_config(
        {**model.get_config(), "image_size": tuple(image_size)}
    )
    rebuilt.set_weights(model.get_weights())
    return rebuilt
