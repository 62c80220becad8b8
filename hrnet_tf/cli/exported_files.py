"""A model in every format that is installed, as `hrnet benchmark` measures it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.cli import common
from hrnet_tf.cli.export_formats import FORMATS

if TYPE_CHECKING:
    import numpy as np

    from hrnet_tf.benchmark.measure import Candidate


def export_all(
    loaded: Any,
    model: Path,
    scratch: Path,
    formats: Sequence[str] | None = None,
    pictures: "Sequence[np.ndarray] | None" = None,
    options: dict[str, Any] | None = None,
    for_files: dict[str, Any] | None = None,
) -> "list[Candidate]":
    """Exports a model to every format and precision whose runtime is installed.

    What is left out is told, with the reason.

    Args:
        loaded: `HRNetModel`.
        model: `Path` that it came from, for messages.
        scratch: `Path` of the folder to write to.
        formats: names of the formats to write; None: all.
        pictures: sequence of uint8 arrays that int8 is fitted to; None leaves it out.
        options: dict, of the task's inference, for all formats.
        for_files: dict, further ones of those that take pixels alone, such as
            `image_size`.
    Returns:
        list of `Candidate`.
    """
    from hrnet_tf.tasks import make_inference

    options, for_files = options or {}, for_files or {}
    # One for all comparisons: its graph is traced once.
    inference = make_inference(loaded, model, **options)
    why_not, found = _not_portable(loaded, {**options, **for_files}), []
    for format in FORMATS.values():
        if formats and format.name not in formats:
            continue
        if format.suffix and why_not is not None:
            _say(f"left out: {format.name}. {why_not}")
            continue
        for precision in format.precisions:
            given: dict[str, Any] = {**options, "precision": precision}
            # SavedModels as `hrnet export` writes them.
            given |= for_files if format.suffix else {"optimize": True}
            if precision in format.calibrated:
                if pictures is None:
                    continue
                given["calibration"] = pictures
            made = _exported(inference, loaded, format, given, scratch)
            if made is None:
                break
            found.append(made)
    return found


def _not_portable(loaded, options):
    """Why other runtimes cannot compute what a model does; None where they can."""
    from hrnet_tf.export.portable import portable_inference

    try:
        portable_inference(loaded, **options)
    except ValueError as error:
        return str(error)
    return None


def _exported(inference, loaded, format, given, scratch):
    """A `Candidate` of the model in a format; None where that is not installed."""
    from hrnet_tf.benchmark.measure import Candidate
    from hrnet_tf.export import load_exported
    from hrnet_tf.export.compare import differences
    from hrnet_tf.export.loading import file_bytes
    from hrnet_tf.extras import MissingExtra

    name = f"{format.name} {given['precision']}"
    target = format.target(scratch / name.replace(" ", "_"), "model", None)
    if format.suffix:
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with common.spinner(f"exporting to {name}"):
            format.write(loaded, target, given)
            exported = load_exported(target)
            apart = differences(inference, exported)
    except MissingExtra as error:
        _say(f"left out: {error}")
        return None
    worst = max((one.worst / max(one.largest, 1e-9) for one in apart), default=None)
    return Candidate(name, target, file_bytes(target), worst)


def _say(text):
    common.console(stderr=True).print(text, markup=False, soft_wrap=True)
