"""What `hrnet evaluate` does with a model of face landmarks."""

import os
from pathlib import Path

from hrnet_tf.cli import common


def evaluate(
    model,
    model_path,
    annotations,
    images,
    *,
    format="coco",
    reference=None,
    flip_test=False,
    integer_pixels=False,
    batch_size=32,
    skip_bad=False,
    console=None,
    out=None,
):
    """Tests a model on one or several annotation files, and prints the numbers.

    Args:
        model: `HRNetLandmarks` with its keypoint set.
        model_path: path the model came from, for messages.
        annotations: path of an annotation file, or a list of them, such as the
            official subsets of WFLW's test set.
        images: path of the image folder; for "cofw" that which images are written to.
        format: str, one of `faces.FORMATS`.
        reference: two landmarks, names or indices, or "A,B"; None takes the keypoint
            set's.
        flip_test, integer_pixels, batch_size: see `evaluation.landmarks.evaluate`.
        skip_bad: bool. Warns of bad faces instead of raising.
        console: rich console, or None for standard output.
        out: path of a .json file for the report of one annotation file; or of a
            folder for `<name>.json` of each and the curves errors.png; or None.
    Returns:
        dict of `LandmarksReport`, by the annotation files' names without ending.
    Raises:
        ValueError: for annotations that do not fit the model, see `faces.load_faces`.
    """
    from hrnet_tf.data.formats import faces
    from hrnet_tf.models.loading import inference_function
    from hrnet_tf.tasks.landmarks import evaluate as landmarks

    files = (
        [annotations] if isinstance(annotations, (str, os.PathLike)) else annotations
    )
    files = [Path(file) for file in files]
    _check_files(files, out)
    keypoint_set = _keypoint_set(model, model_path)
    reference = _pair(reference)
    console = console or common.console()
    infer = inference_function(model)
    reports = {}
    for file in files:
        with common.progress("checking images", "images") as tick:
            examples = faces.load_faces(
                file, images, keypoint_set, format, skip_bad, tick
            )
        with common.progress("finding landmarks", "faces") as tick:
            report = landmarks.evaluate(
                model,
                examples,
                reference=reference,
                flip_test=flip_test,
                integer_pixels=integer_pixels,
                batch_size=batch_size,
                infer=infer,
                progress=tick,
            )
        reports[file.stem] = report
        _print_report(report, console, file.name if len(files) > 1 else None)
    if out is not None:
        _write(reports, Path(out), landmarks.plot_errors)
    return reports


def _check_files(files, out):
    """Raises ValueError, before all the work, for files that cannot be told apart."""
    stems = [file.stem for file in files]
    repeated = sorted({stem for stem in stems if stems.count(stem) > 1})
    if repeated or not files:
        raise ValueError(
            "Expected annotation files of different names. Received:"
            f" {', '.join(map(str, files)) or 'none'}."
        )
    if out is not None and Path(out).suffix == ".json" and len(files) > 1:
        raise ValueError(
            f"--out {out} is one file, but there are {len(files)} annotation files."
            " Pass a folder."
        )


def _keypoint_set(model, model_path):
    from hrnet_tf.data.keypoint_sets import model_keypoint_set

    keypoint_set = model_keypoint_set(model)
    if keypoint_set is None:
        raise ValueError(
            f"{model_path} does not say which landmarks it predicts. Pass --keypoints."
        )
    return keypoint_set


def _pair(reference):
    """Two landmarks of "A,B"; what looks like an index is one."""
    if not isinstance(reference, str):
        return reference
    names = [name.strip() for name in reference.split(",")]
    if len(names) != 2:
        raise ValueError(
            "--reference names two landmarks, such as right_pupil,left_pupil or 16,17."
            f" Received: {reference!r}."
        )
    return tuple(int(name) if name.isdecimal() else name for name in names)


def _print_report(report, console, title):
    from rich.table import Table

    table = Table("metric", "share", "x 100", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, value in report.numbers.items():
        style = "bold" if name == "NME" else None
        table.add_row(name, f"{value:.4f}", f"{100 * value:.2f}", style=style)
    console.print(table)
    faces = common.count_text(report.num_people, "face", "faces")
    if report.num_unscored:
        faces += f" ({report.num_unscored} not scored: no reference landmarks labelled)"
    images = common.count_text(report.num_images, "image", "images")
    flip = "with" if report.flip_test else "without"
    pixels = ", whole pixels" if report.integer_pixels else ""
    console.print(
        f"{faces} in {images}, errors relative to the {report.normalizer}, {flip} flip"
        f" test{pixels}, {report.images_per_second:.1f} faces/s",
        markup=False,
        soft_wrap=True,
    )


def _write(reports, out, plot_errors):
    if out.suffix == ".json":
        for report in reports.values():
            report.save(out)
        return
    for name, report in reports.items():
        report.save(out / f"{name}.json")
    plot_errors(reports, out / "errors.png")
