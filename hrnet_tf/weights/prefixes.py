"""Where in a checkpoint a network lies: what stands before the names of its tensors."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hrnet_tf.weights.layouts import Checkpoint

# Tensors that every HRNet has, every ResNet of bottlenecks, and every Lite-HRNet.
_MARKS = (
    "stage2.0.branches.0.0.conv1.weight",
    "layer4.0.conv3.weight",
    "head_layer.projects.0.depthwise_conv.conv.weight",
)
_BODY = "backbone."


class Place(NamedTuple):
    """Where a network lies.

    Attributes:
        prefix: str. What stands before the names of its body.
        outer: str. What stands before all of its names: as `prefix`, but without the
            "backbone." of networks that call their bodies so.
    """

    prefix: str
    outer: str

    def inner(self, name: str) -> str | None:
        """Returns a name without what stands before it; None if it lies outside."""
        if not name.startswith(self.outer):
            return None
        return name[len(self.outer) :]


def find_place(names: Iterable[str]) -> Place | None:
    """Finds the network in a checkpoint.

    Args:
        names: iterable of str. The names of the checkpoint's tensors.
    Returns:
        `Place`, or None if no network is known by its names.
    Raises:
        ValueError: if there are several networks.
    """
    names = list(names)
    for mark in _MARKS:
        found = [n[: -len(mark)] for n in names if n == mark or n.endswith(f".{mark}")]
        if len(found) > 1:
            raise ValueError(
                f"The checkpoint holds {len(found)} networks, whose names begin with"
                f" {' and '.join(map(repr, sorted(found)))}. Expected one: take the"
                " tensors of one of them out of `hrnet_tf.weights.torch_checkpoint"
                ".read_checkpoint`, and pass the mapping or save it as .safetensors."
            )
        if found:
            (prefix,) = found
            is_body = prefix == _BODY or prefix.endswith(f".{_BODY}")
            return Place(prefix, prefix.removesuffix(_BODY) if is_body else prefix)
    return None


def not_hrnet(checkpoint: "Checkpoint") -> str:
    """Returns the sentence that says what a checkpoint is instead of an HRNet.

    Args:
        checkpoint: `Checkpoint` without an architecture.
    """
    names = list(checkpoint.sources.values())
    if checkpoint.looks_like is None and find_place(names) is not None:
        return (
            "The checkpoint holds the streams of an HRNet, whose names begin with"
            f" {checkpoint.prefix!r}, but not its stem and first stage (conv1 and"
            " layer1): it is cut, or the network was changed. Pass the whole one."
        )
    looks_like = checkpoint.looks_like and f" It looks like {checkpoint.looks_like}."
    return (
        f"The checkpoint is not from an HRNet: its first names are {names[:3]}."
        f"{looks_like or ''}"
    )
