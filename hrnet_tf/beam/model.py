"""Exported models for `RunInference`."""

from apache_beam.ml.inference.base import ModelHandler

# Decoded images that a worker holds at a time; people go through the network 16 at a
# time anyway.
MAX_BATCH_SIZE = 16


class ExportedModelHandler(ModelHandler):
    """Runs a folder of `export_saved_model` in `RunInference`.

    An element is a dict of image (uint8 array `[H, W, 3]`, RGB) and, for poses, boxes
    and box_scores (see `PosePredictor`, or None); its prediction is the predictor's
    result.

    Args:
        folder: str. The folder of the model, the same on every worker.
        arguments: dict, of the predictor's `predict`; and crop_fraction of
            `ClassificationPredictor`.
        max_batch_size: int.
    """

    def __init__(self, folder, arguments, max_batch_size=MAX_BATCH_SIZE):
        super().__init__(max_batch_size=max_batch_size)
        self.folder = folder
        self.arguments = dict(arguments)

    def load_model(self):
        """Returns a predictor, which keeps what `tf.saved_model.load` returned."""
        return make_predictor(self.folder, self.arguments.get("crop_fraction"))

    def run_inference(self, batch, model, inference_args=None):
        """Returns the results of a batch of elements, a list.

        Args:
            batch: sequence of elements, see the class.
            model: what `load_model` returned.
            inference_args: not used.
        """
        from hrnet_tf.predictors.pose import PosePredictor
        from hrnet_tf.predictors.segmentation import SegmentationPredictor

        images = [element["image"] for element in batch]
        arguments = {**self.arguments}
        arguments.pop("crop_fraction", None)
        if isinstance(model, SegmentationPredictor):
            # Images of different sizes do not go together.
            return [model.predict(image, **arguments) for image in images]
        if isinstance(model, PosePredictor):
            for name in ("boxes", "box_scores"):
                arguments[name] = [element[name] for element in batch]
        return model.predict_batch(images, **arguments)

    def get_num_bytes(self, batch):
        """Returns the size (int) of a batch's pixels, for Beam's metrics."""
        return sum(element["image"].nbytes for element in batch)


def make_predictor(folder, crop_fraction=None):
    """Returns the predictor of an exported model.

    Args:
        folder: str or path.
        crop_fraction: float or None, see `ClassificationPredictor`.
    Raises:
        ValueError: if there is no complete exported model.
    """
    from hrnet_tf.export.saved_model import load_exported
    from hrnet_tf.predictors.classification import ClassificationPredictor
    from hrnet_tf.predictors.pose import PosePredictor
    from hrnet_tf.predictors.segmentation import SegmentationPredictor
    from hrnet_tf.tasks.classification.inference import ExportedClassification
    from hrnet_tf.tasks.segmentation.inference import ExportedSegmentation

    model = load_exported(folder)
    if isinstance(model, ExportedClassification):
        return ClassificationPredictor(model, crop_fraction)
    if isinstance(model, ExportedSegmentation):
        return SegmentationPredictor(model)
    return PosePredictor(model)
