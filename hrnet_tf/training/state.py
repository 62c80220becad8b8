"""Saved states of a run: all that a killed one needs to go on, and proof of it.

A state is a folder `state/epoch-EEEE` (so many epochs done) or
`state/epoch-EEEE-step-SSSSSS` (and so many steps of the next). It is written beside,
flushed to the disk, and renamed, so that a state with its final name is whole unless
the disk damages it; that shows in its checksums (`sha256sum -c sha256sums`).
"""

import dataclasses
import hashlib
import json
import re
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.io import discard, remove_partial, replacing
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    import keras


VARIABLES_FILE = "variables.npz"
STATE_FILE = "state.json"
SUMS_FILE = "sha256sums"
# One more than is needed, for the day on which the newest is damaged.
NUM_KEPT = 2
_NAME = re.compile(r"epoch-(\d+)(?:-step-(\d+))?")
_NUM_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class TrainingState:
    """Where a run stands.

    Attributes:
        epoch: int. Epochs done.
        step: int. Steps done of the next one; all of them where its evaluation is
            still to come.
        steps_per_epoch: int.
        best: float. The best score.
        history: list of dicts, the rows of the epochs done.
        logs: dict of name to float. Keras' logs of the last step, the means so far.
        metrics: dict of name to list of lists of float: the variables behind these
            means, with a list for each variable of an item for each replica.
        folder: Path or None. Where it was read from.
    """

    epoch: int = 0
    step: int = 0
    steps_per_epoch: int | None = None
    best: float = float("-inf")
    history: list = dataclasses.field(default_factory=list)
    logs: dict = dataclasses.field(default_factory=dict)
    metrics: dict = dataclasses.field(default_factory=dict)
    folder: Path | None = None


def write_state(output_dir: Path, state: TrainingState, model: "keras.Model") -> Path:
    """Saves a state with the model's and the optimizer's variables.

    Other states but the one before are removed.

    Args:
        output_dir: Path. Folder of the run.
        state: `TrainingState`.
        model: compiled `keras.Model`, its optimizer built.
    Returns:
        Path of the state's folder.
    Raises:
        OSError: if the disk is full, or the like; what was written is removed.
    """
    name = f"epoch-{state.epoch:04d}" + (f"-step-{state.step:06d}" * bool(state.step))
    target = output_dir / "state" / name
    with replacing(target, flush=True) as beside:
        beside.mkdir()
        _write_files(beside, state, model)
    folders = _folders(output_dir)
    # What seems newer was damaged, or the run would have gone on from it.
    newer = folders.index(target)
    for other in [*folders[:newer], *folders[newer + NUM_KEPT :]]:
        discard(other)
    return target


