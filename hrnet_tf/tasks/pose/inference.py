"""The graphs that leave the package: from crops, or whole images, to keypoints."""

from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.affine import BOX_PADDING, box_regions, decode_crop
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import KeypointSet, model_keypoint_set
from hrnet_tf.models.loading import inference_function
from hrnet_tf.models.pose import HRNetPose
from hrnet_tf.models.simple_baseline import SimpleBaselinePose

# The names of classes, a line each: in assets.extra, and as an asset of the graph.
NAMES_FILE = "class_names.txt"
CLASSES_FILE = "classes.txt"
# Boxes beyond these, in pixels, overflow the float32 arithmetic of cropping.
MIN_BOX_SIDE = 1e-3
MAX_BOX_COORDINATE = 1e6


class PoseSignatures:
    """A pose model with everything around it: cropping, flip test and decoding.

    The methods are graph code; wrap them in `tf.function` to run them fast, on the
    TensorFlow backend.

    Args:
        model: `HRNetPose` with a fixed `image_size` and preprocessing included.
        flip_test: bool. True averages the heatmaps with those of the mirrored crop,
            for twice the time.
    Raises:
        ValueError: if the model does not allow it.
    """

    task = "pose"

    def __init__(self, model, flip_test=False):
        _check_model(model)
        self.model = model
        self.flip_test = bool(flip_test)
        self.codec = HeatmapCodec.for_model(model)
        self.keypoint_set = model_keypoint_set(model)
        if flip_test and self.keypoint_set is None:
            raise ValueError(
                "The flip test needs to know which keypoints are left and right, but"
                f" the model {model.name!r} has keypoint_set=None. Build it with"
                " keypoint_set=KeypointSet(...).to_dict(), or pass flip_test=False."
            )
        self._run = inference_function(model)

    def functions(self):
        """Returns the signatures: dict from name to `tf.function`.

        "serving_default" is `people`, "crops" is `crops`.
        """
        image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
        boxes = tf.TensorSpec((None, None, 4), tf.float32, "boxes")
        return {
            "serving_default": tf.function(
                self.people, input_signature=[image_bytes, boxes], autograph=False
            ),
            "crops": tf.function(
                self.crops, input_signature=[self.crop_spec], autograph=False
            ),
        }

    def description(self):
        """Returns what is written beside the graph, as a dict of json values."""
        return {
            "task": self.task,
            "image_size": list(self.codec.image_size),
            "num_keypoints": self.model.num_keypoints,
            "keypoint_set": self.keypoint_set and self.keypoint_set.to_dict(),
            "flip_test": self.flip_test,
            "box_padding": BOX_PADDING,
            "heatmap_convention": self.codec.convention,
        }

    def assets(self):
        """Returns further files: none."""
        return {}

    @property
    def crop_spec(self):
        """`tf.TensorSpec` of the images that `crops` takes, of any batch size."""
        return tf.TensorSpec((None, *self.codec.image_size, 3), tf.uint8, "images")

    def crops(self, images):
        """Finds the keypoints of crops.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB, of the model's `image_size`.
        Returns:
            A dict of float32 tensors: "keypoints" `[B, K, 2]`, x, y in pixels of the
            crop; "scores" `[B, K]`, the peaks of the heatmaps; "heatmaps" `[B, H/4,
            W/4, K]` of the scale of the training targets.
        """
        heatmaps = self._heatmaps(images)
        cells, scores = self.codec.decode(heatmaps)
        keypoints = self.codec.to_crop(cells)
        return {"keypoints": keypoints, "scores": scores, "heatmaps": heatmaps}

    def people(self, image_bytes, boxes):
        """Finds the keypoints of people in encoded images, of any sizes.

        Boxes without area, or with a number that is not finite or beyond a million
        pixels, are padding: they cost nothing and their keypoints and scores are zero.

        Args:
            image_bytes: string tensor `[B]`, JPEG or PNG files.
            boxes: float32 tensor `[B, N, 4]`, x, y, width, height in pixels.
        Returns:
            A dict of float32 tensors: "keypoints" `[B, N, K, 2]`, x, y in pixels of
            the image; "scores" `[B, N, K]`.
        """
        real = tf.reduce_all(boxes[..., 2:] > 0, -1)
        real &= tf.reduce_max(boxes[..., 2:], -1) >= MIN_BOX_SIDE
        # NaN is not less than anything.
        real &= tf.reduce_all(tf.abs(boxes) < MAX_BOX_COORDINATE, -1)
        places = tf.cast(tf.where(real), tf.int32)
        height, width = self.codec.image_size
        centers, sizes = box_regions(tf.gather_nd(boxes, places), width / height)
        matrices = self.codec.crop_matrix(centers, sizes, tf.zeros_like(sizes[:, 0]))
        crops = tf.map_fn(
            lambda args: decode_crop(image_bytes[args[0]], args[1], (height, width)),
            (places[:, 0], matrices),
            fn_output_signature=tf.TensorSpec((height, width, 3), tf.uint8),
        )
        cells, scores = self.codec.decode(self._heatmaps(crops))
        keypoints = self.codec.to_image(cells, centers, sizes)
        shape = tf.concat([tf.shape(boxes)[:2], [self.model.num_keypoints]], 0)
        return {
            "keypoints": tf.scatter_nd(places, keypoints, tf.concat([shape, [2]], 0)),
            "scores": tf.scatter_nd(places, scores, shape),
        }

    def _heatmaps(self, images):
        """Runs the network on uint8 crops; merges mirrored ones if asked."""
        if images.shape[0]:
            return self._heatmaps_of_some(images)
        # Of an empty batch oneDNN's convolutions return the wrong shape, so that a
        # black crop stands in for nobody.
        count = tf.shape(images)[0]
        missing = tf.cast(count == 0, tf.int32)
        images = tf.pad(images, [[0, missing], [0, 0], [0, 0], [0, 0]])
        return self._heatmaps_of_some(images)[:count]

    def _heatmaps_of_some(self, images):
        if self.flip_test:
            images = tf.concat([images, tf.reverse(images, [2])], 0)
        heatmaps = self.codec.activate(self._run(tf.cast(images, tf.float32)))
        if not self.flip_test:
            return heatmaps
        heatmaps, flipped = tf.split(heatmaps, 2)
        return self.codec.merge_flipped(
            heatmaps, flipped, self.keypoint_set.flip_indices
        )


