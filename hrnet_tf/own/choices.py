"""Settings that follow from the data and the machine, each with its reason."""

import contextlib
import dataclasses
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.models.counting import count_activations
from hrnet_tf.words import counted

# The rest is for the data and the libraries.
_MEMORY_SHARE = 0.5
# Of a container, by the two versions of control groups.
_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
# TensorFlow does not tell how much memory a GPU has.
_GPU_BYTES = 8e9
# An output of a convolution is kept before and after its normalisation, in float32.
_BYTES_PER_VALUE = 8


@dataclasses.dataclass(frozen=True)
class Choice:
    """A setting of a run, and why it has its value.

    Attributes:
        name: str, the setting.
        value: what a recipe file can hold: numbers, texts, tuples, dicts.
        reason: str.
        option: str. What changes it, such as "--batch-size N".
    """

    name: str
    value: Any
    reason: str
    option: str = ""


@dataclasses.dataclass(frozen=True)
class Machine:
    """What settings depend on.

    Attributes:
        memory: float. Bytes that there are.
        num_gpus: int.
    """

    memory: float
    num_gpus: int = 0

    @classmethod
    def here(cls) -> "Machine":
        """Returns this machine; TensorFlow is loaded."""
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        return cls(_GPU_BYTES if gpus else whole_memory(), len(gpus))


