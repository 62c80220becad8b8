"""Segmenters that leave the package: from images to maps of classes."""

import json

import tensorflow as tf

from hrnet_tf.data.label_sets import IGNORE_LABEL, LabelSet, model_label_set
from hrnet_tf.io import decode_image
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks.pose.inference import NAMES_FILE
from hrnet_tf.tasks.segmentation.fusion import (
    aligns_corners,
    at_image_size,
    check_segmenter,
    flip_indices,
    full_size_logits,
    takes_any_size,
)
from hrnet_tf.tasks.segmentation.protocols import COARSEST_STRIDE

LABELS_FILE = "label_set.json"


class SegmentationSignatures:
    """A segmenter with everything around it: decoding, flip test, sizes and files.

    The methods are graph code, on the TensorFlow backend.

    Args:
        model: `HRNetSegmenter` or `HRNetOCRSegmenter`, with preprocessing.
        flip_test: bool. True averages the logits with those of the mirrored image, for
            twice the time.
        image_size: (height, width) of all images, or None for images of any size,
            whatever size the model was made for.
    Attributes:
        model: the segmenter, rebuilt for the size if it was made for another.
        label_set: `LabelSet` or None.
    Raises:
        ValueError: if the model does not allow it.
    """

    task = "segmentation"

    def __init__(self, model, flip_test=False, image_size=None):
        check_segmenter(model)
        self.model = at_image_size(model, image_size)
        self.flip_test = bool(flip_test)
        self.label_set = model_label_set(model)
        self._flip_indices = flip_indices(model) if flip_test else None
        self._align_corners = aligns_corners(model)
        self._run = inference_function(self.model)

    def functions(self):
        """Returns the signatures: dict from name to `tf.function`.

        "serving_default" is `files`, "images" is `images`.
        """
        image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
        return {
            "serving_default": tf.function(
                self.files, input_signature=[image_bytes], autograph=False
            ),
            "images": tf.function(
                self.images, input_signature=[self.images_spec], autograph=False
            ),
        }

    @property
    def images_spec(self):
        """`tf.TensorSpec` of the images that `images` takes, of any batch size."""
        return tf.TensorSpec((None, *self.model.input_shape[1:]), tf.uint8, "images")

    def description(self):
        """Returns what is written beside the graph, as a dict of json values."""
        return {
            "task": self.task,
            "num_classes": self.model.num_classes,
            "label_set": self.label_set and self.label_set.to_dict(),
            "flip_test": self.flip_test,
        }

    def assets(self):
        """Returns further files, dict from name to text: classes, and their colours."""
        if self.label_set is None:
            return {}
        names = "".join(f"{name}\n" for name in self.label_set.classes)
        labels = json.dumps(self.label_set.to_dict(), indent=1) + "\n"
        return {NAMES_FILE: names, LABELS_FILE: labels}

    def files(self, image_bytes):
        """Segments image files of any sizes, one after the other.

        Args:
            image_bytes: string tensor `[B]`, files that TensorFlow decodes.
        Returns:
            A dict: "labels" uint8 `[B, H, W]`, classes 0..C-1, smaller images filled up
            below and on the right with 255; "sizes" int32 `[B, 2]`, each image's
            height and width; "png_bytes" string `[B]`, each image's map as a grey PNG
            of its own size with the values of the label set's files (REST returns
            outputs of such a name in base64).
        """
        file_ids = (
            range(self.model.num_classes)
            if self.label_set is None
            else self.label_set.file_ids
        )
        table = tf.constant(list(file_ids), tf.uint8)

        def segment(encoded):
            labels = self._labels(decode_image(encoded)[None])[0]
            values = tf.gather(table, tf.cast(labels, tf.int32))
            rows = tf.RaggedTensor.from_tensor(labels)
            # Sizes as tf.shape gives them make TensorFlow warn in every process.
            size = tf.cast(tf.shape(labels, tf.int64), tf.int32)
            return rows, size, tf.io.encode_png(values[..., None])

        labels, sizes, files = tf.map_fn(
            segment,
            image_bytes,
            fn_output_signature=(
                tf.RaggedTensorSpec((None, None), tf.uint8, 1),
                tf.TensorSpec((2,), tf.int32),
                tf.TensorSpec((), tf.string),
            ),
        )
        filling = tf.constant(IGNORE_LABEL, tf.uint8)
        return {
            "labels": labels.to_tensor(filling),
            "sizes": sizes,
            "png_bytes": files,
        }

    def images(self, images):
        """Segments images of one size.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
        Returns:
            A dict: "labels" uint8 `[B, H, W]`, classes 0..C-1; "confidence" float32
            `[B, H, W]`, the probability of that class.
        """
        if images.shape[0]:
            logits = self._logits(images)
        else:
            # Of an empty batch oneDNN's convolutions return the wrong shape, so that a
            # black image stands in.
            count = tf.shape(images)[0]
            missing = tf.cast(count == 0, tf.int32)
            images = tf.pad(images, [[0, missing], [0, 0], [0, 0], [0, 0]])
            logits = self._logits(images)[:count]
        return {
            "labels": _classes(logits),
            "confidence": tf.reduce_max(tf.nn.softmax(logits), -1),
        }

    def _logits(self, images):
        pixels = tf.cast(images, tf.float32)
        return full_size_logits(
            self._run,
            pixels,
            self._align_corners,
            self._flip_indices,
            COARSEST_STRIDE if takes_any_size(self.model) else None,
        )

    def _labels(self, images):
        return _classes(self._logits(images))


def _classes(logits):
    return tf.cast(tf.argmax(logits, -1), tf.uint8)


class ExportedSegmentation:
    """A SavedModel of a segmenter, loaded.

    Args:
        folder: `Path` of the version's folder.
        description: dict, see `SegmentationSignatures.description`.
        loaded: what `tf.saved_model.load` returned.
    Attributes:
        folder, num_classes, flip_test: as exported.
        label_set: `LabelSet` or None.
    """

    def __init__(self, folder, description, loaded):
        self.folder = folder
        self.num_classes = description["num_classes"]
        self.flip_test = description["flip_test"]
        fields = description["label_set"]
        self.label_set = None if fields is None else LabelSet.from_dict(fields)
        # Held on to: the signatures of a collected object lose their variables.
        self._loaded = loaded
        self._images = loaded.signatures["images"]

    def images(self, images):
        """Segments images; see `SegmentationSignatures.images`."""
        return self._images(images=images)
