"""A rate of its own for everything but the head, where weights are trained before."""

import dataclasses
import inspect

from hrnet_tf.optimizers.multipliers import RateMultipliers
from hrnet_tf.training.recipe import Recipe

# The bodies' layers, of HRNet, of Lite-HRNet and of ResNets.
BODY_PATHS = (
    r"^(?:stem|stem_conv\d?|merge|transition\d+|stage\d+_(?:block|module)\d+"
    r"|layer\d+_block\d+)/"
)


def with_body_rate(recipe: Recipe, factor: float | None) -> Recipe:
    """Multiplies a recipe's learning rate for everything but the head.

    Args:
        recipe: `Recipe`.
        factor: float, not negative; None or 1 changes nothing. With 0 the body stays as
            it is, but for the averages of its normalisations.
    Returns:
        `Recipe`, which has the factor among its settings and in its optimizer, and so
        in the identity of its run.
    Raises:
        ValueError: if the factor is negative; when the run begins, if the recipe's
            optimizer has no rates of single variables.
    """
    if factor is None or factor == 1:
        return recipe
    if factor < 0:
        raise ValueError(f"The body's rate must not be negative. Received: {factor}.")
    takes_quiet = "quiet" in inspect.signature(recipe.optimizer).parameters

    def optimizer(steps, quiet=False):
        made = recipe.optimizer(steps, **({"quiet": quiet} if takes_quiet else {}))
        return _multiplied(made, factor)

    settings = {**recipe.settings, "body_rate": factor}
    return dataclasses.replace(recipe, optimizer=optimizer, settings=settings)


def _multiplied(optimizer, factor):
    if not isinstance(optimizer, RateMultipliers):
        raise ValueError(
            "A rate of the body needs an optimizer with rates of single variables."
            f" Received: {type(optimizer).__module__}.{type(optimizer).__name__}. Use"
            " one of hrnet_tf.optimizers in the recipe (Adam, AdamW, TorchSGD, Muon),"
            " or leave --body-rate out."
        )
    # Of expressions that are found in a path the first one counts.
    multipliers = {BODY_PATHS: float(factor), **optimizer.rate_multipliers}
    config = {**optimizer.get_config(), "rate_multipliers": multipliers}
    return type(optimizer).from_config(config)
