"""Folders and lists of classified images, and testing a model on them."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats import image_folder, tfds
from hrnet_tf.data.sides import listed
from hrnet_tf.models.classifier import check_crop_fraction
from hrnet_tf.tasks.classification.evaluate import evaluate
from hrnet_tf.tasks.classification.inference import checked_image_size
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tools.base import LabelledData
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


def test_files(
    model: "HRNetModel",
    images: PathLike,
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    labels: PathLike | None = None,
    class_names: PathLike | None = None,
    split: str | None = None,
    tfds_dir: PathLike | None = None,
    image_size: tuple[int, int] | None = None,
    crop_fraction: float | None = None,
    batch_size: int = 32,
    skip_bad: bool = False,
) -> "dict[str, Report]":
    """Tests a classifier on labelled images.

    Args:
        model: `HRNetClassifier`.
        images: path of a folder that holds a folder for each class; with `labels` one
            of images; or "tfds:NAME".
        progress: `(description, unit)` to a context of a callable (done, total).
        source: path the model came from; not used.
        out: path of what will be written; not used.
        labels: path of a text file with "file label" lines, or None.
        class_names: path of a text file that names the class folders as the model
            does, or None.
        split: str, of TensorFlow Datasets'; None for "val".
        tfds_dir: path of TensorFlow Datasets' folder, or None.
        image_size: (height, width) of the crops; None for the model's own.
        crop_fraction, batch_size: see `evaluate.evaluate`.
        skip_bad: bool. Warns of unusable images instead of raising.
    Returns:
        dict of one `Report`, "report".
    Raises:
        ValueError: if the images are not of the model's classes, or one is bad.
    """
    checked_image_size(model)
    if crop_fraction is not None:
        check_crop_fraction(crop_fraction)
    images = str(images)
    with progress("checking images", "images") as tick:
        examples = _load(
            model, images, labels, class_names, split, tfds_dir, skip_bad, tick
        )
    with progress("classifying", "images") as tick:
        report = evaluate(
            model,
            examples,
            crop_fraction=crop_fraction,
            batch_size=batch_size,
            progress=tick,
            image_size=image_size,
        )
    return {"report": report}


def test_own(
    model: "HRNetModel",
    data: "LabelledData",
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    image_size: tuple[int, int] | None = None,
    crop_fraction: float | None = None,
    batch_size: int = 32,
) -> "Report":
    """Tests a classifier on the user's own data, as training tests it.

    Args:
        model, progress, source, image_size, crop_fraction, batch_size: see
            `test_files`.
        data: `LabelledData` of classified images.
        out: not used.
    Returns:
        `Report`.
    Raises:
        ValueError: if the classes are not the model's.
    """
    checked_image_size(model)
    if crop_fraction is not None:
        check_crop_fraction(crop_fraction)
    examples = _with_labels_of(model, data, source)
    with progress("classifying", "images") as tick:
        return evaluate(
            model,
            examples,
            crop_fraction=crop_fraction,
            batch_size=batch_size,
            progress=tick,
            image_size=image_size,
        )


def _with_labels_of(model, data, source):
    """The images with the model's numbers of their classes."""
    known = model.arguments["class_names"]
    if known is None:
        known = data.names
        if len(known) != model.num_classes:
            raise ValueError(
                f"{source} predicts {model.num_classes} classes without names, but"
                f" {data.source} has {len(known)}. Test it on data with the classes"
                " that it was trained on."
            )
    others = [name for name in data.names if name not in known]
    if others:
        raise ValueError(
            f"{data.source} has the classes {listed(others)}, which {source} does not"
            f" predict ({listed(known)}). Test it on data with the classes that it was"
            " trained on."
        )
    numbers = [tuple(known).index(name) for name in data.names]
    return [dataclasses.replace(e, label=numbers[e.label]) for e in data.examples]


def _load(model, images, labels, class_names, split, tfds_dir, skip_bad, tick):
    """The images with the model's labels."""
    names = model.arguments["class_names"]
    _check_options(images, labels, class_names, split)
    split = split or "val"
    if tfds.is_tfds(images):
        source = tfds.load_tfds(images, split, tfds_dir)
        if len(source.class_names) != model.num_classes:
            raise ValueError(
                f"{images} has {len(source.class_names)} classes, but the model"
                f" predicts {model.num_classes}. Use a model trained on it."
            )
        if names is not None and tuple(names) != tuple(source.class_names):
            raise ValueError(
                f"The classes of {images} ({', '.join(source.class_names[:5])}, ...)"
                f" are not the model's, in its order ({', '.join(names[:5])}, ...). Use"
                " a model trained on it."
            )
        return source
    if labels is not None:
        # Without names a list tells the labels by their numbers.
        classes = names or tuple(map(str, range(model.num_classes)))
        if class_names is not None:
            folders = image_folder.named_folders(class_names)
            classes = image_folder.model_labels(
                folders, model.num_classes, names, class_names
            )
        return image_folder.load_listed(labels, images, classes, skip_bad, tick)
    classes = image_folder.model_labels(
        image_folder.class_folders(images), model.num_classes, names, class_names
    )
    return image_folder.load_folders(images, classes, skip_bad, tick)


def _check_options(images, labels, class_names, split):
    """Raises ValueError for options that would change nothing."""
    is_tfds = tfds.is_tfds(images)
    if is_tfds and (labels is not None or class_names is not None):
        raise ValueError(
            f"`labels` and `class_names` are for files; {images} has its own. Leave"
            " them out."
        )
    if split is not None and not is_tfds:
        raise ValueError(
            f"`split` belongs to tfds:NAME. Received: `split` {split} `images`"
            f" {images}. Pass the folder of the split as `images`."
        )
