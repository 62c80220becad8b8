"""Recognises whose checkpoint it is, and gives its tensors their official names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hrnet_tf.weights import deeplabcut, detectors
from hrnet_tf.weights.kinds import KINDS
from hrnet_tf.weights.names import head_kinds, variable_path
from hrnet_tf.weights.prefixes import find_place
from hrnet_tf.weights.recognise import (
    architecture,
    describe_network,
    is_resnet,
    model_of,
)
from hrnet_tf.weights.spellings import official_spelling

if TYPE_CHECKING:
    import numpy as np


# What data-parallel training, compilation, Lightning and mixed precision (the "1." of
# HigherHRNet's files) put before every name, of networks whose place is not found.
_WRAPPERS = re.compile(
    r"^(?:(?:module|model|net|network|_orig_mod|1(?=\.(?:conv|bn|layer|transition|stage"
    r"|final_layers|deconv_layers)))\.)+"
)

DETECTOR_HEADS = "the heads of a detector"
COUNTERS = "step counters, which only PyTorch uses"
_DETECTOR = r"(?:rpn|roi|bbox|mask|mask_iou|\w*semantic)_head\..+|\w*roi_extractor\..+"
ONE_STAGE_NOTE = (
    "a one-stage detector: if its pyramid's convolutions have stride 2 (FCOS), this"
    " model's levels are twice as large"
)
_IGNORED = (
    (r".*\.num_batches_tracked", COUNTERS),
    (
        r"(?:model_)?ema[._].+|(?:state_dict_ema|ema_state_dict)\..+",
        "moving averages kept beside the weights",
    ),
    (r"optimizer\..+", "the optimizer's state"),
    (r"data_preprocessor\..+", "the preprocessing's pixel statistics"),
    (r"(?:.+\.)?(?:\w*loss\w*|criterion)\..+", "weights of the training's loss"),
    (r"auxiliary_head\..+", "auxiliary heads, which only training uses"),
    (_DETECTOR, DETECTOR_HEADS),
    # mmpose's DEKR, CID and PoseWarper, before its version 1.0 and since.
    (
        r"(?:keypoint_)?head\.(?:(?:heatmap|offset|displacement)_conv_layers"
        r"|rescore_net|iia_module|gfd_module|keypoint_center_conv|conv_down|[cs]_attn"
        r"|fuse_attn|heatmap_conv)\..+|rescore_net\..+"
        r"|neck\.(?:trans_layer|offset_feats|offset_layers|deform_conv_layers)\..+",
        "a head that this package does not have",
    ),
)
IMAGENET_HEAD = "an ImageNet head of a form that no model here has"

_TITLES = {
    "pose": "pose network",
    "landmarks": "face landmark network",
    "segmenter": "segmentation network",
    "ocr_segmenter": "segmentation network with OCR",
    "classifier": "classification network",
    "feature_pyramid": "detection network",
    "faster_rcnn": "Faster R-CNN",
    "cascade_rcnn": "Cascade R-CNN",
    "fcos": "FCOS",
    "higher_pose": "HigherHRNet",
    "simple_baseline": "SimpleBaseline",
    "lite_pose": "Lite-HRNet",
    None: "network without a known head",
}
# timm's networks for features, without the rest of a classification head.
_FEATURES = "timm network with the increase modules of classification"
_LIBRARIES = {
    "segmenter": "mmsegmentation",
    "ocr_segmenter": "mmsegmentation",
    "classifier": "mmpretrain",
    "feature_pyramid": "mmdetection",
}
# Constructor arguments that are no part of a file, but belong to its weights. The
# official segmentation networks without OCR are of either interpolation.
_NEAREST = {"interpolation": "nearest"}
_BILINEAR = {"interpolation": "bilinear"}
_TRAINED_WITH: dict[tuple[str | None, str | None], dict[str, Any]] = {
    ("official", "pose"): _NEAREST,
    ("official", "landmarks"): {**_BILINEAR, "heatmap_convention": "face"},
    ("official", "ocr_segmenter"): {"interpolation": "bilinear_align_corners"},
    ("official", "classifier"): _NEAREST,
    ("official", "feature_pyramid"): _NEAREST,
    ("official", "faster_rcnn"): _NEAREST,
    ("official", "cascade_rcnn"): _NEAREST,
    # Those of HRNet-FCOS, and of mmdetection's, see BGR.
    ("official", "fcos"): {
        **_NEAREST,
        "channel_order": "bgr",
        "pixel_mean": tuple(m / 255 for m in (102.9801, 115.9465, 122.7717)),
        "pixel_std": (1 / 255,) * 3,
    },
    ("official", "higher_pose"): _NEAREST,
    ("official", "simple_baseline"): {"channel_order": "bgr"},
    ("OpenMMLab", "lite_pose"): {"channel_order": "rgb"},
    ("DeepLabCut 3", "pose"): deeplabcut.TRAINED_WITH,
    ("OpenMMLab", "pose"): _NEAREST,
    ("OpenMMLab", "landmarks"): _BILINEAR,
    ("OpenMMLab", "segmenter"): _BILINEAR,
    ("OpenMMLab", "ocr_segmenter"): _BILINEAR,
    ("OpenMMLab", "classifier"): _NEAREST,
    ("OpenMMLab", "feature_pyramid"): _NEAREST,
    ("OpenMMLab", "faster_rcnn"): _NEAREST,
    ("OpenMMLab", "cascade_rcnn"): _NEAREST,
    ("OpenMMLab", "fcos"): {
        **_NEAREST,
        "channel_order": "bgr",
        "pixel_mean": (0.406, 0.456, 0.485),
        "pixel_std": (0.225, 0.224, 0.229),
    },
    ("OpenMMLab", "higher_pose"): _NEAREST,
    ("OpenMMLab", "simple_baseline"): {"channel_order": "rgb"},
}


@dataclass(frozen=True)
class Checkpoint:
    """A state dict whose layout has been recognised.

    Attributes:
        layout: str. The kind of checkpoint, in words.
        kind: str or None. The kind of network whose head it has, a key of `KINDS`.
        tensors: dict of official name (detectors' bodies without "backbone.") to
            `np.ndarray`.
        sources: dict of official name to the name in the file.
        ignored: dict of a name in the file to why it needs no place in a model.
        twice: tuple of (name, name) in the file that mean the same tensor.
        trained_with: dict of arguments of our class that belong to the weights.
        architecture: dict or None, see `recognise.architecture`.
        looks_like: str or None. A well-known other architecture.
        notes: tuple of str. What the names say beyond that.
        prefix: str. What stands in the file before the names of the body.
        about: str or None. What its head is and what can be taken, where the head is
            known but not here.
    """

    layout: str
    kind: str | None
    tensors: dict
    sources: dict
    ignored: dict
    twice: tuple = ()
    trained_with: dict = field(default_factory=dict)
    architecture: dict | None = None
    looks_like: str | None = None
    notes: tuple = ()
    prefix: str = ""
    about: str | None = None

    def count_outputs(self) -> int | None:
        """Returns the number of its head's classes, keypoints or channels, or None."""
        if not self.kind or not KINDS[self.kind].sized:
            return None
        kind = KINDS[self.kind]
        tensor = self.tensors.get(f"{kind.sized[0]}.weight")
        return None if tensor is None else int(tensor.shape[0]) - kind.background


def recognise(tensors: "Mapping[str, np.ndarray]") -> Checkpoint:
    """Finds out whose layout a state dict has, by its names alone.

    Args:
        tensors: dict of name to `np.ndarray`, of `read_checkpoint`.
    Returns:
        A `Checkpoint`.
    """
    found = _translate(tensors)
    shapes = {name: tensor.shape for name, tensor in found.tensors.items()}
    arguments = architecture(shapes)
    heads = _add_detector(found, tensors)
    about = _add_head(found, arguments, tensors)
    kind = heads.kind if heads else _find_kind(found.tensors, arguments)
    # Before a known body any name may stand for anything.
    is_hrnet = arguments and not is_resnet(arguments)
    looks_like = None if is_hrnet else describe_network(shapes)
    is_known = arguments or any(map(variable_path, shapes))
    if not is_known or (looks_like and not arguments):
        kind, layout, family = None, "unknown layout", None
    else:
        family = found.family or _find_family(found.sources)
        layout = _describe(family, kind, found.sources, arguments)
        layout = _describe_detector(family, heads) if heads else layout
    return Checkpoint(
        layout=layout,
        kind=kind,
        tensors=found.tensors,
        sources=found.sources,
        ignored=found.ignored,
        twice=tuple(found.twice),
        trained_with={
            **_TRAINED_WITH.get((family, kind), {}),
            **(heads.arguments if heads and kind else {}),
        },
        architecture=arguments,
        looks_like=looks_like,
        notes=_notes(kind, found.ignored),
        prefix=found.prefix,
        about=about,
    )


@dataclass
class _Found:
    """The tensors of a checkpoint by their official names; see `Checkpoint`."""

    tensors: dict = field(default_factory=dict)
    sources: dict = field(default_factory=dict)
    ignored: dict = field(default_factory=dict)
    twice: list = field(default_factory=list)
    outside: list = field(default_factory=list)
    prefix: str = ""
    outer: str | None = None
    family: str | None = None


def _translate(tensors):
    """Returns official names, what to ignore, and what is twice: `_Found`."""
    found = _Found()
    plain = {source: _WRAPPERS.sub("", source, count=1) for source in tensors}
    for source, name in plain.items():
        reason = next((why for p, why in _IGNORED if re.fullmatch(p, name)), None)
        if reason:
            found.ignored[source] = reason
    place = find_place(source for source in tensors if source not in found.ignored)
    if place is not None:
        plain = {source: place.inner(source) for source in tensors}
        found.prefix, found.outer = place.prefix, place.outer
    has_imagenet_head = "head.0.0.0.conv1.weight" in plain.values()
    for source, name in plain.items():
        if source in found.ignored:
            continue
        if name is None:
            found.outside.append(source)
            continue
        if has_imagenet_head and re.match(r"(?:head|classifier|fc)\.", name):
            found.ignored[source] = IMAGENET_HEAD
            continue
        official = official_spelling(name)
        if official in found.sources:
            found.twice.append((found.sources[official], source))
        else:
            found.sources[official] = source
    if "conv_layers.0.weight" in found.sources.get("head.0.weight", ""):
        # In mmpose 1.x the last of several layers is called like a single one.
        found.sources = {
            re.sub(r"final_layer\.(weight|bias)", r"head.3.\1", name): source
            for name, source in found.sources.items()
        }
    found.tensors = {name: tensors[source] for name, source in found.sources.items()}
    return found


def _add_head(found, arguments, tensors):
    """Sees to what lies beside the body; returns what is to be said of it, or None."""
    outside = {name: tensors[name] for name in found.outside}
    width = (arguments or {}).get("width")
    if width and deeplabcut.is_deeplabcut(outside, found.prefix):
        found.family = "DeepLabCut 3"
        head = deeplabcut.read_head(outside, width)
        found.tensors.update(head.tensors)
        found.sources.update(head.sources)
        found.ignored.update(head.ignored)
        return head.about
    if not outside:
        return None
    parts = sorted({name.partition(".")[0] for name in outside})
    reason = f"parts of another model around the network ({', '.join(parts[:6])})"
    found.ignored.update(dict.fromkeys(outside, reason))
    if width and found.prefix == "encoder.model." and "decoder" in parts:
        found.family = "segmentation_models_pytorch"
        return (
            "It is an encoder of segmentation_models_pytorch with a decoder, a form"
            " that no model here has. The body can be taken, and of its increase"
            " modules those of a classification network."
        )
    return None


def _add_detector(found, tensors):
    """Takes in the heads of a detector, and returns them: `Heads`, or None."""
    around = detectors.read_hrnet_fcos(
        {name: tensors[name] for name in found.outside}, found.prefix
    )
    if around is not None:
        heads, accounted = around
        found.outside = [name for name in found.outside if name not in accounted]
        found.tensors.update(heads.tensors)
        found.sources.update(heads.sources)
        return heads
    if found.outer is None:
        return None
    plain = {
        n.removeprefix(found.outer): n for n in tensors if n.startswith(found.outer)
    }
    parts = {n: (s, tensors[s]) for n, s in plain.items() if re.fullmatch(_DETECTOR, n)}
    levels = sum(n.startswith("neck.fpn_conv.") for n in found.tensors) // 2
    heads = detectors.read_heads(parts, levels)
    if heads is None:
        return None
    for name, (source, _) in parts.items():
        found.ignored.pop(source, None)
        found.sources.pop(name, None)
        found.tensors.pop(name, None)
    found.tensors.update(heads.tensors)
    found.sources.update(heads.sources)
    return heads


def _find_kind(names, arguments):
    """Returns the kind of network whose head is among official names, or None."""
    found = {kind for name in names for kind in head_kinds(name)}
    if not any(
        re.match(r"(?:classifier|downsamp_modules|final_layer)\.", n) for n in names
    ):
        # Of the head of classification timm's networks for features have a part alone.
        found.discard("classifier")
    # Three end in a final_layer.
    is_lite = arguments is not None and model_of(arguments) == "LiteHRNetPose"
    found -= {"pose"} if is_lite else {"lite_pose"}
    if "simple_baseline" in found and "deconv_layers.0.weight" not in names:
        found.remove("simple_baseline")
    elif "simple_baseline" in found:
        found.discard("pose")
    return next((kind for kind in KINDS if kind in found), None)


def _find_family(sources):
    is_official = sources.get("neck.reduction_conv.0.weight", "").endswith(".0.weight")
    stem = [sources[name] for name in ("conv1.weight",) if name in sources]
    # In other models' "backbone.model.conv1.weight" the backbone is not the body.
    ending = "backbone.conv1.weight" if stem else "backbone."
    has_prefix = any(ending in source for source in stem or sources.values())
    return "OpenMMLab" if has_prefix and not is_official else "official"


def _notes(kind, ignored):
    heads = [name for name, why in ignored.items() if why == DETECTOR_HEADS]
    is_two_stage = any("rpn_head." in name or "roi_head." in name for name in heads)
    if kind == "feature_pyramid" and heads and not is_two_stage:
        return (ONE_STAGE_NOTE,)
    return ()


def _describe_detector(family, heads):
    title = _TITLES[heads.kind]
    if heads.arguments.get("with_masks"):
        mask = {"Faster R-CNN": "Mask R-CNN", "Cascade R-CNN": "Cascade Mask R-CNN"}
        title = mask[title]
    if family == "official":
        return f"{family} {title}"
    generation = "1" if heads.arguments["convention"] == "official" else "2 or 3"
    return f"OpenMMLab {title} (mmdetection {generation})"


def _describe(family, kind, sources, found):
    """Puts into words whose checkpoint it is."""
    title = _TITLES[kind]
    if family in ("DeepLabCut 3", "segmentation_models_pytorch"):
        return f"{family} {title if kind else 'network'}"
    if kind is None and "incre_modules.0.0.conv1.weight" in sources:
        return _FEATURES
    if found and is_resnet(found) and kind is None:
        has_classes = "fc.weight" in sources
        title = "ResNet classification network" if has_classes else "ResNet"
        return title if family == "official" else f"OpenMMLab {title}"
    if kind == "classifier" and "downsamp_modules.0.0.bias" not in sources:
        # timm's conversions of Paddle's weights; its others have the official names.
        if family == "official" and "downsamp_modules.0.1.weight" in sources:
            return f"timm {title}"
    if family == "official" or kind is None:
        return f"{family} {title}"
    library = _LIBRARIES.get(kind)
    if library is None:
        is_old = any("keypoint_head." in source for source in sources.values())
        library = "mmpose 0.x" if is_old else "mmpose 1.x"
    return f"OpenMMLab {title} ({library})"
