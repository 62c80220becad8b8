"""What `hrnet evaluate` does with a classifier."""

from pathlib import Path

from hrnet_tf.cli import common

# Classes that are printed when there are more.
_SHOWN_CLASSES = 20


def evaluate(
    model,
    model_path,
    images,
    *,
    labels=None,
    class_names=None,
    split=None,
    tfds_dir=None,
    image_size=None,
    crop_fraction=None,
    batch_size=32,
    skip_bad=False,
    console=None,
    out=None,
):
    """Tests a classifier on labelled images, and prints the numbers.

    Args:
        model: `HRNetClassifier`.
        model_path: path the model came from, for messages.
        images: path of a folder that holds a folder for each class; with `labels` one
            of images; or "tfds:NAME".
        labels: path of a text file with "file label" lines, or None.
        class_names: path of a text file that names the class folders as the model
            does, or None.
        split: str, of TensorFlow Datasets'; None for "val".
        tfds_dir: path of TensorFlow Datasets' folder, or None.
        image_size: (height, width) of the crops; None for the model's own.
        crop_fraction, batch_size: see `evaluation.classification.evaluate`.
        skip_bad: bool. Warns of unusable images instead of raising.
        console: rich console, or None for standard output.
        out: path of a .json file; or of a folder for report.json and confusion.png.
    Returns:
        `ClassificationReport`.
    Raises:
        ValueError: if the images are not of the model's classes, or one is bad.
    """
    from hrnet_tf.models.classifier import check_crop_fraction
    from hrnet_tf.tasks.classification import evaluate as evaluation

    evaluation.checked_image_size(model)
    if crop_fraction is not None:
        check_crop_fraction(crop_fraction)
    with common.progress("checking images", "images") as tick:
        source = _load(
            model, images, labels, class_names, split, tfds_dir, skip_bad, tick
        )
    with common.progress("classifying", "images") as tick:
        report = evaluation.evaluate(
            evaluation.at_image_size(model, image_size),
            source,
            crop_fraction=crop_fraction,
            batch_size=batch_size,
            progress=tick,
        )
    _print_report(report, model_path, console or common.console())
    if out is not None:
        _write_report(report, Path(out))
    return report


def _load(model, images, labels, class_names, split, tfds_dir, skip_bad, tick):
    """The images with the model's labels."""
    from hrnet_tf.data.formats import image_folder, tfds

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
    from hrnet_tf.data.formats import tfds

    is_tfds = tfds.is_tfds(images)
    if is_tfds and (labels is not None or class_names is not None):
        raise ValueError(
            f"--labels and --class-names are for files; {images} has its own. Leave"
            " them out."
        )
    if split is not None and not is_tfds:
        raise ValueError(
            f"--split belongs to tfds:NAME. Received: --split {split} --images"
            f" {images}. Pass the folder of the split as --images."
        )


def _print_report(report, model_path, console):
    from rich.table import Table

    table = Table("metric", "0 to 1", title=str(model_path), title_justify="left")
    table.columns[1].justify = "right"
    for name, value in report.numbers.items():
        style = "bold" if name == "top1" else None
        table.add_row(name.replace("top", "top-"), f"{value:.4f}", style=style)
    console.print(table)
    console.print(_class_table(report))
    height, width = report.image_size
    console.print(
        f"{common.count_text(report.num_images, 'image', 'images')}, centre crop"
        f" {height}x{width} of {report.crop_fraction:g},"
        f" {report.images_per_second:.1f} images/s",
        markup=False,
        soft_wrap=True,
    )


def _class_table(report):
    """Accuracy of each class, the worst first, and what it is mostly taken for."""
    import numpy as np
    from rich.table import Table
    from rich.text import Text

    names = report.class_names or [str(i) for i in range(len(report.confusion))]
    accuracy, counts = report.per_class, report.confusion.sum(1)
    mistakes = report.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    tested = np.flatnonzero(counts)
    order = tested[np.argsort(accuracy[tested], kind="stable")][:_SHOWN_CLASSES]
    hidden = len(tested) - len(order)
    title = f"the {len(order)} worst of {len(tested)} classes" if hidden else None
    table = Table("class", "images", "top-1", "mostly taken for", title=title)
    for column in table.columns[1:3]:
        column.justify = "right"
    for label in order:
        other = int(np.argmax(mistakes[label]))
        count = mistakes[label, other]
        table.add_row(
            Text(names[label]),
            str(counts[label]),
            f"{accuracy[label]:.4f}",
            Text(f"{names[other]} ({count})" if count else "-"),
        )
    return table


def _write_report(report, out):
    if out.suffix == ".json":
        report.save(out)
        return
    from hrnet_tf.pictures.plots import plot_confusion

    report.save(out / "report.json")
    plot_confusion(report.confusion, report.class_names, out / "confusion.png")
