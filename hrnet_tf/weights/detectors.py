"""Whose detector a checkpoint is, and its tensors in the form of this package.

The names that the rest of this folder knows are those of mmdetection 2 and 3 with the
number of the stage also where there is one; its pyramid has the official names. The
background is the last class.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

# The kinds of networks that are detectors.
KINDS = ("faster_rcnn", "cascade_rcnn", "fcos")
_STAGES = {1: "faster_rcnn", 3: "cascade_rcnn"}
# Bins along each side of a region.
_BINS = 7

_TWO_STAGE = (
    r"rpn_head\.(?:rpn_conv|rpn_cls|rpn_reg)\.(?:weight|bias)",
    r"(?:roi_head\.)?bbox_head(?:\.\d)?\.(?:fc_cls|fc_reg|shared_fcs\.[01])"
    r"\.(?:weight|bias)",
    r"(?:roi_head\.)?mask_head(?:\.\d)?\.(?:convs\.\d\.conv|upsample|conv_logits)"
    r"\.(?:weight|bias)",
)
_ONE_STAGE = (
    r"bbox_head\.(?:cls|reg)_convs\.\d\.(?:conv|gn)\.(?:weight|bias)",
    r"bbox_head\.(?:conv_|fcos_)(?:cls|reg|centerness)\.(?:weight|bias)",
    r"bbox_head\.scales\.\d\.scale",
)
# Of HRNet-FCOS: what stands around its body, and this package's names.
_AROUND = "backbone.body."
_FCOS_NAMES: tuple[tuple[str, str | Callable], ...] = (
    (r"backbone\.fpn\.((?:reduction_conv|fpn_conv)\..+)", r"neck.\1"),
    (r"rpn\.head\.cls_tower\.(\d+)\.(.+)", lambda m: _of_tower("cls", m)),
    (r"rpn\.head\.bbox_tower\.(\d+)\.(.+)", lambda m: _of_tower("reg", m)),
    (r"rpn\.head\.cls_logits\.(.+)", r"bbox_head.conv_cls.\1"),
    (r"rpn\.head\.bbox_pred\.(.+)", r"bbox_head.conv_reg.\1"),
    (r"rpn\.head\.centerness\.(.+)", r"bbox_head.conv_centerness.\1"),
    (r"rpn\.head\.scales\.(.+)", r"bbox_head.scales.\1"),
)


class Heads(NamedTuple):
    """The heads of a detector.

    Attributes:
        kind: str, of `KINDS`.
        arguments: dict. What they say of the arguments of our class.
        tensors: dict of this package's names to arrays.
        sources: dict of this package's names to those of the file.
    """

    kind: str
    arguments: dict
    tensors: dict
    sources: dict


def read_heads(
    heads: Mapping[str, tuple[str, np.ndarray]], levels: int
) -> Heads | None:
    """Recognises the heads of a detector, and brings them into this package's form.

    Args:
        heads: dict of name, without what stands before a detector's parts, to the name
            in the file and the tensor.
        levels: int. Levels of the pyramid.
    Returns:
        `Heads`; None if there are others than this package has.
    """
    if _are(heads, _TWO_STAGE) and "rpn_head.rpn_cls.weight" in heads:
        return _read_two_stage(heads)
    if _are(heads, _ONE_STAGE):
        return _read_one_stage(heads, levels)
    return None


def read_hrnet_fcos(
    around: Mapping[str, np.ndarray], prefix: str
) -> tuple[Heads, set[str]] | None:
    """Recognises what lies around the body in files of HRNet-FCOS.

    Args:
        around: dict of name in the file to tensor.
        prefix: str. What stands before the names of the body.
    Returns:
        `Heads`, the pyramid among their tensors, and the names in the file that are
        accounted for; None if it is another network.
    """
    if not prefix.endswith(_AROUND):
        return None
    outer = prefix.removesuffix(_AROUND)
    found = {}
    for source, tensor in around.items():
        name = _rename(source.removeprefix(outer), _FCOS_NAMES)
        if name is not None:
            found[name] = (source, tensor)
    necks = {name: found.pop(name) for name in list(found) if name.startswith("neck.")}
    levels = sum(name.startswith("neck.fpn_conv.") for name in necks) // 2
    heads = _read_one_stage(found, levels) if _are(found, _ONE_STAGE) else None
    if heads is None:
        return None
    heads = heads._replace(
        arguments={**heads.arguments, "convention": "official"},
        tensors={**heads.tensors, **{n: tensor for n, (_, tensor) in necks.items()}},
        sources={**heads.sources, **{n: source for n, (source, _) in necks.items()}},
    )
    return heads, set(heads.sources.values())


def is_head(name: str) -> bool:
    """Says whether a tensor (str, its name here) is of the heads of a detector."""
    return name.startswith(("rpn_head.", "roi_head.", "bbox_head."))


def to_file(
    tensors: Mapping[str, np.ndarray], kind: str, arguments: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Returns a detector's tensors as the code of its convention has them.

    Args:
        tensors: dict of this package's names, bodies with "backbone.", to arrays.
        kind: str, of `KINDS`.
        arguments: dict of our class.
    """
    is_official = arguments["convention"] == "official"
    found = {}
    for name, tensor in tensors.items():
        layer = name.rpartition(".")[0]
        if layer.endswith("shared_fcs.0") and tensor.ndim == 4:
            tensor = tensor.reshape(tensor.shape[0], -1)
        if is_official and is_head(name) and tensor.ndim:
            tensor = np.roll(tensor, _shift(layer, tensor), axis=0)
        if is_official and name.endswith(".scale"):
            tensor = tensor.reshape(1)
        found[file_name(name, kind, arguments)] = np.array(tensor, order="C")
    return found


