"""The weights that a run on data of the user's own starts from, and its network."""

from typing import Any

from hrnet_tf.lowlevel.half_precision import has_instructions
from hrnet_tf.own.choices import Choices, Machine, choose_preset
from hrnet_tf.own.weights import preset_of


def choose_network(
    choices: "Choices", machine: "Machine", count: int, noun: str, given: dict[str, Any]
) -> str | None:
    """Chooses the weights to start from, and the architecture.

    Returns:
        str or None, the weights.
    """
    weights = given.get("weights")
    reason = "random weights: none are named"
    weights = choices.add("weights", weights, reason, "--weights NAME|FILE")
    if weights is None or given.get("preset"):
        choose_preset(choices, count, machine, noun)
    else:
        choices.add("preset", preset_of(weights), f"that of {weights}", "--preset NAME")
    reason = "float32"
    if not machine.num_gpus and has_instructions("bfloat16"):
        reason += "; mixed_bfloat16 trains faster on this processor"
    choices.add("dtype", None, reason, "--dtype POLICY")
    return weights
