"""The names of the official PyTorch checkpoints <-> the paths of our variables."""

import functools
import re

from hrnet_tf.weights.kinds import KINDS

_LAYER_LEAVES = {"kernel": "weight", "bias": "bias"}
_NORM_LEAVES = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def _layer(ours, official):
    """Returns (path, name) templates of a layer with a kernel and a bias."""
    return [(f"{ours}/{a}", f"{official}.{b}") for a, b in _LAYER_LEAVES.items()]


def _scaled(ours, official):
    """Returns templates of a normalisation that keeps no statistics."""
    leaves = list(_NORM_LEAVES.items())[:2]
    return [(f"{ours}/{a}", f"{official}.{b}") for a, b in leaves]


def _unit(ours, conv, norm, bias=False):
    """Returns templates of a convolution and the normalisation after it."""
    conv = _layer(f"{ours}/conv", conv)
    norm = [(f"{ours}/norm/{a}", f"{norm}.{b}") for a, b in _NORM_LEAVES.items()]
    return (conv if bias else conv[:1]) + norm


def _block(ours, official):
    """Returns templates of a residual block."""
    return _unit(
        f"{ours}/conv{{n}}", f"{official}.conv{{n}}", f"{official}.bn{{n}}"
    ) + _unit(
        f"{ours}/projection", f"{official}.downsample.0", f"{official}.downsample.1"
    )


def _mixed(mixer, head, official):
    """Returns templates of HRNetV2's head, a Sequential in the official code."""
    mixed = _unit(mixer, f"{official}.0", f"{official}.1", bias=True)
    return mixed + _layer(head, f"{official}.3")


def _context(ours, official):
    """Returns templates of a unit of the object-contextual block.

    Its normalisations have the activation beside them, and so one more level.
    """
    block = "ocr_distri_head.object_context_block"
    name, index = official
    return _unit(
        f"object_context/{ours}",
        f"{block}.{name}.{index}",
        f"{block}.{name}.{index + 1}.0",
    )


# In templates {x} is a number and a repeated {x} the same number. The first that
# matches counts.
_HRNET = [
    *_unit("stem_conv{n}", "conv{n}", "bn{n}"),
    *_block("stage1_block{k}", "layer1.{k}"),
    # Opening stream t is one level deeper than changing the width of another.
    *_unit(
        "transition{t}/stream{t}_conv", "transition{t}.{t}.0.0", "transition{t}.{t}.0.1"
    ),
    *_unit(
        "transition{t}/stream{i}_conv", "transition{t}.{i}.0", "transition{t}.{i}.1"
    ),
    *_block("stage{s}_module{m}/stream{i}_block{k}", "stage{s}.{m}.branches.{i}.{k}"),
    *_unit(
        "stage{s}_module{m}/fusion/up{j}to{i}_conv",
        "stage{s}.{m}.fuse_layers.{i}.{j}.0",
        "stage{s}.{m}.fuse_layers.{i}.{j}.1",
    ),
    *_unit(
        "stage{s}_module{m}/fusion/down{j}to{i}_conv{c}",
        "stage{s}.{m}.fuse_layers.{i}.{j}.{c}.0",
        "stage{s}.{m}.fuse_layers.{i}.{j}.{c}.1",
    ),
]
_RESNET = [
    *_unit("stem_conv", "conv1", "bn1"),
    *_block("layer{s}_block{k}", "layer{s}.{k}"),
]


def _separable(ours, official):
    """Returns templates of a separable convolution in a Sequential."""
    return [
        *_unit(f"{ours}/depthwise", f"{official}.0", f"{official}.1"),
        *_unit(f"{ours}/pointwise", f"{official}.2", f"{official}.3"),
    ]


def _module(ours, official):
    """Returns templates of OpenMMLab's unit of a convolution and a normalisation."""
    return _unit(ours, f"{official}.conv", f"{official}.bn")