def file_name(name: str, kind: str, arguments: Mapping[str, Any]) -> str:
    """Returns what the code of a detector's convention calls a tensor.

    Args:
        name: str, this package's name.
        kind, arguments: see `to_file`.
    """
    if kind == "faster_rcnn":
        name = re.sub(r"(roi_head\.(?:bbox|mask)_head)\.0\.", r"\1.", name)
    if arguments["convention"] != "official":
        name = re.sub(r"neck\.reduction_conv\.0\.", "neck.reduction_conv.conv.", name)
        return re.sub(r"neck\.fpn_conv\.(\d)\.", r"neck.fpn_convs.\1.conv.", name)
    if kind != "fcos":
        return name.removeprefix("roi_head.")
    return _to_hrnet_fcos(name)


def _to_hrnet_fcos(name):
    name = re.sub(r"^backbone\.", _AROUND, name)
    name = re.sub(r"^neck\.", "backbone.fpn.", name)
    tower = re.fullmatch(r"bbox_head\.(cls|reg)_convs\.(\d)\.(conv|gn)\.(.+)", name)
    if tower:
        title = "cls" if tower[1] == "cls" else "bbox"
        # A normalisation and an activation follow each convolution.
        place = 3 * int(tower[2]) + (tower[3] == "gn")
        return f"rpn.head.{title}_tower.{place}.{tower[4]}"
    for ours, theirs in (
        ("conv_cls", "cls_logits"),
        ("conv_reg", "bbox_pred"),
        ("conv_centerness", "centerness"),
        ("scales", "scales"),
    ):
        name = name.replace(f"bbox_head.{ours}.", f"rpn.head.{theirs}.")
    return name


def _of_tower(title, match):
    part = ("conv", "gn")[int(match[1]) % 3]
    return f"bbox_head.{title}_convs.{int(match[1]) // 3}.{part}.{match[2]}"


def _rename(name, rules):
    for pattern, ours in rules:
        match = re.fullmatch(pattern, name)
        if match:
            return ours(match) if callable(ours) else match.expand(ours)
    return None


def _are(names, patterns):
    """Whether all names, of which there are some, are of these patterns."""
    return bool(names) and all(
        any(re.fullmatch(pattern, name) for pattern in patterns) for name in names
    )


