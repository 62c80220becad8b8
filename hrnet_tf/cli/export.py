"""`hrnet export`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, flag, task_option
from hrnet_tf.cli.tasks import task_of


class ExportFormat(str, enum.Enum):
    saved_model = "saved_model"
    litert = "litert"


class Precision(str, enum.Enum):
    float32 = "float32"
    float16 = "float16"


ModelOption = Annotated[
    Path,
    typer.Option(
        metavar="MODEL.keras",
        show_default=False,
        help="Model to export, such as the best.keras of `hrnet train`.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Folder of the exported model; made if absent. With litert also a"
        " file name ending in .tflite.",
    ),
]
FormatOption = Annotated[
    ExportFormat,
    typer.Option(
        help="saved_model: for TensorFlow Serving and TensorFlow; takes image files"
        " and boxes, or crops. litert: a .tflite file for phones; takes crops."
    ),
]
PrecisionOption = Annotated[
    Precision,
    typer.Option(
        help="Numbers that litert stores the weights as; float16 halves the file."
    ),
]
FlipTestOption = Annotated[
    bool,
    flag(
        "--flip-test",
        "Average with the mirrored image inside the exported model: a little"
        " better, for twice the time.",
    ),
]
VersionOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Version of the saved_model, its folder's name. TensorFlow Serving"
        " takes the largest.",
        show_default="1",
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Crops in a call of the litert model, fixed.",
        show_default="1",
    ),
]
ImageSizeOption = Annotated[
    str | None,
    task_option(
        task="segmentation",
        metavar="HEIGHTxWIDTH",
        help="Size of the images that a litert segmenter takes, fixed.",
        show_default="the model's own",
    ),
]
CropFractionOption = Annotated[
    float | None,
    task_option(
        task="classification",
        metavar="SHARE",
        min=0.01,
        max=1,
        help="Share of the shorter side that the centre crop of image files takes.",
        show_default="the model's own",
    ),
]
OverwriteOption = Annotated[
    bool, flag("--overwrite", "Replace the file or version if it exists.")
]


@common.command(interrupted="Stopped. Nothing was written.")
def export(
    model: ModelOption,
    out: OutOption,
    format: FormatOption = ExportFormat.saved_model,
    precision: PrecisionOption = Precision.float32,
    flip_test: FlipTestOption = False,
    version: VersionOption = None,
    batch_size: BatchSizeOption = None,
    crop_fraction: CropFractionOption = None,
    image_size: ImageSizeOption = None,
    overwrite: OverwriteOption = False,
    debug: Debug = False,
):
    """Export a model for use without this package.

    The exported model does everything, from image files to the result: decoding,
    cutting people out, normalisation, and reading what the network puts out. A litert
    file finds the keypoints of crops.

    Examples:
      hrnet export --model runs/lspet/best.keras --out exported/lspet
      hrnet export --model runs/camvid/best.keras --out exported/camvid
      hrnet export --model runs/lspet/best.keras --out exported/lspet.tflite \\
          --format litert --precision float16
    """
    _check_options(format, precision, version, batch_size, crop_fraction, image_size)
    size = image_size and _size(image_size)
    target = _target(model, out, format, version or 1)
    if target.exists() and not overwrite:
        raise ValueError(
            f"{target} exists. Choose another name"
            f"{' or --version' if format is ExportFormat.saved_model else ''}, or pass"
            " --overwrite to replace it."
        )
    with common.spinner("loading the model"):
        from hrnet_tf.models.loading import load_model

        loaded = load_model(model)
    with common.spinner("exporting"):
        if format is ExportFormat.saved_model:
            from hrnet_tf.export.saved_model import export_saved_model

            export_saved_model(
                loaded, out, version or 1, flip_test, overwrite, crop_fraction
            )
        else:
            from hrnet_tf.export.litert import export_litert

            export_litert(
                loaded, target, precision.value, batch_size or 1, flip_test, size
            )
    _print_summary(loaded, target, format, batch_size or 1, flip_test, size)


def _check_options(format, precision, version, batch_size, crop_fraction, image_size):
    """Raises ValueError for options that belong to the other format."""
    wrong = {
        "--version": format is ExportFormat.litert and version is not None,
        "--crop-fraction": format is ExportFormat.litert and crop_fraction is not None,
        "--image-size": format is ExportFormat.saved_model and image_size is not None,
        "--batch-size": format is ExportFormat.saved_model and batch_size is not None,
        "--precision float16": format is ExportFormat.saved_model
        and precision is Precision.float16,
    }
    for option, is_wrong in wrong.items():
        if is_wrong:
            other = next(other for other in ExportFormat if other is not format)
            raise ValueError(
                f"{option} belongs to --format {other.value}. Received: --format"
                f" {format.value}. Leave {option} out, or change the format."
            )


def _target(model, out, format, version):
    """The file or folder that is written."""
    if format is ExportFormat.saved_model:
        return out / str(version)
    return out if out.suffix == ".tflite" else out / f"{model.stem}.tflite"


def _size(text):
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise ValueError(
            f"--image-size takes HEIGHTxWIDTH, such as 512x1024. Received: {text!r}."
        )
    return tuple(map(int, sides))


def _print_summary(model, target, format, batch_size, flip_test, size):
    files = [target] if target.is_file() else target.rglob("*")
    num_bytes = sum(file.stat().st_size for file in files if file.is_file())
    facts = {"written": f"{target} ({common.size_text(num_bytes)})"}
    task = task_of(model, target)
    if format is ExportFormat.saved_model:
        people = task in ("pose", "landmarks")
        boxes = ", boxes [B, N, 4]" if people else ""
        facts["serving_default"] = f"image_bytes [B]{boxes}"
    count = "B" if format is ExportFormat.saved_model else batch_size
    if task == "segmentation":
        height, width = ("H", "W")
        if format is ExportFormat.litert:
            height, width = size or model.input_shape[1:3]
        facts["images"] = f"images uint8 [{count}, {height}, {width}, 3]"
    else:
        height, width = _crop_size(model, task)
        facts["crops"] = f"images uint8 [{count}, {height}, {width}, 3]"
    if task != "classification":
        facts["flip test"] = "inside" if flip_test else "no"
    if format is ExportFormat.saved_model:
        facts["try it"] = f"hrnet predict --model {target.parent} IMAGE"
    common.print_facts(facts)


def _crop_size(model, task):
    if task != "classification":
        return model.image_size
    from hrnet_tf.tasks.classification.evaluate import checked_image_size

    return checked_image_size(model)
