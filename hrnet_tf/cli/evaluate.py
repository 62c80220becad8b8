"""`hrnet evaluate`: which task its options are passed on to."""

from pathlib import Path

from hrnet_tf.cli import common
from hrnet_tf.cli import evaluate_options as options
from hrnet_tf.cli.options import Debug, Format, SkipBad
from hrnet_tf.cli.tasks import TITLES, check_options, task_of

# What a task passes on; an option of another task is refused.
_COMMON = {"out", "skip_bad", "batch_size"}
_OPTIONS = {
    "pose": _COMMON
    | {"annotations", "format", "flip_test", "keypoints", "boxes", "metric"}
    | {"ground_truth_mat"},
    "landmarks": _COMMON
    | {"annotations", "format", "flip_test", "keypoints", "reference"}
    | {"integer_pixels"},
    "segmentation": _COMMON
    | {"labels", "split", "format", "flip_test", "label_set", "list_file"}
    | {"protocol", "scales", "save_labels"},
    "classification": _COMMON
    | {"labels", "split", "crop_fraction", "image_size", "class_names"},
}
_FORMATS = {
    "pose": ("coco", "mpii"),
    "landmarks": ("coco", "300w", "wflw", "aflw", "cofw"),
    "segmentation": (
        *("folder", "list", "cityscapes", "lip", "pascal_context", "ade20k"),
        "coco_stuff",
    ),
}


@common.command()
def evaluate(
    model: options.ModelOption,
    images: options.ImagesOption,
    format: options.FormatOption = None,
    flip_test: options.FlipTestOption = None,
    batch_size: options.BatchSizeOption = None,
    skip_bad: SkipBad = False,
    out: options.OutOption = None,
    annotations: options.AnnotationsOption = None,
    keypoints: options.KeypointsOption = None,
    boxes: options.BoxesOption = None,
    metric: options.MetricOption = None,
    ground_truth_mat: options.GroundTruthMatOption = None,
    reference: options.ReferenceOption = None,
    integer_pixels: options.IntegerPixelsOption = None,
    labels: options.LabelsOption = None,
    split: options.SplitOption = None,
    label_set: options.LabelSetOption = None,
    list_file: options.ListOption = None,
    protocol: options.ProtocolOption = None,
    scales: options.ScalesOption = None,
    save_labels: options.SaveLabelsOption = None,
    crop_fraction: options.CropFractionOption = None,
    image_size: options.ImageSizeOption = None,
    class_names: options.ClassNamesOption = None,
    debug: Debug = False,
):
    """Test a model on labelled images, as the official code does.

    The model's class decides the task: human pose, face landmarks, segmentation or
    classification.

    Examples:
      hrnet evaluate --model runs/coco/best.keras --images data/coco/val2017 \\
          --annotations data/coco/annotations/person_keypoints_val2017.json
      hrnet evaluate --model runs/wflw/best.keras --images data/wflw/images \\
          --format wflw --annotations data/wflw/face_landmarks_wflw_test.csv
      hrnet evaluate --model runs/camvid/best.keras --images data/camvid/val \\
          --labels data/camvid/valannot --out runs/camvid/test
      hrnet evaluate --model runs/digits/best.keras --images data/digits/val
    """
    given = {
        "annotations": annotations or None,
        "format": format and format.value,
        "flip_test": flip_test,
        "batch_size": batch_size,
        "skip_bad": skip_bad or None,
        "out": out,
        "keypoints": keypoints,
        "boxes": boxes,
        "metric": metric and metric.value,
        "ground_truth_mat": ground_truth_mat,
        "reference": reference,
        "integer_pixels": integer_pixels,
        "labels": labels,
        "split": split,
        "label_set": label_set,
        "list_file": list_file,
        "protocol": protocol,
        "scales": scales and common.numbers("--scales", scales),
        "save_labels": save_labels,
        "crop_fraction": crop_fraction,
        "image_size": image_size and (image_size, image_size),
        "class_names": class_names,
    }
    given = {name: value for name, value in given.items() if value is not None}
    with common.spinner("loading the model"):
        from hrnet_tf.models.loading import load_model

        loaded = load_model(model)
    task = task_of(loaded, model)
    _check(given, task, model)
    _RUNNERS[task](loaded, model, images, given)


def _check(given, task, path):
    """Raises ValueError for options that do not fit, before any work."""
    check_options(given, _OPTIONS[task], task, path)
    format = given.get("format")
    if format is not None and format not in _FORMATS[task]:
        raise ValueError(
            f"--format {format} holds no annotations of the task of {path}"
            f" ({TITLES[task]}); expected one of {', '.join(_FORMATS[task])}."
        )
    if task in ("pose", "landmarks") and "annotations" not in given:
        raise ValueError(
            f"--annotations is missing: {path} is tested on annotated"
            f" {'people' if task == 'pose' else 'faces'}. Pass their file."
        )


def _pose(model, path, images, given):
    from hrnet_tf.cli import pose

    annotations = given.pop("annotations")
    if len(annotations) > 1:
        raise ValueError(
            "Poses are tested on one annotation file. Received:"
            f" {', '.join(map(str, annotations))}."
        )
    given["format"] = Format(given.get("format", "coco"))
    pose.evaluate(model, path, annotations[0], Path(images), **given)


def _landmarks(model, path, images, given):
    from hrnet_tf.cli import landmarks, pose

    pose.checked_keypoint_set(model, path, given.pop("keypoints", None))
    annotations = given.pop("annotations")
    landmarks.evaluate(model, path, annotations, Path(images), **given)


def _segmentation(model, path, images, given):
    from hrnet_tf.cli import segmentation

    given["flip"] = given.pop("flip_test", None)
    segmentation.evaluate(model, path, Path(images), **given)


def _classification(model, path, images, given):
    from hrnet_tf.cli import classification

    classification.evaluate(model, path, images, **given)


_RUNNERS = {
    "pose": _pose,
    "landmarks": _landmarks,
    "segmentation": _segmentation,
    "classification": _classification,
}