def read_state(output_dir: Path) -> TrainingState | None:
    """Reads the newest state that is whole; warns of newer ones that are not.

    Args:
        output_dir: Path. Folder of the run.
    Returns:
        `TrainingState`, or None if none was saved.
    Raises:
        ValueError: if there are states but all are damaged.
    """
    problems = []
    for folder in _folders(output_dir):
        try:
            state = _read(folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            problems.append(f"{folder} is damaged: {error or type(error).__name__}")
            continue
        for problem in problems:
            warnings.warn(
                f"{problem}. Going on from an older one, {folder.name}.", stacklevel=2
            )
        return state
    if problems:
        raise ValueError(
            f"{output_dir} holds no state to go on from. {'; '.join(problems)}. Put"
            " back one of these folders from a copy, or begin anew with"
            " `overwrite=True`."
        )
    return None


def newest_state(output_dir: PathLike) -> Path | None:
    """Returns the folder of the newest state, unread, or None."""
    folders = _folders(output_dir)
    return folders[0] if folders else None


def restore_variables(state: TrainingState, model: "keras.Model") -> None:
    """Gives the model and its optimizer the variables of a saved state.

    Args:
        state: `TrainingState` that was read from a folder.
        model: compiled `keras.Model`, its optimizer built.
    Raises:
        ValueError: if the state's variables are those of another model or optimizer.
    """
    assert state.folder is not None
    content = json.loads((state.folder / STATE_FILE).read_text("utf-8"))
    variables = _variables(model)
    _check_variables(state.folder, content["variables"], _described(variables))
    with np.load(state.folder / VARIABLES_FILE) as arrays:
        for i, (_, variable) in enumerate(variables):
            array = arrays[f"arr_{i}"]
            if array.dtype.kind == "V":
                array = array.view(np.dtype(content["variables"][i][2]))
            variable.assign(array)


def disk_full_text(output_dir: PathLike, error: BaseException) -> str:
    """What to tell about a full disk; removes what was written in part.

    Args:
        output_dir: Path. Folder of the run.
        error: exception that has a `disk_full_code`.
    """
    remove_partial(Path(output_dir))
    free = shutil.disk_usage(output_dir).free / 1e6
    newest = newest_state(output_dir)
    kept = f"The newest state, {newest}, is whole" if newest else "No state is saved"
    return (
        f"The run could not write to {output_dir}: {error}. {free:.0f} MB are free"
        f" there. {kept}. Make room, and run the same command again to go on."
    )


def _variables(model):
    """Pairs of a name and a variable: all that training changes but the metrics."""
    optimizer = model.optimizer
    inner = getattr(optimizer, "inner_optimizer", None)
    named = [(v.path, v) for v in [*model.variables, *(inner or optimizer).variables]]
    # Whatever wraps an optimizer, its own variables are those of loss scaling.
    for name in ("step_counter", "dynamic_scale"):
        variable = getattr(optimizer, name, None)
        if variable is not None:
            named.append((f"loss_scale/{name}", variable))
    return named


def _described(variables):
    """Names, shapes and data types, for json."""
    # Keras numbers unnamed layers by how many the process has made before.
    return [
        [re.sub(r"_\d+(?=[/_]|$)", "", name), list(v.shape), str(v.dtype)]
        for name, v in variables
    ]


def _check_variables(folder, found, wanted):
    """Raises ValueError, with the first differences, unless the two are equal."""
    if found == wanted:
        return

    def text(variable):
        name, shape, dtype = variable
        return f"{name} {tuple(shape)} {dtype}"

    there = {text(variable) for variable in found}
    here = {text(variable) for variable in wanted}
    parts = []
    for label, names in ("only there", there - here), ("only now", here - there):
        shown = [t for t in map(text, [*found, *wanted]) if t in names]
        shown = list(dict.fromkeys(shown))[:_NUM_SHOWN]
        if shown:
            parts.append(f"{label} {', '.join(shown)}")
    raise ValueError(
        f"{folder} is a state of another model or optimizer:"
        f" {len(found)} variables there, {len(wanted)} now;"
        f" {'; '.join(parts) or 'their order differs'}. Undo the change of the recipe,"
        " choose another folder, or begin anew with `overwrite=True`."
    )


def _write_files(folder, state, model):
    """Writes the three files of a state."""
    import keras

    variables = _variables(model)
    arrays = [keras.ops.convert_to_numpy(variable) for _, variable in variables]
    np.savez(folder / VARIABLES_FILE, *arrays)
    content = {**dataclasses.asdict(state), "variables": _described(variables)}
    del content["folder"]
    sums = f"{_sha256(folder / VARIABLES_FILE)}  {VARIABLES_FILE}\n"
    (folder / STATE_FILE).write_text(json.dumps(content), "utf-8")
    sums += f"{_sha256(folder / STATE_FILE)}  {STATE_FILE}\n"
    (folder / SUMS_FILE).write_bytes(sums.encode())


def _read(folder):
    """The state of a folder; ValueError or OSError if it is not whole."""
    lines = (folder / SUMS_FILE).read_text("utf-8").splitlines()
    sums = dict(line.split("  ")[::-1] for line in lines)
    for name in (VARIABLES_FILE, STATE_FILE):
        if sums.get(name) != _sha256(folder / name):
            raise ValueError(f"{name} does not have the checksum that was written")
    content = json.loads((folder / STATE_FILE).read_text("utf-8"))
    del content["variables"]
    return TrainingState(**content, folder=folder)


def _folders(output_dir):
    """The folders of states, the newest first."""
    found = []
    for folder in (Path(output_dir) / "state").glob("epoch-*"):
        match = _NAME.fullmatch(folder.name)
        if match:
            found.append((int(match[1]), int(match[2] or 0), folder))
    return [folder for *_, folder in sorted(found, reverse=True)]


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
