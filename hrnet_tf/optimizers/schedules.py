"""Learning-rate schedules of the protocols, in epochs."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.training.recipe import Recipe


def step_decay(
    learning_rate: float,
    milestones: Sequence[int],
    steps_per_epoch: int,
    factor: float = 0.1,
    warmup_steps: int = 0,
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Multiplies the rate by `factor` from each 0-based epoch of `milestones` on.

    Args:
        learning_rate: float. Rate before the first milestone.
        milestones: ints, increasing.
        steps_per_epoch: int.
        factor: float.
        warmup_steps: int, see `ScaledSchedule`.
    Returns:
        A Keras schedule of the optimizer's step.
    """
    # Keras keeps the old value at the boundary step itself.
    boundaries = [milestone * steps_per_epoch - 1 for milestone in milestones]
    values = [learning_rate * factor**i for i in range(len(boundaries) + 1)]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)
    return _warmed_up(schedule, warmup_steps)


def cosine_decay(
    learning_rate: float, epochs: int, steps_per_epoch: int, warmup_steps: int = 0
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Warms up linearly, then falls to zero along a cosine at the last step.

    Args:
        learning_rate: float. The highest rate.
        epochs: int. Length of the run.
        steps_per_epoch: int.
        warmup_steps: int; at most a tenth of the run is used.
    Returns:
        A Keras schedule of the optimizer's step.
    """
    total = epochs * steps_per_epoch
    warmup = min(warmup_steps, total // 10)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(learning_rate, total)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / warmup,
        total - warmup,
        warmup_target=learning_rate,
        warmup_steps=warmup,
    )


def polynomial_decay(
    learning_rate: float,
    epochs: int,
    steps_per_epoch: int,
    power: float = 0.9,
    warmup_steps: int = 0,
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Falls as `(1 - step / total) ** power` to zero at the end.

    Args:
        learning_rate: float. The rate of the first step.
        epochs: int. Length of the run.
        steps_per_epoch: int.
        power: float; 0.9 in the segmentation protocols.
        warmup_steps: int, see `ScaledSchedule`.
    Returns:
        A Keras schedule of the optimizer's step.
    """
    schedule = keras.optimizers.schedules.PolynomialDecay(
        learning_rate, epochs * steps_per_epoch, end_learning_rate=0.0, power=power
    )
    return _warmed_up(schedule, warmup_steps)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class ScaledSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule times a factor, warmed up linearly.

    With N steps of warm-up the step s = 0, 1, ... has min(1, (s + 1) / N) of the rate
    that the schedule has for it: the first step has an N-th, the N-th step all of it.
    The schedule itself is not moved, so that the run ends as it would have.

    Args:
        schedule: Keras schedule of the optimizer's step, or float, a constant rate.
        factor: float.
        warmup_steps: int; 0 for none.
    Reference:
        Goyal et al., Accurate, Large Minibatch SGD, arXiv 1706.02677.
    """

    def __init__(
        self, schedule: Any, factor: float = 1.0, warmup_steps: int = 0
    ) -> None:
        if factor <= 0 or warmup_steps < 0:
            raise ValueError(
                "The factor must be positive and the warm-up not negative. Received:"
                f" factor={factor}, warmup_steps={warmup_steps}."
            )
        self.schedule = schedule
        self.factor = factor
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Tensor:
        rate = self.schedule(step) if callable(self.schedule) else self.schedule
        rate = keras.ops.convert_to_tensor(rate, "float32") * self.factor
        if not self.warmup_steps:
            return rate
        begun = keras.ops.cast(step, "float32") + 1.0
        return rate * keras.ops.minimum(begun / self.warmup_steps, 1.0)

    def get_config(self) -> dict[str, Any]:
        schedule = self.schedule
        if callable(schedule):
            schedule = keras.optimizers.schedules.serialize(schedule)
        return {
            "schedule": schedule,
            "factor": self.factor,
            "warmup_steps": self.warmup_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "ScaledSchedule":
        schedule = config["schedule"]
        if isinstance(schedule, dict):
            schedule = keras.optimizers.schedules.deserialize(schedule)
        return cls(**{**config, "schedule": schedule})


def adjust_rate(
    recipe: "Recipe",
    scale: bool = False,
    warmup_epochs: float = 0,
    say: Callable[..., Any] = print,
) -> "Recipe":
    """Fits a recipe's learning rate to its batch, and warms it up.

    A rate belongs to a batch size. Where a recipe is given another, `scale` multiplies
    its rates by batch_size / reference_batch_size (Goyal et al.; derived for SGD, and
    for Adam rather too much). The warm-up, see `ScaledSchedule`, multiplies one that
    the recipe has already. Both are told when the run makes its optimizer.

    Args:
        recipe: `Recipe`.
        scale: bool.
        warmup_epochs: float, 0 for none; at most the recipe's epochs.
        say: function of a str.
    Returns:
        `Recipe`; one whose rate changes has the changes among its settings.
    Raises:
        ValueError: if the recipe does not say what batch its rate belongs to, or the
            warm-up is longer than the run.
    Reference:
        Goyal et al., Accurate, Large Minibatch SGD, arXiv 1706.02677.
    """
    if not 0 <= warmup_epochs <= recipe.epochs:
        raise ValueError(
            f"The warm-up must last from 0 to {recipe.epochs} epochs, which the run"
            f" has. Received: warmup_epochs={warmup_epochs}."
        )
    factor = _linear_factor(recipe) if scale else 1.0
    if factor == 1.0 and not warmup_epochs:
        if scale:
            say(f"learning rate as stated, for batches of {recipe.batch_size}")
        return recipe
    changes = {} if factor == 1.0 else {"learning_rate_factor": factor}
    if warmup_epochs:
        changes["warmup_epochs"] = warmup_epochs

    def optimizer(steps, quiet=False):
        made = recipe.optimizer(steps)
        schedule = _schedule_of(made)
        warmup_steps = round(warmup_epochs * steps)
        made.learning_rate = ScaledSchedule(schedule, factor, warmup_steps)
        if quiet:
            return made
        highest = _highest(schedule, recipe.epochs * steps)
        line = f"learning rate {highest:.4g}"
        if factor != 1.0:
            batches = f"{recipe.batch_size}/{recipe.reference_batch_size}"
            line += f" x {batches} = {factor * highest:.4g}"
        if warmup_epochs:
            line += f", warmed up over {warmup_epochs:g} epochs ({warmup_steps} steps)"
        say(line)
        return made

    settings = {**recipe.settings, **changes}
    return dataclasses.replace(recipe, optimizer=optimizer, settings=settings)


def rate_before(optimizer: keras.optimizers.Optimizer, steps: int) -> float:
    """Returns the learning rate (float) that an optimizer had some steps ago.

    Args:
        optimizer: Keras optimizer, also one around another one.
        steps: int.
    """
    while hasattr(optimizer, "inner_optimizer"):
        optimizer = optimizer.inner_optimizer
    rate = optimizer.learning_rate
    if steps:
        schedule = _schedule_of(optimizer)
        rate = schedule(optimizer.iterations - steps) if callable(schedule) else rate
    return float(keras.ops.convert_to_numpy(rate))


def _linear_factor(recipe):
    reference = recipe.reference_batch_size
    if reference is None:
        raise ValueError(
            f"The recipe {recipe.name!r} does not say which batch its learning rate is"
            " stated for, so that it cannot be scaled. Give its function a default"
            " batch_size, or its Recipe the reference_batch_size; or pass the rate."
        )
    return recipe.batch_size / reference


def _schedule_of(optimizer):
    """The optimizer's schedule, or float if its rate is constant."""
    # The attribute itself is the rate of the current step.
    rate = optimizer.get_config()["learning_rate"]
    if isinstance(rate, dict):
        return keras.optimizers.schedules.deserialize(rate)
    return rate


def _highest(schedule, num_steps):
    """The highest rate among steps all over a run."""
    if not callable(schedule):
        return schedule
    steps = range(0, num_steps, max(1, num_steps // 200))
    return max(float(schedule(step)) for step in steps)


def _warmed_up(schedule, warmup_steps):
    if not warmup_steps:
        return schedule
    return ScaledSchedule(schedule, warmup_steps=warmup_steps)
