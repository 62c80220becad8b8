"""Exported models for `RunInference`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from apache_beam.ml.inference.base import ModelHandler

if TYPE_CHECKING:
    from hrnet_tf.tasks.base import Inference


# Decoded images that a worker holds at a time.
MAX_BATCH_SIZE = 16


class ExportedModelHandler(ModelHandler):
    """Runs a folder of `export_saved_model` in `RunInference`.

    An element is a dict of image (uint8 array `[H, W, 3]`, RGB) and what the task takes
    of single images, such as boxes and box_scores; its prediction is the task's result.

    Args:
        folder: str. The folder of the model, the same on every worker.
        options: dict, of the task's inference, such as crop_fraction.
        arguments: dict, of the inference's `run`, for all images.
        max_batch_size: int.
    """

    def __init__(
        self,
        folder: str,
        options: dict[str, Any] | None = None,
        arguments: dict[str, Any] | None = None,
        max_batch_size: int = MAX_BATCH_SIZE,
    ) -> None:
        super().__init__(max_batch_size=max_batch_size)
        self.folder = folder
        self.options = dict(options or {})
        self.arguments = dict(arguments or {})

    def load_model(self) -> "Inference":
        """Returns an `Inference`, which keeps what `tf.saved_model.load` returned."""
        from hrnet_tf.export import load_exported
        from hrnet_tf.tasks import make_inference

        return make_inference(load_exported(self.folder), self.folder, **self.options)

    def run_inference(
        self,
        batch: Sequence[dict[str, Any]],
        model: Any,
        inference_args: dict[str, Any] | None = None,
    ) -> list[Any]:
        """Returns the results of a batch of elements, a list.

        Args:
            batch: sequence of elements, see the class.
            model: what `load_model` returned.
            inference_args: not used.
        """
        images = [element["image"] for element in batch]
        known = {
            name: [element.get(name) for element in batch] for name in model.per_image
        }
        return model.run(images, **known, **self.arguments)

    def get_num_bytes(self, batch: Sequence[dict[str, Any]]) -> int:
        """Returns the size (int) of a batch's pixels, for Beam's metrics."""
        return sum(element["image"].nbytes for element in batch)
