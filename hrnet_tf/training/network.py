"""The network that a recipe trains."""

from collections.abc import Callable
from typing import Any

from hrnet_tf.models.presets import is_architecture
from hrnet_tf.typing import StartingWeights


def make_network(
    make: Callable[..., Any],
    preset: str,
    weights: StartingWeights | None = None,
    **arguments: Any,
) -> Any:
    """Makes a network to train, and tells what its weights begin from, if from others.

    Args:
        make: `(preset, load_weights, **arguments) -> model`, such as `from_preset` of a
            model's class.
        preset: str. An architecture, of random weights, or published weights.
        weights: what to start from, see `start_from`, or None.
        **arguments: of the model.
    Returns:
        The model.
    Raises:
        ValueError: if the preset or an argument is unknown, or the weights are of
            another architecture, see `start_from`.
    """
    built = make(preset, load_weights=not is_architecture(preset), **arguments)
    if weights is not None:
        from hrnet_tf.weights.transfer import start_from

        print(start_from(built, weights))
    return built
