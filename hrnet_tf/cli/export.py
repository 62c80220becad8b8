"""`hrnet export`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, flag
from hrnet_tf.cli.task_options import arguments_for, merged_options, task_options


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
OverwriteOption = Annotated[
    bool, flag("--overwrite", "Replace the file or version if it exists.")
]


@common.command(interrupted="Stopped. Nothing was written.")
@task_options("export")
def export(
    model: ModelOption,
    out: OutOption,
    given: dict,
    format: FormatOption = ExportFormat.saved_model,
    precision: PrecisionOption = Precision.float32,
    version: VersionOption = None,
    batch_size: BatchSizeOption = None,
    overwrite: OverwriteOption = False,
    debug: Debug = False,
) -> None:
    """Export a model for use without this package.

    The exported model does everything, from image files to the result: decoding,
    cutting people out, normalisation, and reading what the network puts out. A litert
    file takes crops, or images of one size.

    Examples:
      hrnet export --model runs/lspet/best.keras --out exported/lspet
      hrnet export --model runs/camvid/best.keras --out exported/camvid
      hrnet export --model runs/coco/best.keras --detector runs/people/best.keras \\
          --out exported/photos
      hrnet export --model runs/lspet/best.keras --out exported/lspet.tflite \\
          --format litert --precision float16
    """
    _check_options(format, precision, version, batch_size, given)
    target = _target(model, out, format, version or 1)
    if target.exists() and not overwrite:
        raise ValueError(
            f"{target} exists. Choose another name"
            f"{' or --version' if format is ExportFormat.saved_model else ''}, or pass"
            " --overwrite to replace it."
        )
    with common.spinner("loading the model"):
        from hrnet_tf.models.loading import load_model
        from hrnet_tf.tasks import make_inference, task_of

        loaded = load_model(model)
        task = task_of(loaded, model)
        arguments = arguments_for(task, "export", given, model)
        for option in task.options.get("export", ()):
            if option.is_model and option.name in arguments:
                path = arguments[option.name]
                arguments[option.name] = make_inference(load_model(path), path)
    with common.spinner("exporting"):
        if format is ExportFormat.saved_model:
            from hrnet_tf.export.saved_model import export_saved_model

            export_saved_model(loaded, out, version or 1, overwrite, **arguments)
        else:
            from hrnet_tf.export.litert import export_litert

            export_litert(loaded, target, precision.value, batch_size or 1, **arguments)
    _print_summary(loaded, target, format, batch_size or 1, arguments)


def _check_options(format, precision, version, batch_size, given):
    """Raises ValueError for options that belong to the other format."""
    of_format = {
        "--version": (ExportFormat.saved_model, version is not None),
        "--batch-size": (ExportFormat.litert, batch_size is not None),
        "--precision float16": (
            ExportFormat.litert,
            precision is Precision.float16,
        ),
    }
    for name, options in merged_options("export").items():
        if options[0].only is not None:
            only = ExportFormat(options[0].only)
            of_format[options[0].flag] = (only, name in given)
    for option, (only, is_given) in of_format.items():
        if is_given and only is not format:
            raise ValueError(
                f"{option} belongs to --format {only.value}. Received: --format"
                f" {format.value}. Leave {option} out, or change the format."
            )


def _target(model, out, format, version):
    """The file or folder that is written."""
    if format is ExportFormat.saved_model:
        return out / str(version)
    return out if out.suffix == ".tflite" else out / f"{model.stem}.tflite"


def _print_summary(model, target, format, batch_size, arguments):
    from hrnet_tf.tasks import make_inference

    files = [target] if target.is_file() else target.rglob("*")
    num_bytes = sum(file.stat().st_size for file in files if file.is_file())
    facts = {"written": f"{target} ({common.size_text(num_bytes)})"}
    inference = make_inference(model, **arguments)
    names = list(inference.signatures)
    if format is ExportFormat.litert:
        names = [inference.portable]
    for name in names:
        inputs = inference.signatures[name].input_signature
        texts = [_input_text(spec, format, batch_size) for spec in inputs]
        facts[name] = ", ".join(texts)
    if "flip_test" in inference.description:
        facts["flip test"] = "inside" if inference.description["flip_test"] else "no"
    if format is ExportFormat.saved_model:
        facts["try it"] = f"hrnet predict --model {target.parent} IMAGE"
    common.print_facts(facts)


def _input_text(spec, format, batch_size):
    """An input as people read it, such as "images uint8 [B, 256, 192, 3]"."""
    free = iter("BHW" if len(spec.shape) == 4 else "BN")
    sides = [next(free) if side is None else str(side) for side in spec.shape]
    if format is ExportFormat.litert:
        sides[0] = str(batch_size)
    kind = "uint8 " if spec.dtype.name == "uint8" else ""
    return f"{spec.name} {kind}[{', '.join(sides)}]"
