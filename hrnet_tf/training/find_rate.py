"""A look for the learning rate: the loss while the rate rises step by step."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np

from hrnet_tf.io import write_bytes
from hrnet_tf.lowlevel import accelerate
from hrnet_tf.training.run import compile_model, explained
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from rich.console import Console

    from hrnet_tf.training.recipe import Recipe


# Of the smoothing, in steps, and how far above its minimum the loss ends the search.
SMOOTHING = 2.5
DIVERGED = 4.0
_MIN_STEPS = 10


@dataclasses.dataclass(frozen=True, eq=False)
class RateSearch:
    """What a search found.

    Attributes:
        rates: float64 `[N]`, the rates of the steps, increasing.
        losses: float64 `[N]`. Each is that of a step's batch before the step's update.
        smoothed: float64 `[N]`, the losses smoothed by a Gaussian of 2.5 steps.
        steepest: float or None. The rate at which the smoothed loss falls fastest by
            the decade; None if it never falls.
        tenth: float or None. A tenth of the rate at the minimum.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    steepest: float | None
    tenth: float | None


def find_rate(
    recipe: "Recipe",
    output_dir: PathLike,
    seed: int = 0,
    lowest: float = 1e-7,
    highest: float = 10.0,
    num_steps: int = 100,
    console: "Console | None" = None,
) -> RateSearch:
    """Trains some steps with a rate that rises exponentially, and draws the losses.

    The recipe's model, from its fresh weights, data and optimizer are used; the rate is
    `lowest * (highest / lowest) ** (s / (num_steps - 1))` at the step s. The search
    ends where the smoothed loss is above 4 times its minimum, from the tenth step on,
    or before where the loss is not finite.
    Written are learning_rate.png and learning_rate.csv; a run in the folder is left
    alone.

    Args:
        recipe: `Recipe`.
        output_dir: str or Path; made if absent.
        seed: int. Seeds the weights, the order and the augmentation.
        lowest, highest: float. The first and the last rate.
        num_steps: int.
        console: rich console to write to, or None for a new one.
    Returns:
        `RateSearch`.
    Raises:
        ValueError: if the rates or steps are not usable, or the loss is not finite
            even at the lowest rates.
    Reference:
        Smith, Cyclical Learning Rates for Training Neural Networks, arXiv 1506.01186.
    """
    if not 0 < lowest < highest or num_steps < _MIN_STEPS:
        raise ValueError(
            f"Expected 0 < lowest < highest and {_MIN_STEPS} steps or more. Received:"
            f" lowest={lowest}, highest={highest}, num_steps={num_steps}."
        )
    if console is None:
        from rich.console import Console

        console = Console()
    rates = lowest * (highest / lowest) ** (np.arange(num_steps) / (num_steps - 1))
    output_dir = Path(output_dir)
    with explained(recipe, output_dir):
        losses = _sweep(recipe, seed, lowest, highest, num_steps, console)
    if len(losses) < _MIN_STEPS:
        raise ValueError(
            f"The loss was no number after {len(losses)} steps, at the learning rate"
            f" {rates[len(losses)]:.2g}. Expected {_MIN_STEPS} steps or more: search"
            f" from a lower rate than {lowest:.2g}, or look at the data."
        )
    found = _search(rates[: len(losses)], np.array(losses))
    _write(found, output_dir)
    return found


def smooth(losses: "ArrayLike") -> np.ndarray:
    """Returns the losses `[N]` smoothed by a Gaussian of 2.5 steps."""
    # Centred, so that the curve is not late against the rates.
    from scipy.ndimage import gaussian_filter1d

    return gaussian_filter1d(np.asarray(losses, np.float64), SMOOTHING, mode="nearest")


def _sweep(recipe, seed, lowest, highest, num_steps, console):
    """Trains while the rate rises; returns the steps' losses."""
    from rich import progress

    def optimizer(steps):
        made = recipe.optimizer(steps)
        made.learning_rate = keras.optimizers.schedules.ExponentialDecay(
            lowest, num_steps - 1, highest / lowest
        )
        return made

    keras.utils.set_random_seed(seed)
    model = recipe.model()
    accelerate(model, recompute="none")
    with console.status("loading the training data"):
        batches, steps = recipe.train_data(seed, 0)
    compile_model(model, dataclasses.replace(recipe, optimizer=optimizer), steps)
    bar = progress.Progress(
        console=console, transient=True, disable=not console.is_terminal
    )
    with bar:
        collected = _Losses(bar, bar.add_task("learning rates", total=num_steps))
        model.fit(
            # A short run's data may end before.
            batches.repeat(),
            steps_per_epoch=num_steps,
            shuffle=False,
            verbose=0,
            callbacks=[collected],
        )
    return collected.losses


class _Losses(keras.callbacks.Callback):
    """Collects the losses of single steps and ends the search."""

    def __init__(self, bar, task):
        super().__init__()
        self.bar = bar
        self.task = task
        self.losses = []

    def on_train_batch_begin(self, batch, logs=None):
        # The logs are means since the last reset.
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update(self.task, advance=1)
        if not np.isfinite(logs["loss"]):
            self.model.stop_training = True
            return
        self.losses.append(logs["loss"])
        if len(self.losses) < _MIN_STEPS:
            return
        smoothed = smooth(self.losses)
        if smoothed[-1] > DIVERGED * smoothed.min() > 0:
            self.model.stop_training = True


def _search(rates, losses):
    smoothed = smooth(losses)
    lowest = int(np.argmin(smoothed))
    slopes = np.gradient(smoothed, np.log10(rates))[: lowest + 1]
    falls = lowest > 0 and slopes.min() < 0
    return RateSearch(
        rates,
        losses,
        smoothed,
        steepest=float(rates[np.argmin(slopes)]) if falls else None,
        tenth=float(rates[lowest] / 10) if falls else None,
    )


def _write(found, folder):
    from hrnet_tf.pictures.plots import plot_learning_rates

    columns = (found.rates, found.losses, found.smoothed)
    lines = ["step,learning_rate,loss,smoothed"]
    for step, row in enumerate(zip(*columns, strict=True), 1):
        lines.append(",".join([str(step), *(f"{value:.7g}" for value in row)]))
    write_bytes(folder / "learning_rate.csv", "\n".join([*lines, ""]))
    marks = {"steepest": found.steepest, "a tenth of the minimum's": found.tenth}
    marks = {name: rate for name, rate in marks.items() if rate is not None}
    plot_learning_rates(*columns, marks, folder / "learning_rate.png")
