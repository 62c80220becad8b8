"""The published architectures."""

from typing import Any

# Stream i has width * 2**i channels. Names follow the papers (the network called
# "W18-Small-v1" really starts at 16 channels); no derived values here.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "hrnet_test": {
        "width": 4,
        "num_modules": (1, 1, 1),
        "num_blocks": 1,
        "stem_width": 8,
        "stage1_width": 4,
        "stage1_blocks": 1,
    },
    "hrnet_w18_small_v1": {
        "width": 16,
        "num_modules": (1, 1, 1),
        "num_blocks": 2,
        "stage1_width": 32,
        "stage1_blocks": 1,
    },
    "hrnet_w18_small_v2": {
        "width": 18,
        "num_modules": (1, 3, 2),
        "num_blocks": 2,
        "stage1_blocks": 2,
    },
    "hrnet_w18": {"width": 18},
    "hrnet_w30": {"width": 30},
    "hrnet_w32": {"width": 32},
    "hrnet_w40": {"width": 40},
    "hrnet_w44": {"width": 44},
    "hrnet_w48": {"width": 48},
    "hrnet_w64": {"width": 64},
}

# What `HRNetBackbone` takes where a preset does not say it.
DEFAULTS: dict[str, Any] = {
    "width": 32,
    "num_modules": (1, 4, 3),
    "num_blocks": 4,
    "stem_width": 64,
    "stage1_width": 64,
    "stage1_blocks": 4,
}

# SimpleBaseline's: bottlenecks of the four stages.
RESNETS: dict[str, dict[str, Any]] = {
    "resnet50": {"num_blocks": (3, 4, 6, 3)},
    "resnet101": {"num_blocks": (3, 4, 23, 3)},
    "resnet152": {"num_blocks": (3, 8, 36, 3)},
}


def is_architecture(preset: str) -> bool:
    """Whether a preset is an architecture of any class, and no published weights."""
    return preset in ARCHITECTURES or preset in RESNETS


def describe_presets(model: str, table: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Describes what `from_preset` of a class takes, without loading any framework.

    Args:
        model: str. Name of the class, such as "HRNetPose".
        table: dict. Its architectures.
    Returns:
        A dict from names to descriptions (str): the architectures, then the published
        weights.
    """
    from hrnet_tf.weights import registry

    found = {name: _description(arguments) for name, arguments in table.items()}
    for name in registry.names():
        entry = registry.published(name)
        if entry.model == model:
            found[name] = f"Published weights: {entry.metric}. {entry.notes}".rstrip()
    return found


def _description(arguments):
    """An architecture in a sentence."""
    if "width" not in arguments:
        blocks = ", ".join(map(str, arguments["num_blocks"]))
        return f"Architecture, random weights: bottlenecks of {blocks} in its stages."
    widths = ", ".join(str(arguments["width"] * 2**i) for i in range(4))
    return f"Architecture, random weights: streams of {widths} channels."


def architecture(preset: str, table: dict[str, Any] | None = None) -> dict[str, Any]:
    """Returns the architecture's keyword arguments.

    Args:
        preset: str. A key of the table.
        table: dict or None. Keyword arguments by name; None means `ARCHITECTURES`.
    Raises:
        ValueError: if there is no such preset; the text lists those there are.
    """
    table = ARCHITECTURES if table is None else table
    if preset not in table:
        raise ValueError(
            f"Unknown preset. Received: preset={preset!r}."
            f" Expected one of: {', '.join(table)}."
        )
    return dict(table[preset])
