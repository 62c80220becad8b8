"""Folders and lists of label maps, and testing a model on them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats import (
    ade20k,
    cityscapes,
    coco_stuff,
    label_folder,
    lip,
    pascal_context,
)
from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.label_sets import load_label_set, model_label_set
from hrnet_tf.tasks.segmentation.evaluate import evaluate
from hrnet_tf.tasks.segmentation.fusion import check_segmenter
from hrnet_tf.tasks.segmentation.picture import Comparisons
from hrnet_tf.tasks.segmentation.protocols import load_protocol
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.label_set import LabelSet
    from hrnet_tf.data.schema import SegmentationExample
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


# Layouts of label files: plain folders, official lists, or a data set's own folders.
FORMATS: dict[str, Callable[..., Any]] = {
    "folder": label_folder.load_segmentation,
    "list": label_folder.load_from_list,
    "cityscapes": cityscapes.load_segmentation,
    "lip": lip.load_segmentation,
    "pascal_context": pascal_context.load_segmentation,
    "ade20k": ade20k.load_segmentation,
    "coco_stuff": coco_stuff.load_segmentation,
}
# Those of data sets whose files say what the label set is to be.
_WITH_LABEL_SET = ("cityscapes", "coco_stuff")


def test_files(
    model: "HRNetModel",
    images: PathLike,
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    labels: PathLike | None = None,
    list_file: PathLike | None = None,
    format: str = "folder",
    split: str | None = None,
    label_set: PathLike | None = None,
    protocol: str = "whole",
    scales: Sequence[float] | None = None,
    flip_test: bool | None = None,
    batch_size: int = 8,
    pictures: int = 12,
    save_labels: bool = False,
    skip_bad: bool = False,
) -> "dict[str, Report]":
    """Tests a segmenter on labelled images.

    Args:
        model: `HRNetSegmenter` or `HRNetOCRSegmenter`.
        images: path of the folder of images; of the folder that a list's paths are
            relative to; or of a data set's folder.
        progress: `(description, unit)` to a context of a callable (done, total).
        source: path the model came from, for messages.
        out: path of what will be written, or None; in a folder pictures are drawn.
        labels: path of the folder of label PNGs, for "folder"; for "list" of the one
            that the list's label files are relative to, or None for the same one.
        list_file: path of the list, for "list" and "lip".
        format: str, a key of `FORMATS`.
        split: str, of a data set's own folders; None for "val".
        label_set: name or descriptor file of the label set; None takes the model's.
        protocol: str, a key of `PROTOCOLS`.
        scales: sequence of float, or None for the protocol's.
        flip_test: bool, or None for the protocol's.
        batch_size: int.
        pictures: int. So many of the images are drawn with labels and prediction, if
            `out` is a folder.
        save_labels: bool. True writes every prediction as a PNG into `out`/labels, with
            the values of the label set's files.
        skip_bad: bool. Warns of unusable examples instead of raising.
    Returns:
        dict of one `Report`, "report".
    Raises:
        ValueError: if the examples are not of the model's classes, or one is bad.
    """
    load_protocol(protocol, scales=scales, flip=flip_test)
    known = checked_label_set(model, source, label_set)
    folder = folder_for(out, save_labels)
    examples = load_examples(
        images, labels, list_file, format, split, known, skip_bad, progress
    )
    writer = None
    if folder is not None:
        writer = Comparisons(folder, known, pictures, save_labels, len(examples))
    with progress("segmenting", "images") as tick:
        report = evaluate(
            model,
            examples,
            protocol=protocol,
            scales=scales,
            flip=flip_test,
            batch_size=batch_size,
            progress=tick,
            on_labels=writer,
        )
    return {"report": report}


def folder_for(out: PathLike | None, save_labels: bool) -> Path | None:
    """Returns the folder that a test draws into, or None.

    Args:
        out, save_labels: see `test_files`.
    Raises:
        ValueError: if predictions are to be saved, and there is no folder.
    """
    folder = None if out is None or Path(out).suffix == ".json" else Path(out)
    if save_labels and folder is None:
        raise ValueError(
            "The predictions are saved into a folder. Received:"
            f" out={out and str(out)!r}. Pass `out` with a folder."
        )
    return folder


def load_examples(
    images: PathLike,
    labels: PathLike | None,
    list_file: PathLike | None,
    format: str,
    split: str | None,
    label_set: "LabelSet",
    skip_bad: bool,
    progress: Callable[..., Any],
) -> "list[SegmentationExample]":
    """Returns checked examples, a list of `SegmentationExample`.

    Args:
        images, labels, list_file, format, split, skip_bad, progress: see `test_files`.
        label_set: `LabelSet`.
    Raises:
        ValueError: if an argument is missing or another format's, or an example is bad.
    """
    if format not in FORMATS:
        raise ValueError(
            f"format must be one of {tuple(FORMATS)}. Received: {format!r}."
        )
    _check_sources(labels, list_file, format, split)
    split = split or "val"
    load = FORMATS[format]
    if format == "folder":
        examples = load(images, labels, skip_bad=skip_bad)
    elif format == "list":
        examples = load(list_file, images, labels, skip_bad=skip_bad)
    elif list_file is not None:
        examples = lip.load_from_list(list_file, images, skip_bad)
    elif format in _WITH_LABEL_SET:
        examples = load(images, split, label_set, skip_bad)
    else:
        examples = load(images, split, skip_bad)
    with progress("checking labels", "images") as tick:
        return check_labels(examples, label_set, skip_bad, tick)[0]


def _check_sources(labels, list_file, format, split):
    problem = None
    if format == "folder" and labels is None:
        problem = "`format` folder needs `labels`, the folder of the label PNGs."
    elif format == "list" and list_file is None:
        problem = "`format` list needs `list_file`, a file with 'image label' lines."
    elif list_file is not None and format not in ("list", "lip"):
        problem = f"`list_file` belongs to `format` list or lip. Received: {format}."
    elif labels is not None and format not in ("folder", "list"):
        problem = f"`labels` belongs to `format` folder or list. Received: {format}."
    elif split is not None and (format in ("folder", "list") or list_file is not None):
        problem = (
            f"`split` belongs to a data set's own folders. Received: {split}, with"
            f" `format` {format}. Leave it out; `images` and `list_file` say what is"
            " tested."
        )
    if problem:
        raise ValueError(problem)


def checked_label_set(
    model: "HRNetModel", path: PathLike, name: PathLike | None
) -> "LabelSet":
    """The label set to test with, which the model then carries."""
    check_segmenter(model)
    if name is None:
        label_set = model_label_set(model)
        if label_set is None:
            raise ValueError(
                f"{path} does not say which classes it predicts. Pass `label_set`."
            )
        return label_set
    label_set = load_label_set(name)
    if label_set.num_classes != model.num_classes:
        raise ValueError(
            f"`label_set` {name} has {label_set.num_classes} classes, but {path}"
            f" predicts {model.num_classes}. Leave it out, or pass the set that the"
            " model was trained with."
        )
    model.arguments["label_set"] = label_set.to_dict()
    return label_set
