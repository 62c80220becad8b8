"""`hrnet export --format fastest`, and what is said of speed after other exports."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.cli import common
from hrnet_tf.cli.export_formats import FORMATS, Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from hrnet_tf.tasks.base import Task

FASTEST = "fastest"
# Each file is measured so long, one picture a call, in two rounds.
_SECONDS = 3.0
# Of images, where a model takes any.
_SIDE = 512


def check_fastest(out: Path, stem: str, given: dict[str, Any], overwrite: bool) -> None:
    """Checks what goes with the format that is to be found out, before the work.

    Args:
        out: `Path` that the user gave: a folder.
        stem: str, the model's name.
        given: dict of option to what the user gave, of options of single formats.
        overwrite: bool. Whether what is there may be replaced.
    Raises:
        ValueError: if an option belongs to a single format, or something is there.
    """
    for option, value in given.items():
        if value is not None:
            raise ValueError(
                f"{option} is for one format, and --format {FASTEST} finds out which"
                f" one is written. Leave {option} out, or name the format."
            )
    if out.suffix in {one.suffix for one in FORMATS.values() if one.suffix}:
        raise ValueError(
            f"--format {FASTEST} finds out which kind of file is written. Received:"
            f" --out {out}. Name a folder."
        )
    there = [
        target
        for target in (one.target(out, stem, None) for one in FORMATS.values())
        if target.exists()
    ]
    if there and not overwrite:
        raise ValueError(
            f"{there[0]} exists. Choose another name, or pass --overwrite to replace"
            " it."
        )


def write_fastest(
    loaded: Any,
    task: "Task",
    model: Path,
    out: Path,
    arguments: dict[str, Any],
    pictures: "Sequence[np.ndarray] | None" = None,
) -> tuple[Path, Format, str]:
    """Measures a model in all formats that are installed, and keeps the fastest file.

    Left out are files whose outputs differ from the model's by more than a hundredth.

    Args:
        loaded: `HRNetModel`.
        task: `Task` of it.
        model: `Path` that it came from.
        out: `Path` of the folder to write to.
        arguments: dict, of the inference and, such as `image_size`, of files.
        pictures: sequence of uint8 arrays that int8 is fitted to; None leaves it out.
    Returns:
        The `Path` of what was written, its `Format`, and its precision.
    Raises:
        ValueError: if no file could be measured that is close enough to the model.
    """
    from hrnet_tf.benchmark import measure, report
    from hrnet_tf.cli.exported_files import export_all

    options, for_files = dict(arguments), {}
    if "image_size" in options:
        for_files["image_size"] = options.pop("image_size")
    height, width = for_files.get("image_size") or loaded.input_shape[1:3]
    shape = (height or _SIDE, width or _SIDE)
    with tempfile.TemporaryDirectory() as scratch:
        files = export_all(
            loaded, model, Path(scratch), None, pictures, options, for_files
        )
        with common.progress("measuring", "runs") as tick:
            measured, _ = measure.measure_all(
                files, (1,), _SECONDS, {}, shape, progress=tick
            )
        best, why = report.recommended(measured, 1)
        common.show_table(report.table(measured, (1,), best), task.title)
        if best is None:
            raise ValueError(f"Of the files that were measured {why}. Name a --format.")
        name, precision = best.candidate.name.split()
        format = FORMATS[name]
        target = format.target(out, model.stem, None)
        _keep(best.candidate.path, target)
    return target, format, precision


def speed_hint(format: Format, precision: str) -> dict[str, str]:
    """Returns what is said of speed after an export, a dict of facts.

    Args:
        format: `Format` that was written.
        precision: str.
    """
    from hrnet_tf.lowlevel.half_precision import has_instructions

    if format.suffix or precision != "float32":
        return {}
    text = f"--format {FASTEST} measures what is installed here, and keeps the fastest"
    if has_instructions("bfloat16"):
        # docs/results.md, one crop.
        text += (
            ". This processor has bfloat16 instructions: with such ones HRNet-W32 took"
            " 0.42 of this format's time as OpenVINO's file, and 0.60 as a SavedModel"
            " of --precision bfloat16"
        )
    return {"faster": text}


def _keep(source, target):
    """Copies a file, or a folder, to its place; of OpenVINO's both files."""
    from hrnet_tf.io import replacing

    if source.is_dir():
        with replacing(target) as beside:
            shutil.copytree(source, beside)
        return
    weights = source.with_suffix(".bin")
    if source.suffix == ".xml":
        with replacing(target.with_suffix(".bin")) as beside:
            target.unlink(missing_ok=True)
            shutil.copyfile(weights, beside)
    with replacing(target) as beside:
        shutil.copyfile(source, beside)
