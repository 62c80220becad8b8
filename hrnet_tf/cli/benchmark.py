"""`hrnet benchmark`."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.find_model import model_or_starter
from hrnet_tf.cli.options import Debug

if TYPE_CHECKING:
    from hrnet_tf.benchmark.measure import Candidate
    from hrnet_tf.tasks.base import Report

ModelArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="MODEL",
        show_default="the starter model of poses",
        help="A .keras file, which is exported to every format that is installed, or"
        " what `hrnet export` wrote, which is measured as it is.",
    ),
]
BatchOption = Annotated[
    list[int] | None,
    typer.Option(
        metavar="N",
        min=1,
        show_default="1 and 8",
        help="Images in a call. Can be given several times; the first one counts for"
        " the recommendation.",
    ),
]
FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        show_default="all",
        help="Measure these formats alone: saved_model, litert, openvino, onnx. Can be"
        " given several times.",
    ),
]
CalibrateOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR|FILE",
        show_default=False,
        help="Pictures that int8 is fitted to; without them int8 is left out.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR|FILE",
        show_default=False,
        help="Labelled data, as of `hrnet evaluate --data`, on which every file is"
        " tested, too.",
    ),
]
BesideOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="MODEL",
        show_default=False,
        help="Another model, .keras or exported, that is measured as it is in the same"
        " rounds. Can be given several times; none of them is recommended.",
    ),
]
SizeOption = Annotated[
    tuple[int, int] | None,
    typer.Option(
        metavar="HEIGHT WIDTH",
        show_default="the model's, or 512 512",
        help="Of images, where the model takes any.",
    ),
]
SecondsOption = Annotated[
    float,
    typer.Option(metavar="S", min=0.1, help="How long to measure each batch size."),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR", help="Folder for benchmark.json, benchmark.csv and speed.png."
    ),
]


@common.command()
def benchmark(
    model: ModelArgument = None,
    batch_size: BatchOption = None,
    format: FormatOption = None,
    calibrate: CalibrateOption = None,
    data: DataOption = None,
    beside: BesideOption = None,
    image_size: SizeOption = None,
    seconds: SecondsOption = 4.0,
    out: OutOption = Path("benchmark"),
    debug: Debug = False,
) -> None:
    """Measure a model in every format on this machine, and recommend one.

    Each file runs in a process of its own, in two rounds: images a second, the time
    that half and 99 of 100 calls kept, memory, size, the time from the start of Python
    to the first result, and how far the outputs are from the model's. The machine's own
    limit is measured, too, and what else it was doing.

    Examples:
      hrnet benchmark
      hrnet benchmark runs/lspet/best.keras --batch-size 1 --batch-size 16
      hrnet benchmark runs/mice/best.keras --calibrate data/mice --data data/mice
      hrnet benchmark exported/lite.tflite --beside exported/w18.tflite --batch-size 1
    """
    sizes = tuple(dict.fromkeys(batch_size or (1, 8)))
    model = model_or_starter(model, "benchmark")
    with common.spinner("loading the model"):
        from hrnet_tf.benchmark import measure, report
        from hrnet_tf.predict import read_model
        from hrnet_tf.tasks import make_inference, task_of

        loaded = read_model(model)
        make_inference(loaded, model)
        task = task_of(loaded, model)
        others = [_other(path) for path in beside or ()]
    with tempfile.TemporaryDirectory() as scratch:
        files = _files(model, loaded, Path(scratch), format, calibrate, image_size)
        scored: dict[str, Report] = {}
        if data is not None:
            files, scored = _tested(files, task, model, data)
        shape = _image_size(loaded, image_size)
        with common.progress("measuring", "runs") as tick:
            measured, conditions = measure.measure_all(
                [*files, *others], sizes, seconds, {}, shape, progress=tick
            )
    name, percent, is_error = None, False, False
    if scored:
        first = next(iter(scored.values()))
        name, is_error = first.main_name, first.lower_is_better
        percent = any((file.score or 0) > 1.5 for file in files)
    own = measured[: len(files)]
    best, why = report.recommended(own, sizes[0], percent, is_error)
    common.show_table(report.table(measured, sizes, best, name), task.title)
    facts = _machine(best, why, loaded, sizes[0], shape, conditions)
    content = {"model": str(model), "image_size": list(shape), "machine": facts}
    paths = report.write(out, measured, sizes, content, name)
    for one in measured:
        if one.error is not None:
            facts[one.candidate.name] = f"failed: {one.error}"
    common.print_facts({**facts, "written": ", ".join(map(str, paths))})


def _files(model, loaded, scratch, formats, calibrate, image_size):
    """The candidates: the model, and what it can be exported to here."""
    from hrnet_tf.benchmark.measure import Candidate
    from hrnet_tf.export.loading import file_bytes

    if model.suffix != ".keras":
        for option, given in (("--format", formats), ("--calibrate", calibrate)):
            if given:
                raise ValueError(
                    f"{option} is for a .keras file. Received: {model}, which is"
                    f" exported. Leave {option} out."
                )
        return [Candidate(f"{loaded.format}", loaded.path, file_bytes(loaded.path))]
    found = [Candidate("keras", model, file_bytes(model), None)]
    from hrnet_tf.cli.export_formats import FORMATS
    from hrnet_tf.cli.exported_files import export_all

    unknown = set(formats or ()) - set(FORMATS)
    if unknown:
        raise ValueError(
            f"Unknown format. Received: --format {sorted(unknown)[0]}. Expected one of"
            f" {', '.join(FORMATS)}."
        )
    pictures = None
    if calibrate is not None:
        pictures = _pictures(loaded, calibrate, image_size)
    fixed = _fixed_size(loaded, image_size)
    return found + export_all(
        loaded, model, scratch, formats, pictures, for_files=fixed
    )


def _other(path):
    """The candidate of another model than the one that is measured."""
    from hrnet_tf.benchmark.measure import Candidate
    from hrnet_tf.export.loading import file_bytes
    from hrnet_tf.predict import read_model
    from hrnet_tf.tasks import task_of
    from hrnet_tf.tasks.exported import Exported

    found = read_model(path)
    task_of(found, path)
    if isinstance(found, Exported):
        path = found.path
    return Candidate(str(path), path, file_bytes(path))


def _pictures(loaded, calibrate, image_size):
    from hrnet_tf.export.pictures import pictures_of
    from hrnet_tf.export.portable import portable_inference

    with common.progress("reading pictures", "pictures") as tick:
        inference = portable_inference(loaded, **_fixed_size(loaded, image_size))
        return pictures_of(inference, calibrate, tick)


def _tested(files: "list[Candidate]", task, model, data):
    """The files with their scores on labelled data, and the reports."""
    import dataclasses

    from hrnet_tf.cli.evaluate_own import test_own
    from hrnet_tf.predict import read_model

    tested, reports = [], {}
    for one in files:
        (report,) = test_own(
            task, read_model(one.path), model, data, None, None, {}
        ).values()
        reports[one.name] = report
        score = report.numbers[report.main_name]
        tested.append(dataclasses.replace(one, score=float(score)))
    return tested, reports


def _fixed_size(loaded, image_size):
    """The option of the size of files, of a model that takes any."""
    if loaded.input_shape[1] is not None:
        return {}
    return {"image_size": _image_size(loaded, image_size)}


def _image_size(loaded, given):
    """(height, width) of the images that are measured."""
    from hrnet_tf.tasks.exported import Exported

    if isinstance(loaded, Exported):
        own = loaded.description.get("image_size") or (None, None)
    else:
        own = loaded.input_shape[1:3]
    return tuple(
        side or other for side, other in zip(own, given or (512, 512), strict=True)
    )


def _machine(best, why, loaded, batch_size, shape, conditions):
    """What to say of the machine and of the recommended file."""
    from hrnet_tf.benchmark import report
    from hrnet_tf.models.base import HRNetModel

    facts = {"limit": f"{conditions.limit / 1e9:.0f} GFLOP/s, products in float32"}
    if best is not None:
        facts["recommended"] = f"{best.candidate.name}: {why}"
        if isinstance(loaded, HRNetModel):
            from hrnet_tf.benchmark.work import image_operations

            work = image_operations(loaded, shape)
            share = report.distance(best, batch_size, work, conditions)
            facts["reached"] = (
                f"{share:.0%} of the limit ({work / 1e9:.2f} GFLOP an image)"
            )
    else:
        facts["recommended"] = why
    busy = report.unrest(conditions)
    if busy is not None:
        facts["busy"] = busy
    return facts