def _lite_stage(stage):
    """Returns templates of a stage of Lite-HRNet, whose numbers begin with 0 there."""
    ours, official = f"stage{stage}_module{{m}}", f"stage{stage - 2}.{{m}}"
    place, opening = f"transition{stage - 1}", f"transition{stage - 2}"
    last = stage - 1
    layers = f"{official}.layers"
    fusion = f"{official}.fuse_layers"
    return [
        *_separable(f"{place}/stream{last}", f"{opening}.{last}.0"),
        *_separable(f"{place}/stream{{i}}", f"{opening}.{{i}}"),
        *_module(
            f"{ours}/block{{k}}/cross/conv{{n}}",
            f"{layers}.{{k}}.cross_resolution_weighting.conv{{n}}",
        ),
        *_module(
            f"{ours}/block{{k}}/stream{{i}}_depthwise",
            f"{layers}.{{k}}.depthwise_convs.{{i}}",
        ),
        *_layer(
            f"{ours}/block{{k}}/stream{{i}}_spatial/conv{{n}}",
            f"{layers}.{{k}}.spatial_weighting.{{i}}.conv{{n}}.conv",
        ),
        *(
            pair
            for n, part in enumerate(("reduce", "depthwise", "expand"))
            for pair in _module(
                f"{ours}/stream{{i}}_block{{k}}/{part}",
                f"{layers}.{{i}}.{{k}}.branch2.{n}",
            )
        ),
        *_unit(
            f"{ours}/fusion/up{{j}}to{{i}}_conv",
            f"{fusion}.{{i}}.{{j}}.0",
            f"{fusion}.{{i}}.{{j}}.1",
        ),
        *_separable(
            f"{ours}/fusion/down{{j}}to{{i}}_conv{{c}}",
            f"{fusion}.{{i}}.{{j}}.{{c}}",
        ),
    ]


_LITE = [
    *_module("stem/conv", "stem.conv1"),
    *_module("stem/left_depthwise", "stem.branch1.0"),
    *_module("stem/left", "stem.branch1.1"),
    *_module("stem/expand", "stem.expand_conv"),
    *_module("stem/depthwise", "stem.depthwise_conv"),
    *_module("stem/right", "stem.linear_conv"),
    *(pair for stage in (2, 3, 4) for pair in _lite_stage(stage)),
    *_module("merge/project{i}/depthwise", "head_layer.projects.{i}.depthwise_conv"),
    *_module("merge/project{i}/pointwise", "head_layer.projects.{i}.pointwise_conv"),
]
_NECK = [
    *_layer("pyramid/reduce", "neck.reduction_conv.0"),
    *_layer("pyramid/level{i}", "neck.fpn_conv.{i}"),
]
# Detectors of one stage have the number 0 here, see `detectors`.
_TWO_STAGE = [
    *_layer("rpn_head/conv", "rpn_head.rpn_conv"),
    *_layer("rpn_head/scores", "rpn_head.rpn_cls"),
    *_layer("rpn_head/deltas", "rpn_head.rpn_reg"),
    *_layer("box_head{s}/fc{i}", "roi_head.bbox_head.{s}.shared_fcs.{i}"),
    *_layer("box_head{s}/classes", "roi_head.bbox_head.{s}.fc_cls"),
    *_layer("box_head{s}/deltas", "roi_head.bbox_head.{s}.fc_reg"),
    *_layer("mask_head{s}/conv{i}", "roi_head.mask_head.{s}.convs.{i}.conv"),
    *_layer("mask_head{s}/upsample", "roi_head.mask_head.{s}.upsample"),
    *_layer("mask_head{s}/masks", "roi_head.mask_head.{s}.conv_logits"),
]
_HEADS = {
    "backbone": [],
    "pose": _layer("head", "final_layer"),
    "landmarks": _mixed("mixer", "head", "head"),
    "segmenter": _mixed("mixer", "head", "last_layer"),
    "ocr_segmenter": [
        *_mixed("aux_mixer", "aux_head", "aux_head"),
        *_unit("ocr_conv", "conv3x3_ocr.0", "conv3x3_ocr.1", bias=True),
        *_context("pixel0", ("f_pixel", 0)),
        *_context("pixel1", ("f_pixel", 2)),
        *_context("object0", ("f_object", 0)),
        *_context("object1", ("f_object", 2)),
        *_context("down", ("f_down", 0)),
        *_context("up", ("f_up", 0)),
        *_unit(
            "object_context/mix",
            "ocr_distri_head.conv_bn_dropout.0",
            "ocr_distri_head.conv_bn_dropout.1.0",
        ),
        *_layer("head", "cls_head"),
    ],
    "classifier": [
        *_block("head/increase{i}", "incre_modules.{i}.0"),
        *_unit(
            "head/downsample{i}",
            "downsamp_modules.{i}.0",
            "downsamp_modules.{i}.1",
            bias=True,
        ),
        *_unit("head/final", "final_layer.0", "final_layer.1", bias=True),
        *_layer("classifier", "classifier"),
    ],
    "feature_pyramid": _NECK,
    "faster_rcnn": _NECK + _TWO_STAGE,
    "cascade_rcnn": _NECK + _TWO_STAGE,
    "fcos": [
        *_NECK,
        *(
            pair
            for ours, official in (("class", "cls"), ("box", "reg"))
            for pair in (
                *_layer(
                    f"fcos_head/{ours}_conv{{i}}",
                    f"bbox_head.{official}_convs.{{i}}.conv",
                ),
                *_scaled(
                    f"fcos_head/{ours}_norm{{i}}",
                    f"bbox_head.{official}_convs.{{i}}.gn",
                ),
            )
        ),
        *_layer("fcos_head/classes", "bbox_head.conv_cls"),
        *_layer("fcos_head/boxes", "bbox_head.conv_reg"),
        *_layer("fcos_head/centerness", "bbox_head.conv_centerness"),
        ("fcos_head/scale{i}", "bbox_head.scales.{i}.scale"),
    ],
    "higher_pose": [
        *_layer("head", "final_layers.0"),
        *_unit("deconv", "deconv_layers.0.0.0", "deconv_layers.0.0.1"),
        *(
            pair
            for k in range(4)
            for pair in _block(f"deconv_block{k}", f"deconv_layers.0.{k + 1}.0")
        ),
        *_layer("high_head", "final_layers.1"),
    ],
    "lite_pose": _layer("head", "final_layer"),
    "simple_baseline": [
        *(
            pair
            for i in range(3)
            for pair in _unit(
                f"deconv{i}", f"deconv_layers.{3 * i}", f"deconv_layers.{3 * i + 1}"
            )
        ),
        *_layer("head", "final_layer"),
    ],
}
# Detectors keep their bodies apart from their necks.
_BODY_PREFIXES = dict.fromkeys(
    ("feature_pyramid", "faster_rcnn", "cascade_rcnn", "fcos"), "backbone."
)
_BODIES = {"simple_baseline": _RESNET, "lite_pose": _LITE}