def whole_memory() -> float:
    """Returns the bytes of memory that a process may have; 4e9 where nobody tells.

    What is free at the moment would change the batch of a run that goes on.
    """
    found = []
    for file in _LIMITS:
        with contextlib.suppress(OSError, ValueError):
            found.append(float(Path(file).read_text(encoding="ascii")))
    with contextlib.suppress(AttributeError, ValueError, OSError):
        found.append(float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")))
    return min(found, default=4e9)


class Choices:
    """Collects the settings of a run; those that the user gave win.

    Args:
        given: dict of settings that the user gave.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = {key: value for key, value in given.items() if value is not None}
        self._found: dict[str, Choice] = {}

    def add(self, name: str, value: Any, reason: str, option: str | None = None) -> Any:
        """Adds a setting, and returns its value: the user's if there is one.

        Args:
            name, value, reason: see `Choice`.
            option: str or None for "--set name=...".
        """
        if name in self._given:
            value, reason = self._given[name], "as asked for"
        option = f"--set {name}=..." if option is None else option
        self._found[name] = Choice(name, value, reason, option)
        return value

    def put(self, name: str, value: Any, reason: str, option: str | None = None) -> Any:
        """Adds a setting that was made of what the user gave; as `add`."""
        self._given.pop(name, None)
        return self.add(name, value, reason, option)

    def value(self, name: str) -> Any:
        """Returns the value of a setting that was added."""
        return self._found[name].value

    def reason(self, name: str) -> str:
        """Returns why a setting that was added has its value."""
        return self._found[name].reason

    def finish(self) -> tuple[Choice, ...]:
        """Returns the tuple of `Choice`.

        Raises:
            ValueError: if the user gave a setting that there is not.
        """
        unknown = [name for name in self._given if name not in self._found]
        if unknown:
            raise ValueError(
                f"There is no setting {unknown[0]!r} for data of your own. Received:"
                f" {unknown[0]}={self._given[unknown[0]]!r}. The settings are:"
                f" {', '.join(self._found)}."
            )
        return tuple(self._found.values())


def check_metric(metric: str, only: str, what: str) -> None:
    """Raises ValueError unless a metric is the only one that a task has.

    Args:
        metric, only: str.
        what: str, the beginning of the message, such as "Landmarks are".
    """
    if metric != only:
        raise ValueError(
            f"{what} tested by metric={only!r} alone. Received: metric={metric!r}."
            " Leave it out."
        )


def settings_of(choices: Iterable[Choice]) -> dict[str, Any]:
    """Returns the dict of the settings of a sequence of `Choice`."""
    return {choice.name: choice.value for choice in choices}


def choose_preset(
    choices: "Choices", num_examples: int, machine: "Machine", noun: str
) -> str:
    """Chooses the architecture by the number of examples.

    Args:
        choices: `Choices`.
        num_examples: int.
        machine: `Machine`.
        noun: str, what the examples are.
    Returns:
        str, the preset.
    """
    if not machine.num_gpus:
        preset, reason = "hrnet_w18_small_v1", "the smallest one: there is no GPU"
    elif num_examples < 5000:
        preset, reason = (
            "hrnet_w18_small_v1",
            f"too few for a larger one: {num_examples} {noun}",
        )
    elif num_examples < 30_000:
        preset, reason = "hrnet_w18", f"for {num_examples} {noun}"
    else:
        preset, reason = "hrnet_w32", f"for {num_examples} {noun}"
    return choices.add("preset", preset, reason, "--preset NAME")


def choose_batch(
    choices: "Choices",
    usual: int,
    num_examples: int,
    machine: "Machine",
    model: str,
    preset: str,
    size: tuple[int, int],
    **head: Any,
) -> int:
    """Chooses the batch by the number of examples and by memory.

    Args:
        choices: `Choices`.
        usual: int. The batch that the learning rate is meant for.
        num_examples: int.
        machine: `Machine`.
        model: str, name of the model's class.
        preset, size: the architecture and (height, width) of its input.
        **head: arguments of `count_activations`.
    Returns:
        int.
    """
    examples = counted(num_examples, "examples")
    batch, reason = usual, f"usual for {examples}"
    # Fewer than 8 steps an epoch are too few for the normalisation's averages.
    while batch > 2 and num_examples < 8 * batch:
        batch //= 2
        reason = f"{examples}, so that an epoch has at least 8 steps"
    per_image = image_bytes(model, preset, size, **head)
    most = int(_MEMORY_SHARE * machine.memory / per_image)
    while batch > 1 and batch > most:
        batch //= 2
        reason = "memory"
    needed = batch * per_image
    reason += (
        f"; about {needed / 1e9:.1f} of {machine.memory / 1e9:.0f} GB of memory"
        f"{', as is assumed of a GPU' if machine.num_gpus else ''}"
    )
    return choices.add("batch_size", max(1, batch), reason, "--batch-size N")


def image_bytes(model: str, preset: str, size: tuple[int, int], **head: Any) -> float:
    """Returns the memory (float, bytes) that training takes for an image.

    A simple model: each convolution's output is kept twice, in float32.
    """
    return float(_BYTES_PER_VALUE * count_activations(model, preset, size, **head))


def choose_epochs(
    choices: "Choices",
    num_examples: int,
    wanted: int,
    fewest: int = 10,
    most: int = 200,
) -> int:
    """Chooses the epochs so that the network sees a number of examples in all.

    Args:
        choices: `Choices`.
        num_examples: int, of the training.
        wanted: int. How many are to be seen in all.
        fewest, most: int. Limits of the epochs.
    Returns:
        int.
    """
    epochs = int(np.clip(round(wanted / num_examples), fewest, most))
    seen = epochs * num_examples
    reason = f"{counted(num_examples, 'examples')}: {seen} are seen in all"
    return choices.add("epochs", epochs, reason, "--epochs N")


def evaluate_every(epochs: int) -> int:
    """Returns the epochs (int) between tests, of which a run has about five."""
    return max(1, epochs // 5)


def choose_size(
    choices: "Choices",
    sides: Sequence[float],
    sizes: tuple[int, int],
    reason: str,
    name: str = "image_size",
) -> tuple[int, int]:
    """Adds a size of the input.

    Args:
        choices: `Choices`.
        sides: (height, width) that is wanted, px.
        sizes: (smallest, largest) side.
        reason: str.
        name: str, of the setting.
    Returns:
        (height, width), multiples of 32.
    """
    low, high = sizes
    size = tuple(int(np.clip(32 * round(side / 32), low, high)) for side in sides)
    option = f"--set '{name}=({size[0]},{size[1]})'"
    return tuple(choices.add(name, size, reason, option))
