"""Classifiers that leave the package: from images to probabilities and names."""

import tensorflow as tf

from hrnet_tf.data.augment.classification import center_crop
from hrnet_tf.io import decode_image
from hrnet_tf.models.classifier import check_crop_fraction
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks.classification.evaluate import checked_image_size
from hrnet_tf.tasks.pose.inference import NAMES_FILE

TOP_K = 5


class ClassificationSignatures:
    """A classifier with everything around it: decoding, cropping and the names.

    The methods are graph code, on the TensorFlow backend.

    Args:
        model: `HRNetClassifier` with its top and preprocessing; with an `image_size`
            of None images are cut to 224x224.
        crop_fraction: float in (0, 1], of the centre crop, see `HRNetClassifier`; or
            None for the model's own.
    Attributes:
        image_size: (height, width) of the crops.
        class_names: tuple of str, or None.
    Raises:
        ValueError: if the model does not classify, or an argument is out of range.
    """

    task = "classification"

    def __init__(self, model, crop_fraction=None):
        self.image_size = checked_image_size(model)
        if crop_fraction is None:
            crop_fraction = model.arguments["crop_fraction"]
        check_crop_fraction(crop_fraction)
        self.model = model
        self.crop_fraction = float(crop_fraction)
        self.class_names = model.arguments["class_names"]
        activation = model.arguments["classifier_activation"]
        # Sigmoids and softmaxes are probabilities already.
        self._has_logits = activation in (None, "linear")
        self._run = inference_function(model)

    def functions(self):
        """Returns the signatures: dict from name to `tf.function`.

        "serving_default" takes image_bytes (string `[B]`, files of any size that
        TensorFlow decodes), "crops" takes images (uint8 `[B, H, W, 3]`, RGB, of
        `image_size`). Both return what `crops` does.
        """
        image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
        images = tf.TensorSpec((None, *self.image_size, 3), tf.uint8, "images")
        return {
            "serving_default": tf.function(
                self.files, input_signature=[image_bytes], autograph=False
            ),
            "crops": tf.function(self.crops, input_signature=[images], autograph=False),
        }

    def description(self):
        """Returns what is written beside the graph, as a dict of json values."""
        return {
            "task": self.task,
            "image_size": list(self.image_size),
            "crop_fraction": self.crop_fraction,
            "num_classes": self.model.num_classes,
            "class_names": self.class_names and list(self.class_names),
        }

    def assets(self):
        """Returns further files: dict from name to text."""
        if self.class_names is None:
            return {}
        return {NAMES_FILE: "".join(f"{name}\n" for name in self.class_names)}

    def files(self, image_bytes):
        """Classifies image files by their centre crops.

        Args:
            image_bytes: string tensor `[B]`.
        Returns:
            As `crops`.
        """

        def crop(encoded):
            return center_crop(
                decode_image(encoded), self.image_size, self.crop_fraction
            )

        return self.crops(
            tf.map_fn(
                crop,
                image_bytes,
                fn_output_signature=tf.TensorSpec((*self.image_size, 3), tf.uint8),
            )
        )

    def crops(self, images):
        """Classifies crops.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB, of `image_size`.
        Returns:
            A dict: "probabilities" float32 `[B, C]`; of the five likeliest classes
            (all, if there are fewer), the best first, "top_labels" int32 `[B, K]`,
            "top_probabilities" float32 `[B, K]` and, where the model names its
            classes, "top_names" string `[B, K]`.
        """
        # Of an empty batch oneDNN's convolutions return the wrong shape, so that a
        # black crop stands in.
        count = tf.shape(images)[0]
        missing = tf.cast(count == 0, tf.int32)
        images = tf.pad(images, [[0, missing], [0, 0], [0, 0], [0, 0]])
        outputs = self._run(tf.cast(images, tf.float32))[:count]
        probabilities = tf.nn.softmax(outputs) if self._has_logits else outputs
        k = min(TOP_K, self.model.num_classes)
        best, labels = tf.math.top_k(probabilities, k)
        found = {
            "probabilities": probabilities,
            "top_labels": labels,
            "top_probabilities": best,
        }
        if self.class_names is not None:
            found["top_names"] = tf.gather(tf.constant(self.class_names), labels)
        return found


class ExportedClassification:
    """A SavedModel of a classifier, loaded.

    Args:
        folder: `Path` of the version's folder.
        description: dict, see `ClassificationSignatures.description`.
        loaded: what `tf.saved_model.load` returned.
    Attributes:
        folder, image_size, crop_fraction, num_classes, class_names: as exported.
    """

    def __init__(self, folder, description, loaded):
        self.folder = folder
        self.image_size = tuple(description["image_size"])
        self.crop_fraction = description["crop_fraction"]
        self.num_classes = description["num_classes"]
        names = description["class_names"]
        self.class_names = None if names is None else tuple(names)
        # Held on to: the signatures of a collected object lose their variables.
        self._loaded = loaded
        self._crops = loaded.signatures["crops"]

    def crops(self, images):
        """Classifies crops; see `ClassificationSignatures.crops`."""
        return self._crops(images=images)
