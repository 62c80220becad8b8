"""The formats of `hrnet export`: where each is written, and in which precisions."""

import dataclasses
import importlib
from pathlib import Path
from typing import Any

from hrnet_tf.cli.task_options import merged_options


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of exported models.

    Attributes:
        name: str.
        precisions: tuple of str, the usual one first.
        suffix: str. The ending of its file; "" for the folders of SavedModels.
        function: str. The function that writes it, in the module of its name.
        calibrated: tuple of str. The precisions that pictures are needed for.
    """

    name: str
    precisions: tuple[str, ...]
    suffix: str
    function: str
    calibrated: tuple[str, ...] = ("int8",)

    def target(self, out: Path, stem: str, version: int | None) -> Path:
        """Returns the `Path` of the file or folder that is written.

        Args:
            out: `Path` that the user gave.
            stem: str, the model's name.
            version: int or None, of SavedModels.
        """
        if not self.suffix:
            return out / str(version or 1)
        return out if out.suffix == self.suffix else out / f"{stem}{self.suffix}"

    def write(self, model: Any, target: Path, given: dict[str, Any]) -> None:
        """Writes a model.

        Args:
            model: `HRNetModel`.
            target: `Path`, see `target`.
            given: dict of the arguments of the function that writes it.
        """
        module = importlib.import_module(f"hrnet_tf.export.{self.name}")
        function = getattr(module, self.function)
        if not self.suffix:
            place = {"version": int(target.name), "overwrite": True}
            function(model, target.parent, **place, **given)
        else:
            function(model, target, **given)


FORMATS = {
    one.name: one
    for one in (
        Format("saved_model", ("float32", "bfloat16"), "", "export_saved_model", ()),
        Format(
            "litert",
            ("float32", "float16", "dynamic_int8", "int8"),
            ".tflite",
            "export_litert",
        ),
        Format(
            "openvino",
            ("float16", "float32", "bfloat16", "int8"),
            ".xml",
            "export_openvino",
        ),
        Format("onnx", ("float32", "float16", "int8"), ".onnx", "export_onnx"),
    )
}


def check_out(format: Format, out: Path) -> None:
    """Raises ValueError if a file or folder of the format cannot be written there.

    Args:
        format: `Format`.
        out: `Path` that the user gave.
    """
    others = {one.suffix: one.name for one in FORMATS.values() if one is not format}
    if out.suffix and out.suffix in others and not out.is_dir():
        raise ValueError(
            f"{out} ends as the files of --format {others[out.suffix]}. Received:"
            f" --format {format.name}. Change the format, or name a folder"
            f"{f' or a {format.suffix} file' if format.suffix else ''}."
        )
    folder = out.parent if out.suffix and out.suffix == format.suffix else out
    for place in (folder, *folder.parents):
        if place.exists() and not place.is_dir():
            raise ValueError(
                f"{place} is a file, and nothing can be written into it. Expected a"
                " folder, or the name of a new one: choose another --out."
            )


def check_options(
    format: Format,
    precision: str | None,
    given: dict[str, Any],
    version: int | None,
    batch_size: int | None,
    calibrate: Path | None,
    optimize: bool | None,
) -> str:
    """Returns the precision to write.

    Args:
        format: `Format`.
        precision: str or None, what the user gave.
        given: dict of the tasks' options that the user gave.
        version, batch_size, calibrate, optimize: what the user gave, or None.
    Raises:
        ValueError: for options that belong to other formats, or are missing.
    """
    files = [name for name, one in FORMATS.items() if one.suffix]
    belongs: dict[str, Any] = {}
    if version is not None:
        belongs["--version"] = ("saved_model",)
    if optimize is not None:
        belongs["--optimize" if optimize else "--no-optimize"] = ("saved_model",)
    if batch_size is not None:
        belongs["--batch-size"] = files
    if precision is not None:
        belongs[f"--precision {precision}"] = [
            name for name, one in FORMATS.items() if precision in one.precisions
        ]
    for name, options in merged_options("export").items():
        if options[0].only is not None and name in given:
            belongs[options[0].flag] = options[0].only
    for option, names in belongs.items():
        if format.name not in names:
            raise ValueError(
                f"{option} belongs to --format {' or '.join(names)}. Received:"
                f" --format {format.name}. Leave {option} out, or change the format."
            )
    chosen = precision or format.precisions[0]
    if chosen in format.calibrated and calibrate is None:
        raise ValueError(
            f"--precision {chosen} is fitted to pictures. Pass --calibrate with a"
            " folder of them, or with the data of the training."
        )
    if calibrate is not None and chosen not in format.calibrated:
        raise ValueError(
            f"--calibrate is for --precision int8. Received: --format {format.name}"
            f" with --precision {chosen}. Leave it out, or change the precision."
        )
    return chosen