def _read_two_stage(heads):
    tensors, sources = {}, {}
    for name, (source, tensor) in heads.items():
        ours = re.sub(r"^(?=bbox_head|mask_head)", "roi_head.", name)
        ours = re.sub(r"(roi_head\.\w+_head)\.(?!\d)", r"\1.0.", ours)
        tensors[ours], sources[ours] = tensor, source
    num_stages = len({n.split(".")[2] for n in tensors if ".bbox_head." in n})
    kind = _STAGES.get(num_stages)
    rows = [
        tensors.get(f"roi_head.{layer}.weight", np.zeros(0)).shape[0]
        for layer in ("bbox_head.0.fc_cls", "bbox_head.0.fc_reg")
    ]
    masks = tensors.get("roi_head.mask_head.0.conv_logits.weight")
    # A class-agnostic head is that of a cascade, and nothing else here.
    agnostic = rows[1] == 4 and rows[0] != 2
    if kind is None or 0 in rows or (agnostic and kind == "faster_rcnn"):
        return None
    if masks is not None:
        is_official = masks.shape[0] == rows[0]
    elif kind == "faster_rcnn":
        is_official = rows[1] == 4 * rows[0]
    else:
        is_official = not any(name.startswith("roi_head.") for name in heads)
    arguments = {
        "convention": "official" if is_official else "mmdet",
        "with_masks": masks is not None,
    }
    for name, tensor in tensors.items():
        layer = name.rpartition(".")[0]
        if layer.endswith("shared_fcs.0") and tensor.ndim == 2:
            if tensor.shape[1] % _BINS**2:
                return None
            tensor = tensor.reshape(tensor.shape[0], -1, _BINS, _BINS)
        if is_official:
            tensor = np.roll(tensor, -_shift(layer, tensor), axis=0)
        tensors[name] = tensor
    return Heads(kind, arguments, tensors, sources)


def _shift(layer, tensor):
    """By how many rows the background is before its place in the official order."""
    if layer.endswith(".fc_cls") or layer.endswith(".conv_logits"):
        return 1
    # Those of a cascade have no classes.
    return 4 if layer.endswith(".fc_reg") and tensor.shape[0] > 4 else 0


def _read_one_stage(heads, levels):
    tensors, sources = {}, {}
    for name, (source, tensor) in heads.items():
        ours = name.replace(".fcos_", ".conv_")
        # HRNet-FCOS has its scales in vectors.
        is_scale = name.endswith(".scale") and tensor.shape == (1,)
        tensors[ours] = tensor.reshape(()) if is_scale else tensor
        sources[ours] = source
    # Without group normalisation, or with its centreness elsewhere, it is another one.
    needed = ("cls_convs.3.gn.weight", "conv_centerness.weight", "scales.0.scale")
    if not all(f"bbox_head.{name}" in tensors for name in needed):
        return None
    arguments: dict[str, Any] = {"convention": "mmdet"}
    if "bbox_head.cls_convs.0.conv.bias" in tensors:
        arguments["convention"] = "official"
    if levels:
        # Strides from 4 on, where there are six.
        arguments |= {"num_levels": levels, "first_level": 2 if levels > 5 else 3}
    return Heads("fcos", arguments, tensors, sources)


def carry_rows(
    layer: str,
    own: np.ndarray,
    their: np.ndarray,
    pairs: tuple[tuple[int, int], ...],
    counts: tuple[int, int],
) -> np.ndarray:
    """Returns a head's tensor with rows of another's: of classes, and the background.

    Args:
        layer: str, its name.
        own, their: arrays, on whose first axis the background may follow the classes.
        pairs: of classes, ours and theirs.
        counts: numbers of classes, ours and theirs.
    """
    per_class = 4 if layer.endswith(".fc_reg") else 1
    result = own.copy()
    rows = [(per_class * a, per_class * b) for a, b in pairs]
    if own.shape[0] > per_class * counts[0] and their.shape[0] > per_class * counts[1]:
        rows.append((per_class * counts[0], per_class * counts[1]))
    for ours, theirs in rows:
        result[ours : ours + per_class] = their[theirs : theirs + per_class]
    return result


def without_heads(checkpoint: Any, reason: str, note: str) -> Any:
    """Returns the `Checkpoint` of a detector's body and pyramid, its heads ignored.

    Args:
        checkpoint: `Checkpoint` of a detector.
        reason: str. Why they are ignored.
        note: str. What is to be said of one-stage detectors.
    """
    heads = [name for name in checkpoint.tensors if is_head(name)]
    kept = {n: t for n, t in checkpoint.tensors.items() if n not in heads}
    ignored = {checkpoint.sources[name]: reason for name in heads}
    return dataclasses.replace(
        checkpoint,
        kind="feature_pyramid",
        tensors=kept,
        sources={name: checkpoint.sources[name] for name in kept},
        ignored={**checkpoint.ignored, **ignored},
        notes=(*checkpoint.notes, *([note] if checkpoint.kind == "fcos" else ())),
    )
