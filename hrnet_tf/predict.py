"""Predictions for images in three lines, for every task."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.io import path_of, read_image
from hrnet_tf.tasks import task_of
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    import numpy as np

    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.exported import Exported


class Predictor:
    """Runs a model of any task on images.

        predictor = hrnet_tf.Predictor.load("model.keras")
        result = predictor.predict("image.jpg")

    Of poses, faces and classes `frozen=True` takes a second or more when it first
    predicts, and then up to a third less time for each image. Of objects it makes one
    graph for images of all sizes, with the normalisations in the convolutions.

    What it is told beside images, and what it returns, is the task's:

    - poses and faces: `boxes` `[N, 4]`, one a person (x, y, width, height in pixels of
      the image; None: the image is one person), `box_scores` `[N]` and `flip_test`
      give `Keypoints`, see `PoseInference`;
    - segmentation: `scales`, `flip_test`, `tile`, `margin`, `confidence` and `progress`
      give a `SegmentationMap`, see `SegmentationInference`;
    - detection: `limits`, `score_threshold` and `max_detections` give `Detections`, see
      `DetectionInference`;
    - classification: `top_k` and `crop_fraction` give a `Classification`, see
      `ClassificationInference`.

    Args:
        model: `HRNetModel` of a task, or what `load_exported` returns.
        **options: of the task's inference, for all calls.
    Attributes:
        task: `Task` of the model.
        inference: `Inference`. Its attributes are the predictor's too, such as
            `keypoint_set`, `label_set` or `class_names`.
    Raises:
        ValueError: if no task takes the model, or it does not allow an option.
    """

    def __init__(self, model: "HRNetModel | Exported", **options: Any) -> None:
        self.task = task_of(model)
        self._model = model
        self._options = options
        self._made: list[Any] = []
        self.inference = self._inference({})

    @classmethod
    def load(cls, path: PathLike, **options: Any) -> "Predictor":
        """Loads a model.

        Args:
            path: str or path of a `.keras` file, or of an exported model of any format,
                see `hrnet_tf.export.load_exported`.
            **options: see the class.
        Raises:
            ValueError: if there is no complete model of a task; the text names the
                file.
        """
        model = read_model(path)
        try:
            return cls(model, **options)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def predict(
        self, image: "np.ndarray | PathLike | bytes", *known: Any, **arguments: Any
    ) -> Any:
        """Predicts one image.

        Args:
            image: path of an image file that TensorFlow decodes, its bytes, or a uint8
                array `[H, W, 3]`, RGB. Files are read as viewers show them.
            *known: what the task takes first, such as the boxes.
            **arguments: others of the task, see the class.
        Returns:
            The task's result.
        Raises:
            ValueError: if the image cannot be read, or an argument is wrong.
        """
        arguments.update(zip(self._run_arguments(), known, strict=False))
        lists = {
            name: [value] if name in self.inference.per_image else value
            for name, value in arguments.items()
        }
        return self.predict_batch([image], **lists)[0]

    def predict_batch(
        self, images: Sequence[Any], *known: Any, **arguments: Any
    ) -> list[Any]:
        """Predicts several images; those that can run together do.

        Args:
            images: sequence of one or more images, see `predict`.
            *known, **arguments: of the task; what belongs to single images, such as
                `boxes`, in lists of as many.
        Returns:
            list of results.
        Raises:
            ValueError: as `predict`, for the first image that is to blame.
        """
        names = self._run_arguments()
        arguments.update(zip(names, known, strict=False))
        for_run = {k: v for k, v in arguments.items() if k in names}
        others = {k: v for k, v in arguments.items() if k not in names}
        inference = self._inference(others)
        pixels = [read_image(image)[0] for image in images]
        return inference.run(pixels, list(map(path_of, images)), **for_run)

    def __getattr__(self, name):
        # What is known of the model, such as `keypoint_set`.
        if name.startswith("_") or "inference" not in self.__dict__:
            raise AttributeError(f"Predictor has no attribute {name!r}.")
        return getattr(self.inference, name)

    def _run_arguments(self):
        """Names of what `run` takes beside images and their paths."""
        return list(inspect.signature(self.inference.run).parameters)[2:]

    def _inference(self, options):
        """The inference with other options for a call, made when first asked for."""
        make = self.task.parts.inference
        options = {**self._options, **options}
        known = list(inspect.signature(make).parameters)[1:]
        unknown = sorted(set(options) - set(known))
        if unknown:
            known += self._run_arguments() if self._made else []
            raise ValueError(
                f"Predictions of {self.task.title} take no {', '.join(unknown)}."
                f" Expected: {', '.join(known)}."
            )
        # Of few, which may hold lists.
        for made, inference in self._made:
            if made == options:
                return inference
        self._made.append((options, make(self._model, **options)))
        return self._made[-1][1]


def read_model(path: PathLike) -> "HRNetModel | Exported":
    """Loads what a predictor runs.

    Args:
        path: str or path of a `.keras` file, or of an exported model of any format,
            see `hrnet_tf.export.load_exported`.
    Returns:
        An `HRNetModel`, or what `load_exported` returns.
    Raises:
        ValueError: if there is no complete model; the text names the file.
    """
    path = Path(path)
    if path.suffix != ".keras" or path.is_dir():
        from hrnet_tf.export import load_exported

        return load_exported(path)
    from hrnet_tf.models.loading import load_model

    return load_model(path)
