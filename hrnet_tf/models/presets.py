"""The published architectures."""

import ast
import re
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

# Lite-HRNet's. Stream i has width * 2**i channels here, too: the numbers in the names
# count layers.
LITE_NETWORKS: dict[str, dict[str, Any]] = {
    "lite_hrnet_test": {
        "width": 8,
        "num_modules": (1, 1, 1),
        "num_blocks": 1,
        "stem_width": 8,
    },
    "lite_hrnet_18": {"width": 40},
    "lite_hrnet_30": {"width": 40, "num_modules": (3, 8, 3)},
    "naive_lite_hrnet_18": {"width": 30, "unit": "shuffle"},
    "wider_naive_lite_hrnet_18": {"width": 40, "unit": "shuffle"},
}

# What `LiteHRNetPose` takes where a preset does not say it.
LITE_DEFAULTS: dict[str, Any] = {
    "width": 40,
    "num_modules": (2, 4, 2),
    "num_blocks": 2,
    "unit": "weighting",
    "stem_width": 32,
}

# The Stacked Hourglass.
HOURGLASSES: dict[str, dict[str, Any]] = {
    "hourglass_1": {"num_stacks": 1},
    "hourglass_2": {"num_stacks": 2},
    "hourglass_8": {"num_stacks": 8},
}

# The comparison systems of segmentation: the published ones, and small ones that are as
# large as HRNet-W18-small.
UNETS: dict[str, dict[str, Any]] = {
    "unet": {},
    "unet_small": {"filters": 16},
    "unet_paper": {"normalized": False},
}
SEGNETS: dict[str, dict[str, Any]] = {
    "segnet": {},
    "segnet_small": {"filters": (16, 32, 64, 128, 128)},
}
FCNS: dict[str, dict[str, Any]] = {
    "fcn_8s": {"stride": 8},
    "fcn_16s": {"stride": 16},
    "fcn_32s": {"stride": 32},
}
DECONVNETS: dict[str, dict[str, Any]] = {
    "deconvnet": {},
    "deconvnet_small": {
        "filters": (16, 32, 64, 128, 128),
        "linear_filters": 64,
    },
}
DEEPLABS: dict[str, dict[str, Any]] = {
    "deeplab_resnet50": {"num_blocks": (3, 4, 6, 3)},
    "deeplab_resnet101": {"num_blocks": (3, 4, 23, 3)},
    "deeplab_small": {"num_blocks": (1, 1, 1, 1), "width": 16},
}

# Encoder and decoder, of pose and of segmentation.
ENCODER_DECODERS: dict[str, dict[str, Any]] = {
    f"encoder_decoder_{name}": {"encoder": name}
    for name in ("resnet50", "vgg16", "googlenet", "alexnet")
}

# Networks of classification that only go from high resolution to low.
CLASSIFIERS: dict[str, dict[str, Any]] = {
    name: {"network": name}
    for name in (
        "resnet50",
        "resnet101",
        "resnet152",
        "vgg16",
        "vgg19",
        "googlenet",
        "alexnet",
        "lenet5",
    )
}

# The architectures of all classes.
TABLES = (
    ARCHITECTURES,
    RESNETS,
    LITE_NETWORKS,
    HOURGLASSES,
    UNETS,
    SEGNETS,
    FCNS,
    DECONVNETS,
    DEEPLABS,
    ENCODER_DECODERS,
    CLASSIFIERS,
)


def is_architecture(preset: str) -> bool:
    """Whether a preset is an architecture of any class, and no published weights."""
    name, _ = split_preset(preset)
    return any(name in table for table in TABLES)


def split_preset(preset: str) -> tuple[str, dict[str, Any]]:
    """Splits "NAME:ARGUMENT=VALUE,..." into the name and the arguments.

    So ablations are written where a preset is asked for: "hrnet_w32:exchanges=final".

    Args:
        preset: str.
    Returns:
        The preset's name, and a dict of arguments of its class: values that Python
        reads as literals are those, others are texts.
    Raises:
        ValueError: if a part behind the colon is no ARGUMENT=VALUE.
    """
    name, _, rest = preset.partition(":")
    arguments: dict[str, Any] = {}
    # Commas within parentheses are those of tuples.
    for part in filter(None, re.split(r",(?![^(]*\))", rest)):
        key, equals, value = part.partition("=")
        if not equals or not key.isidentifier():
            raise ValueError(
                f"Expected NAME:ARGUMENT=VALUE,... as in hrnet_w32:exchanges=final."
                f" Received: {preset!r}, of which {part!r} is no ARGUMENT=VALUE."
            )
        try:
            arguments[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            arguments[key] = value
    return name, arguments


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
    if "num_stacks" in arguments:
        return f"Architecture, random weights: hourglasses, {arguments['num_stacks']}."
    is_resnet = isinstance(arguments.get("num_blocks"), tuple)
    if "width" not in arguments and not is_resnet:
        text = ", ".join(f"{key}={value}" for key, value in arguments.items())
        return f"Architecture, random weights{': ' if text else ''}{text}."
    if is_resnet:
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
