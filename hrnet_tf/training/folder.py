"""The folder of a run: whose it is, and what is in it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.io import remove_partial, write_json
from hrnet_tf.training.identity import is_earlier
from hrnet_tf.training.state import newest_state

if TYPE_CHECKING:
    from hrnet_tf.training.identity import Identity


RUN_FILE = "run.json"
_LOCK = ".lock"
# What a run writes into its folder, and `overwrite` removes.
_OUTPUTS = (
    RUN_FILE,
    "state",
    "tensorboard",
    "best.keras",
    "last.keras",
    "history.csv",
    "curves.png",
)


def may_overwrite(
    output_dir: Path,
    identity: "Identity",
    confirm: Callable[..., Any] | None = None,
    say: Callable[..., Any] | None = None,
) -> bool:
    """Asks whether another run in a folder may be removed.

    Args:
        output_dir: Path.
        identity: `Identity` of this run, as far as it is known.
        confirm: function from a question (str) to bool, or None to refuse.
        say: function of a str, told where the run of an earlier version goes on; None
            tells nothing.
    Returns:
        False if the folder holds this very run, or none.
    Raises:
        ValueError: if there is nobody to ask, or the answer is no.
    """
    run_file = output_dir / RUN_FILE
    if not run_file.exists():
        return False
    try:
        found = json.loads(run_file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{run_file} is damaged: {error}. Choose another folder, or pass"
            " `overwrite=True` to remove that run."
        ) from error
    differences = identity.differences(found)
    if differences and identity.longer_than(found):
        done = _epochs_done(output_dir)
        if done >= found["epochs"]:
            if say is not None:
                say(_going_on_text(done, identity.parts["epochs"]))
            return False
        differences += (
            f"; it stands at epoch {done} of {found['epochs']}, and a longer run goes"
            " on from a finished one: finish it first, with"
            f" `epochs={found['epochs']}`"
        )
    if not differences:
        if is_earlier(found) and say is not None:
            say(
                f"{output_dir} was begun by an earlier version, which kept less of what"
                " a run is. What both know is the same, and the run goes on; from now"
                " on a change of optimizer, loss or examples is noticed too."
            )
        return False
    text = f"{output_dir} holds another run: it differs in {differences}"
    if confirm is not None and confirm(f"{text}. Remove that run?"):
        return True
    raise ValueError(
        f"{text}. Choose another folder, or pass `overwrite=True` to remove that run."
    )


def _epochs_done(output_dir):
    """The epochs that a run has done, by its newest state."""
    newest = newest_state(output_dir)
    return 0 if newest is None else int(newest.name.split("-")[1])


def _going_on_text(done, epochs):
    return (
        f"The run is finished after {done} epochs, and goes on to {epochs}. Its"
        f" schedule of the learning rate is that of {epochs} epochs now: a rate that"
        f" had fallen is again that of epoch {done + 1} of {epochs}. The result is not"
        f" quite that of a run of {epochs} epochs from the start."
    )


def claim(output_dir: Path, identity: "Identity", overwrite: bool) -> Any:
    """Makes a folder this run's, and removes what killed processes left in it.

    Args:
        output_dir: Path; made if absent.
        identity: `Identity`.
        overwrite: bool. Whether to remove the outputs of another run.
    Returns:
        The lock on the folder, which is to be released.
    Raises:
        ValueError: if another process is training there.
    """
    from filelock import FileLock, Timeout

    output_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(output_dir / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"Another process is training in {output_dir}. Let it end, stop it, or"
            " choose another folder."
        ) from None
    except NotImplementedError:
        # File systems without locks are used as they always were.
        pass
    if overwrite:
        remove_run(output_dir)
    for folder in (output_dir, output_dir / "state"):
        remove_partial(folder)
    write_json(output_dir / RUN_FILE, identity.to_json())
    return lock


def remove_run(output_dir: Path) -> None:
    """Removes what a run wrote into its folder; all else there stays.

    Args:
        output_dir: Path, which may be absent.
    """
    for name in _OUTPUTS:
        target = output_dir / name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)