def _pattern(template):
    """Returns the regular expression that a template stands for."""
    parts, seen = [], set()
    for text, field in re.findall(r"([^{]*)(?:{(\w)})?", template):
        parts.append(re.escape(text))
        if field:
            parts.append(f"(?P={field})" if field in seen else rf"(?P<{field}>\d+)")
            seen.add(field)
    return re.compile("".join(parts))


@functools.cache
def _tables(kind, part):
    """Returns the tables from paths and from names of a kind's head or body."""
    pairs = _HEADS[kind]
    if part == "body":
        prefix = _BODY_PREFIXES.get(kind, "")
        body = _BODIES.get(kind, _HRNET)
        pairs = [(ours, prefix + official) for ours, official in body]
    return (
        [(_pattern(ours), official) for ours, official in pairs],
        [(_pattern(official), ours) for ours, official in pairs],
    )


def _translate(text, table):
    for pattern, template in table:
        match = pattern.fullmatch(text)
        if match:
            return template.format(**match.groupdict())
    return None


def official_name(path: str, kind: str = "pose") -> str | None:
    """Returns the official tensor name of a variable's path, or None.

    Args:
        path: str. `keras.Variable.path`, such as "stem_conv1/conv/kernel".
        kind: str. The kind of model that the path is of, see `kind_of`.
    """
    tables = (_tables(kind, part)[0] for part in ("head", "body"))
    return next(filter(None, (_translate(path, table) for table in tables)), None)


def variable_path(name: str, kind: str = "pose") -> str | None:
    """Returns the path of the variable that an official tensor belongs to, or None.

    The path follows from the name alone: a given model may not have it.

    Args:
        name: str. A state dict's key, such as "conv1.weight".
        kind: str. The kind of model that the path is for, see `kind_of`.
    """
    tables = (_tables(kind, part)[1] for part in ("head", "body"))
    return next(filter(None, (_translate(name, table) for table in tables)), None)


def is_head_path(path: str, kind: str) -> bool:
    """Says whether a variable (str, its path) is of the head of a kind of model."""
    return _translate(path, _tables(kind, "head")[0]) is not None


def head_kinds(name: str) -> list[str]:
    """Returns the kinds (list of str) whose heads have a tensor of this name."""
    return [kind for kind in KINDS if _translate(name, _tables(kind, "head")[1])]
