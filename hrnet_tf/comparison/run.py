"""Trains networks one after another under one budget."""

import dataclasses
import hashlib
import json
import math
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from hrnet_tf.comparison.report import Member, write_report
from hrnet_tf.io import read_json, write_json
from hrnet_tf.launch import exit_codes
from hrnet_tf.launch.preemption import Preempted, Preemption
from hrnet_tf.typing import PathLike
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from rich.console import Console

# What tells a user's recipe from the one that the file held before.
_TEXT = "text of the recipe"
_START = "from hrnet_tf.comparison.member import main; main()"


@dataclasses.dataclass(frozen=True)
class Budget:
    """What each network is trained for: one of the two.

    Attributes:
        epochs: int or None.
        minutes: float or None, of training without tests. Each network's speed is
            measured first, and it is trained for the whole epochs that they hold, one
            at least.
    """

    epochs: int | None = None
    minutes: float | None = None

    def __post_init__(self):
        given = [x for x in (self.epochs, self.minutes) if x is not None]
        if len(given) != 1 or not 0 < given[0] < math.inf:
            raise ValueError(
                "A comparison needs one budget, epochs or minutes, that is positive and"
                " finite."
                f" Received: epochs={self.epochs}, minutes={self.minutes}."
            )

    def __str__(self):
        if self.epochs is not None:
            return count_text(self.epochs, "epoch", "epochs")
        return f"{self.minutes:g} minutes of training"


def compare(
    recipe: str,
    presets: Sequence[str],
    out: PathLike,
    budget: Budget,
    console: "Console",
    arguments: dict[str, Any] | None = None,
    seed: int = 0,
    title: str = "",
) -> list[Member]:
    """Trains networks by one recipe under one budget, each in a process of its own.

    All of them are built before the first is trained, so that what is misspelt or does
    not fit shows at once. The same call goes on with a comparison that was stopped:
    finished networks are kept, and one that was under way goes on. Where a network
    fails, the others are trained all the same.

    Args:
        recipe: str, see `load_recipe`.
        presets: sequence of str; arguments of a network may stand behind a colon, see
            `split_preset`.
        out: str or Path. Folder: a run for each network, and comparison.json, .csv,
            .md and .png, which are written anew after each.
        budget: `Budget`.
        console: rich console.
        arguments: dict of the recipe's function, such as data_dir; or None.
        seed: int. The same for all.
        title: str, of the plot.
    Returns:
        A list of `Member`, in the order of the presets.
    Raises:
        ValueError: if a network occurs twice or cannot be built or trained, or
            arguments say what the presets or the budget do.
    """
    out, arguments = Path(out), dict(arguments or {})
    if len(set(map(folder_name, presets))) < len(presets) or not presets:
        raise ValueError(
            "Expected different networks, whose folders have different names. Received:"
            f" {list(presets)}."
        )
    told = sorted({"preset", "epochs"} & set(arguments))
    if told:
        raise ValueError(
            "What is compared and for how long is said by the networks and the budget."
            f" Received: {', '.join(told)} among the recipe's arguments. Leave it out."
        )
    out.mkdir(parents=True, exist_ok=True)
    described = _described(recipe, list(presets), arguments, out)
    members, failed = [], []
    for number, facts in enumerate(described, start=1):
        preset = facts["preset"]
        console.print(f"[bold]{number}/{len(described)}[/] {preset}", highlight=False)
        try:
            found = _trained(recipe, preset, arguments, budget, seed, out)
        except _NetworkFailed as error:
            # The others are worth their hours all the same.
            failed.append(str(error))
            console.print(f"[red]error:[/] {escape(str(error))}", highlight=False)
            continue
        members.append(Member.of(facts, found["history"], found.get("main_name")))
        write_report(members, out, str(budget), title)
    if failed:
        kept = f" The others are in {out / 'comparison.md'}." if members else ""
        raise ValueError(
            f"{len(failed)} of {len(described)} networks could not be trained:"
            f" {' '.join(failed)} The same command goes on with them once that is"
            f" mended, or leave them out of the comparison.{kept}"
        )
    return members


