"""What `hrnet evaluate` does with a segmenter."""

import importlib
from pathlib import Path

from hrnet_tf.cli import common

# Layouts of label files: plain folders, official lists, or a data set's own folders.
FORMATS = (
    *("folder", "list", "cityscapes", "lip"),
    *("pascal_context", "ade20k", "coco_stuff"),
)


def evaluate(
    model,
    model_path,
    images,
    *,
    labels=None,
    list_file=None,
    format="folder",
    split=None,
    label_set=None,
    protocol="whole",
    scales=None,
    flip=None,
    batch_size=8,
    pictures=12,
    save_labels=False,
    skip_bad=False,
    console=None,
    out=None,
):
    """Tests a segmenter on labelled images, and prints the numbers.

    Args:
        model: `HRNetSegmenter` or `HRNetOCRSegmenter`.
        model_path: path the model came from, for messages.
        images: path of the folder of images; of the folder that a list's paths are
            relative to; or of a data set's folder.
        labels: path of the folder of label PNGs, for "folder"; for "list" of the one
            that the list's label files are relative to, or None for the same one.
        list_file: path of the list, for "list" and "lip".
        format: str, one of `FORMATS`.
        split: str, of a data set's own folders; None for "val".
        label_set: name or descriptor file of the label set; None takes the model's.
        protocol: str, a key of `PROTOCOLS`.
        scales: sequence of float, or None for the protocol's.
        flip: bool, or None for the protocol's.
        batch_size: int.
        pictures: int. So many of the images are drawn with labels and prediction, if
            `out` is a folder.
        save_labels: bool. True writes every prediction as a PNG into `out`/labels, with
            the values of the label set's files.
        skip_bad: bool. Warns of unusable examples instead of raising.
        console: rich console, or None for standard output.
        out: path of the report's .json file; or of a folder for report.json, the plots
            iou.png and confusion.png, and pictures; or None.
    Returns:
        `SegmentationReport`.
    Raises:
        ValueError: if the examples are not of the model's classes, or one is bad.
    """
    from hrnet_tf.tasks.segmentation import evaluate as evaluation
    from hrnet_tf.tasks.segmentation.protocols import load_protocol

    load_protocol(protocol, scales=scales, flip=flip)
    known = _label_set(model, model_path, label_set)
    out = None if out is None else Path(out)
    folder = None if out is None or out.suffix == ".json" else out
    if save_labels and folder is None:
        raise ValueError(
            "The predictions are saved into a folder. Received:"
            f" out={out and str(out)!r}. Pass --out with a folder."
        )
    examples = load_examples(images, labels, list_file, format, split, known, skip_bad)
    writer = folder and _Writer(folder, known, pictures, save_labels, len(examples))
    with common.progress("segmenting", "images") as tick:
        report = evaluation.evaluate(
            model,
            examples,
            protocol=protocol,
            scales=scales,
            flip=flip,
            batch_size=batch_size,
            progress=tick,
            on_labels=writer,
        )
    _print_report(report, model_path, console or common.console())
    if folder is not None:
        _write_plots(report, folder)
    elif out is not None:
        report.save(out)
    return report


def load_examples(images, labels, list_file, format, split, label_set, skip_bad):
    """Returns checked examples, a list of `SegmentationExample`.

    Args:
        images, labels, list_file, format, split, skip_bad: see `evaluate`.
        label_set: `LabelSet`.
    Raises:
        ValueError: if an argument is missing or another format's, or an example is bad.
    """
    from hrnet_tf.data.formats import label_folder
    from hrnet_tf.data.formats.label_checks import check_labels

    if format not in FORMATS:
        raise ValueError(f"format must be one of {FORMATS}. Received: {format!r}.")
    _check_sources(labels, list_file, format, split)
    split = split or "val"
    if format == "folder":
        examples = label_folder.load_segmentation(images, labels, skip_bad=skip_bad)
    elif format == "list":
        examples = label_folder.load_from_list(
            list_file, images, labels, skip_bad=skip_bad
        )
    else:
        source = importlib.import_module(f"hrnet_tf.data.formats.{format}")
        if list_file is not None:
            examples = source.load_from_list(list_file, images, skip_bad)
        elif format in ("cityscapes", "coco_stuff"):
            examples = source.load_segmentation(images, split, label_set, skip_bad)
        else:
            examples = source.load_segmentation(images, split, skip_bad)
    with common.progress("checking labels", "images") as tick:
        return check_labels(examples, label_set, skip_bad, tick)[0]


