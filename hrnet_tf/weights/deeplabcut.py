"""The pose networks of DeepLabCut 3: timm's HRNet, and heads of its own.

Their snapshots have the body under "backbone.model.", of which the finest stream is
used, and the head of the animals' parts under "heads.bodypart.": of top-down networks a
1x1 convolution (of SuperAnimal models a transposed one of 1x1, which is the same), of
bottom-up networks a transposed 3x3 convolution of stride 2 without padding. Beside it
there may be a location refinement, of two maps for each part.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

PREFIX = "backbone.model."
_HEATMAPS = re.compile(
    r"heads\.bodypart\.heatmap_head\.(final_conv|deconv_layers\.(\d+))\.(weight|bias)"
)
_REFINEMENT = re.compile(r"heads\.\w+\.locref_head\..+")
REFINEMENT = (
    "DeepLabCut's location refinement, without which keypoints are read from the"
    " heatmaps alone"
)
# Heatmap cell i stands for 4 i + 2 pixels, as in the official face code, and Gaussians
# have a standard deviation of two thirds of 17 pixels.
TRAINED_WITH = {
    "interpolation": "nearest",
    "heatmap_convention": "face",
    "heatmap_sigma": 17 * 2 / 3 / 4,
}


class Head(NamedTuple):
    """The head of a snapshot.

    Attributes:
        tensors: dict of official name to array; empty for heads that are not here.
        sources: dict of official name to the name in the file.
        ignored: dict of name in the file to the reason.
        about: str or None. What a head is that is not here.
    """

    tensors: dict[str, np.ndarray]
    sources: dict[str, str]
    ignored: dict[str, str]
    about: str | None


def is_deeplabcut(names: Iterable[str], prefix: str) -> bool:
    """Says whether names (of str) with this prefix of a body are a snapshot's."""
    return prefix == PREFIX and any(name.startswith("heads.") for name in names)


def read_head(tensors: Mapping[str, np.ndarray], width: int) -> Head:
    """Reads the head of a snapshot.

    Args:
        tensors: dict of name to array, of what is not the body.
        width: int. Channels of the body's finest stream.
    Returns:
        `Head`.
    """
    layers: dict[str, dict[str, str]] = {}
    ignored = {}
    for name in tensors:
        match = _HEATMAPS.fullmatch(name)
        if match:
            layers.setdefault(match[1], {})[match[3]] = name
        elif _REFINEMENT.fullmatch(name):
            ignored[name] = REFINEMENT
        else:
            ignored[name] = "a head of DeepLabCut that this package does not have"
    about = _describe(layers, tensors, width)
    names = [name for layer in layers.values() for name in layer.values()]
    if about is not None:
        ignored.update(dict.fromkeys(names, "a head that this package does not have"))
        return Head({}, {}, ignored, about)
    ((layer, sources),) = layers.items()
    sources = {f"final_layer.{part}": name for part, name in sources.items()}
    found = {official: np.asarray(tensors[name]) for official, name in sources.items()}
    if layer.startswith("deconv"):
        # PyTorch's kernels of transposed convolutions begin with the inputs.
        found["final_layer.weight"] = found["final_layer.weight"].swapaxes(0, 1)
    return Head(found, sources, ignored, None)


def _describe(layers, tensors, width):
    """What a head is that no model here has; None for one that it has."""
    weights = [tensors[layer["weight"]] for layer in layers.values() if len(layer) == 2]
    if len(layers) != 1 or not weights or weights[0].ndim != 4:
        return (
            "It is a network of DeepLabCut with another head than one layer of heatmaps"
            f" (its parts: {', '.join(_parts(tensors))}), which no model here has: the"
            " body can be taken."
        )
    (layer,), weight = layers, weights[0]
    inputs, outputs = weight.shape[:2]
    if layer == "final_conv":
        inputs, outputs = outputs, inputs
    size = "x".join(map(str, weight.shape[2:]))
    if weight.shape[2:] != (1, 1):
        return (
            f"It is a bottom-up network of DeepLabCut for {outputs} body parts: a"
            f" transposed convolution of {size} with stride 2 and without padding makes"
            " its heatmaps, a form that no model here has. The body can be taken."
        )
    if inputs != width:
        return (
            f"It is a network of DeepLabCut for {outputs} body parts, whose head reads"
            f" {inputs} channels (of increased or joined streams) and not the"
            f" {width} of the finest one, as the models here do. The body can be taken."
        )
    return None


def _parts(tensors):
    return sorted({".".join(name.split(".")[:3]) for name in tensors})[:4]
