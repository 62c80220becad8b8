"""`hrnet export`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.export_check import check_data, check_file, print_summary
from hrnet_tf.cli.export_fastest import FASTEST, check_fastest, write_fastest
from hrnet_tf.cli.export_formats import FORMATS, check_options, check_out
from hrnet_tf.cli.find_model import check_model
from hrnet_tf.cli.options import Debug, flag
from hrnet_tf.cli.task_options import arguments_for, merged_options, task_options


class ExportFormat(str, enum.Enum):
    saved_model = "saved_model"
    litert = "litert"
    openvino = "openvino"
    onnx = "onnx"
    fastest = FASTEST


class Precision(str, enum.Enum):
    float32 = "float32"
    float16 = "float16"
    bfloat16 = "bfloat16"
    dynamic_int8 = "dynamic_int8"
    int8 = "int8"


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
        metavar="DIR|FILE",
        show_default=False,
        help="Folder of the exported model; made if absent. Or, but for saved_model, a"
        " file name ending in .tflite, .xml or .onnx.",
    ),
]
FormatOption = Annotated[
    ExportFormat,
    typer.Option(
        help="saved_model: for TensorFlow Serving and TensorFlow; takes image files"
        " and boxes, or pixels. Those that take pixels alone: litert, a .tflite file"
        " for phones; openvino, an .xml file and its .bin, the fastest on Intel's"
        " processors; onnx, for ONNX Runtime. fastest: all that are installed are"
        " measured on this processor, and the fastest is kept of those whose outputs"
        " differ by at most a hundredth."
    ),
]
PrecisionOption = Annotated[
    Precision | None,
    typer.Option(
        help="Numbers that weights are stored as. float16 and bfloat16 halve the file;"
        " int8 also computes in whole numbers, see --calibrate.",
        show_default="float32; openvino: float16",
    ),
]
CalibrateOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR|FILE",
        help="Pictures that int8 is fitted to: a folder of them, or labelled data as"
        " `hrnet train` takes.",
        show_default=False,
    ),
]
CheckOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR|FILE",
        help="Labelled data, as `hrnet evaluate` takes, on which the model and the"
        " exported file are tested side by side.",
        show_default=False,
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
        help="Crops or images in a call of the file, fixed.",
        show_default="litert: 1; others: any",
    ),
]
OptimizeOption = Annotated[
    bool | None,
    typer.Option(
        "--optimize/--no-optimize",
        help="Whether a saved_model has its network as a fixed graph, which runs"
        " faster, but which no training can start from.",
        show_default="on",
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
    precision: PrecisionOption = None,
    calibrate: CalibrateOption = None,
    check: CheckOption = None,
    version: VersionOption = None,
    batch_size: BatchSizeOption = None,
    optimize: OptimizeOption = None,
    overwrite: OverwriteOption = False,
    debug: Debug = False,
) -> None:
    """Export a model for use without this package.

    The exported model does everything, from image files to the result: decoding,
    cutting people out, normalisation, and reading what the network puts out. Formats
    other than saved_model take crops, or images of one size.

    The file is compared with the model, and the largest difference is told. `hrnet
    predict` and `hrnet evaluate` take it as --model.

    Examples:
      hrnet export --model runs/lspet/best.keras --out exported/lspet
      hrnet export --model runs/camvid/best.keras --out exported/camvid
      hrnet export --model runs/coco/best.keras --detector runs/people/best.keras \\
          --out exported/photos
      hrnet export --model runs/lspet/best.keras --out exported/lspet.tflite \\
          --format litert --precision float16
      hrnet export --model runs/mice/best.keras --out exported/mice \\
          --format openvino --precision int8 --calibrate data/mice --check data/mice
      hrnet export --model runs/mice/best.keras --out exported/mice --format fastest
    """
    if format is ExportFormat.fastest:
        single = {"--precision": precision, "--version": version}
        single |= {"--batch-size": batch_size, "--[no-]optimize": optimize}
        check_fastest(out, model.stem, {**single, **_whole_alone(given)}, overwrite)
        loaded, task, arguments = _load(model, given, check)
        pictures = None
        if calibrate is not None:
            pictures = _calibration(loaded, calibrate, arguments)
        target, chosen, kind = write_fastest(
            loaded, task, model, out, arguments, pictures
        )
    else:
        chosen = FORMATS[format.value]
        kind = check_options(
            chosen,
            precision and precision.value,
            given,
            version,
            batch_size,
            calibrate,
            optimize,
        )
        check_out(chosen, out)
        target = chosen.target(out, model.stem, version)
        if target.exists() and not overwrite:
            raise ValueError(
                f"{target} exists. Choose another name"
                f"{'' if chosen.suffix else ' or --version'}, or pass"
                " --overwrite to replace it."
            )
        loaded, task, arguments = _load(model, given, check)
        writing = {**arguments, "precision": kind}
        if not chosen.suffix:
            writing["optimize"] = optimize is not False
        if batch_size is not None:
            writing["batch_size"] = batch_size
        if calibrate is not None:
            writing["calibration"] = _calibration(loaded, calibrate, arguments)
        with common.spinner("exporting"):
            chosen.write(loaded, target, writing)
    print_summary(loaded, target, chosen, kind, arguments)
    if check is not None:
        check_file(task, loaded, model, target, check, arguments)


def _whole_alone(given):
    """The tasks' options that only a SavedModel can have, of those that are given."""
    return {
        options[0].flag: given[name]
        for name, options in merged_options("export").items()
        if name in given and options[0].only == ("saved_model",)
    }


def _load(path, given, check):
    """The model, its task, and the arguments of its inference."""
    check_model(path)
    with common.spinner("loading the model"):
        from hrnet_tf.models.loading import load_model
        from hrnet_tf.tasks import make_inference, task_of

        loaded = load_model(path)
        task = task_of(loaded, path)
        arguments = arguments_for(task, "export", given, path)
        if check is not None:
            check_data(task, check)
        for option in task.options.get("export", ()):
            if option.is_model and option.name in arguments:
                other = arguments[option.name]
                arguments[option.name] = make_inference(load_model(other), other)
    return loaded, task, arguments


def _calibration(model, source, arguments):
    """The pictures that whole numbers are fitted to."""
    from hrnet_tf.export.pictures import pictures_of
    from hrnet_tf.export.portable import portable_inference

    with common.progress("reading pictures", "pictures") as tick:
        return pictures_of(portable_inference(model, **arguments), source, tick)