def _trained(recipe, preset, arguments, budget, seed, out):
    """What a network's training told; it is trained unless it was."""
    folder = out / folder_name(preset)
    epochs = budget.epochs or _epochs(recipe, preset, arguments, budget, folder)
    work = {"recipe": recipe, "arguments": {**arguments, "epochs": epochs}}
    work["seed"] = seed
    _claim(folder, {**work, "preset": preset, _TEXT: _digest_of_file(recipe)})
    answer = folder / f"member_{_digest(work)}.json"
    if not answer.is_file():
        work = {**work, "preset": preset, "out": str(folder)}
        _in_a_process("train_member", work, answer, preset)
    return read_json(answer)


class _NetworkFailed(ValueError):
    """The process of a network ended badly."""


def folder_name(preset: str) -> str:
    """Returns the name (str) of a network's folder: the preset, without signs."""
    return "".join(c if c.isalnum() or c in "_-." else "_" for c in preset)


def _described(recipe, presets, arguments, out):
    """What is known of the networks before they are trained."""
    work = {"recipe": recipe, "presets": presets, "arguments": arguments}
    answer = out / f"networks_{_digest(work)}.json"
    if not answer.is_file():
        _in_a_process("describe", work, answer, ", ".join(presets))
    return read_json(answer)


def _epochs(recipe, preset, arguments, budget, folder):
    """The epochs that the budget's minutes hold; measured once."""
    work = {
        "recipe": recipe,
        "preset": preset,
        "arguments": arguments,
        "minutes": budget.minutes,
    }
    answer = folder / f"speed_{_digest(work)}.json"
    if not answer.is_file():
        _in_a_process("epochs_within", work, answer, preset)
    return read_json(answer)["epochs"]


def _claim(folder, work):
    """Writes down what a network's folder is of; ValueError if it is of other work."""
    path = folder / "trained_by.json"
    work = json.loads(json.dumps(work, default=str))
    before = read_json(path) if path.is_file() else work
    # Of comparisons before they were written down.
    before = {"preset": work["preset"], _TEXT: work[_TEXT], **before}
    keys = sorted({*work["arguments"], *before["arguments"]})
    wanted, found = (
        {**given, **{key: given["arguments"].get(key) for key in keys}}
        for given in (work, before)
    )
    names = ("preset", "recipe", _TEXT, "seed", *keys)
    names = [name for name in names if wanted[name] != found[name]]
    if names:
        text = "; ".join(f"{name} {found[name]}, now {wanted[name]}" for name in names)
        raise ValueError(
            f"{folder} holds a network that was trained by other settings: {text}."
            " Networks are compared after the same training: choose another `out`, or"
            " repeat the settings."
        )
    write_json(path, work)


def _in_a_process(work, arguments, answer, what):
    """Has `member` do some work in a process of its own."""
    answer.parent.mkdir(parents=True, exist_ok=True)
    order = answer.with_name(f"order_{answer.name}")
    write_json(
        order, {"work": work, "arguments": arguments, "answer": str(answer.resolve())}
    )
    command = [sys.executable, "-c", _START, str(order)]
    with subprocess.Popen(command) as process, Preemption(process.terminate):
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    order.unlink()
    if code in (exit_codes.PREEMPTED, -signal.SIGTERM):
        raise Preempted(f"{what}: stopped by SIGTERM. The same command goes on.")
    if code in (exit_codes.INTERRUPTED, -signal.SIGINT):
        raise KeyboardInterrupt
    if code or not answer.is_file():
        raise _NetworkFailed(f"{what}: {_ending(code)}")


def _ending(code):
    """Says how a process ended."""
    if code >= 0:
        return f"stopped with exit code {code}; why is said above."
    text = f"killed by the signal {-code} ({signal.Signals(-code).name})."
    if code == -signal.SIGKILL:
        text += " So systems end what takes more memory than there is: a smaller"
        text += " `batch_size` takes less."
    return text


def _digest_of_file(recipe):
    """Of the text of a user's recipe; None of one of the package's."""
    path = Path(recipe)
    files = [file for file in (path, path.parent) if file.is_file()]
    return _digest(files[0].read_text(encoding="utf-8")) if files else None


def _digest(content):
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