class ExportedPose:
    """A SavedModel of a pose model, loaded.

    Args:
        folder: `Path` of the version's folder.
        description: dict, see `PoseSignatures.description`.
        loaded: what `tf.saved_model.load` returned.
    Attributes:
        folder: `Path` of the version's folder.
        image_size: (height, width) of the crops.
        keypoint_set: `KeypointSet` or None.
        flip_test: bool, whether the flip test is part of the graph.
        heatmap_convention: str, see `HeatmapCodec`; how the crops are to be cut.
    """

    def __init__(self, folder, description, loaded):
        self.folder = folder
        self.image_size = tuple(description["image_size"])
        self.flip_test = description["flip_test"]
        # Folders from before there were others do not name it.
        self.heatmap_convention = description.get("heatmap_convention", "official")
        fields = description["keypoint_set"]
        self.keypoint_set = None if fields is None else KeypointSet.from_dict(fields)
        # Held on to: the signatures of a collected object lose their variables.
        self._loaded = loaded
        self._crops = loaded.signatures["crops"]

    def crops(self, images):
        """Finds the keypoints of crops; see `PoseSignatures.crops`."""
        return self._crops(images=images)


def check_exportable(model):
    """Raises ValueError if a model cannot be exported as it is."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Models are exported with the TensorFlow backend of Keras. Received:"
            f" {keras.backend.backend()}. Set KERAS_BACKEND=tensorflow; .keras files"
            " load with any backend."
        )
    for variable in model.variables:
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            raise ValueError(
                f"The weight {variable.path} of the model {model.name!r} holds numbers"
                " that are not finite: its training diverged. Export a checkpoint from"
                " before that."
            )


def save_functions(model, folder, functions, class_names=None):
    """Writes a SavedModel that holds a model's variables and the signatures given.

    Args:
        model: `HRNetModel`.
        folder: str or path.
        functions: dict from a signature's name to a `tf.function` with an
            `input_signature`.
        class_names: str or None. The names of the classes, a line each; they become the
            SavedModel's asset "classes", assets/classes.txt.
    """
    # The variables alone: the model's layers would add their own functions, and may
    # hold what TensorFlow's tracking refuses, such as dicts with keys of other types.
    module = tf.Module()
    module.weights = [variable.value for variable in model.variables]
    with TemporaryDirectory() as temporary:
        if class_names is not None:
            # An asset is copied under its file's own name.
            file = Path(temporary, CLASSES_FILE)
            file.write_text(class_names, encoding="utf-8")
            module.classes = tf.saved_model.Asset(str(file))
        tf.saved_model.save(module, str(folder), signatures=functions)


def _check_model(model):
    if not isinstance(model, (HRNetPose, SimpleBaselinePose)):
        raise ValueError(
            f"Expected an HRNetPose. Received: {type(model).__name__}."
            " Only top-down pose models find keypoints in crops."
        )
    if model.image_size is None:
        raise ValueError(
            f"The model {model.name!r} has image_size=None, but crops need one size."
            " Rebuild it with image_size=(height, width), such as (256, 192), and"
            " copy the weights with set_weights."
        )
    if not model.arguments["include_preprocessing"]:
        raise ValueError(
            f"The model {model.name!r} has include_preprocessing=False, but crops are"
            " RGB pixels 0..255. Rebuild it with include_preprocessing=True, and copy"
            " the weights with set_weights."
        )