def _check_sources(labels, list_file, format, split):
    problem = None
    if format == "folder" and labels is None:
        problem = "--format folder needs --labels, the folder of the label PNGs."
    elif format == "list" and list_file is None:
        problem = "--format list needs --list, a file with 'image label' lines."
    elif list_file is not None and format not in ("list", "lip"):
        problem = f"--list belongs to --format list or lip. Received: {format}."
    elif labels is not None and format not in ("folder", "list"):
        problem = f"--labels belongs to --format folder or list. Received: {format}."
    elif split is not None and (format in ("folder", "list") or list_file is not None):
        problem = (
            f"--split belongs to a data set's own folders. Received: {split}, with"
            f" --format {format}. Leave it out; --images and --list say what is tested."
        )
    if problem:
        raise ValueError(problem)


def _label_set(model, path, name):
    """The label set to test with, which the model then carries."""
    from hrnet_tf.data.label_sets import load_label_set, model_label_set
    from hrnet_tf.tasks.segmentation.fusion import check_segmenter

    check_segmenter(model)
    if name is None:
        label_set = model_label_set(model)
        if label_set is None:
            raise ValueError(
                f"{path} does not say which classes it predicts. Pass --label-set."
            )
        return label_set
    label_set = load_label_set(name)
    if label_set.num_classes != model.num_classes:
        raise ValueError(
            f"--label-set {name} has {label_set.num_classes} classes, but {path}"
            f" predicts {model.num_classes}. Leave it out, or pass the set that the"
            " model was trained with."
        )
    model.arguments["label_set"] = label_set.to_dict()
    return label_set


class _Writer:
    """Draws some of the predictions, evenly spread, and saves all if asked."""

    def __init__(self, folder, label_set, pictures, save_labels, total):
        self.folder = folder
        self.label_set = label_set
        self.save_labels = save_labels
        count = min(pictures, total)
        self.drawn = {i * total // count for i in range(count)} if count else ()
        self.taken = set()
        self.done = 0

    def __call__(self, example, predicted):
        from hrnet_tf.data.formats.label_checks import read_label
        from hrnet_tf.pictures.masks import draw_comparison
        from hrnet_tf.pictures.sheet import save_image
        from hrnet_tf.tasks.segmentation.result import SegmentationMap

        name = self._name(example)
        found = SegmentationMap(predicted, self.label_set)
        if self.save_labels:
            found.save_labels(self.folder / "labels" / f"{name}.png")
        if self.done in self.drawn:
            labels = self.label_set.lookup()[read_label(example.label_path)]
            truth = SegmentationMap(labels, self.label_set)
            drawn = draw_comparison(example.image_path, truth, found)
            save_image(drawn, self.folder / "pictures" / f"{name}.jpg")
        self.done += 1

    def _name(self, example):
        """The image's name, with a number where folders share one."""
        stem = name = Path(example.image_path).stem
        number = 2
        while name in self.taken:
            name, number = f"{stem}_{number}", number + 1
        self.taken.add(name)
        return name


def _print_report(report, model_path, console):
    from rich.table import Table
    from rich.text import Text

    table = Table(
        "class",
        "IoU",
        "accuracy",
        "pixels",
        title=str(model_path),
        title_justify="left",
    )
    for column in table.columns[1:]:
        column.justify = "right"
    labelled = report.confusion.sum()
    for name, row in report.classes.items():
        share = row["labelled_pixels"] / labelled
        numbers = [f"{row['iou']:.4f}", f"{row['accuracy']:.4f}", f"{share:.2%}"]
        absent = name in report.absent
        table.add_row(Text(name), *(["-", "-", numbers[2]] if absent else numbers))
    table.add_section()
    numbers = report.numbers
    table.add_row(
        "mean",
        f"{numbers['mIoU']:.4f}",
        f"{numbers['mean_accuracy']:.4f}",
        style="bold",
    )
    table.add_row("of all pixels", "", f"{numbers['pixel_accuracy']:.4f}")
    console.print(table)
    if report.absent:
        count = common.count_text(len(report.absent), "class is", "classes are")
        console.print(
            f"{count} neither labelled nor predicted and"
            " counts as 0 in the mean, as in the official code; the mean IoU of the"
            f" labelled classes is {numbers['mIoU_present']:.4f}.",
            markup=False,
            soft_wrap=True,
        )
    rules = report.protocol
    scales = ", ".join(f"{scale:g}" for scale in rules["scales"])
    flip = "with" if rules["flip"] else "without"
    console.print(
        f"{common.count_text(report.num_images, 'image', 'images')}, scales {scales},"
        f" {flip} flip test, {report.images_per_second:.1f} images/s",
        markup=False,
        soft_wrap=True,
    )


def _write_plots(report, folder):
    from hrnet_tf.pictures.plots import plot_class_scores, plot_confusion

    report.save(folder / "report.json")
    scores = {name: row["iou"] for name, row in report.classes.items()}
    plot_class_scores(scores, folder / "iou.png", mean=report.numbers["mIoU"])
    plot_confusion(report.confusion, tuple(scores), folder / "confusion.png")
