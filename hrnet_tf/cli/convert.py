"""`hrnet convert`."""

import enum
import re
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, flag
from hrnet_tf.io import replacing


class Task(str, enum.Enum):
    pose = "pose"
    bottom_up = "bottom-up"
    landmarks = "landmarks"
    segmentation = "segmentation"
    ocr = "ocr"
    detection = "detection"
    classification = "classification"
    backbone = "backbone"


class Interpolation(str, enum.Enum):
    nearest = "nearest"
    bilinear = "bilinear"
    bilinear_align_corners = "bilinear_align_corners"


class ChannelOrder(str, enum.Enum):
    rgb = "rgb"
    bgr = "bgr"


class Convention(str, enum.Enum):
    official = "official"
    dark = "dark"
    udp = "udp"
    face = "face"


# The keys of hrnet_tf.weights.kinds.KINDS.
_KINDS = {
    Task.pose: "pose",
    Task.bottom_up: "higher_pose",
    Task.landmarks: "landmarks",
    Task.segmentation: "segmenter",
    Task.ocr: "ocr_segmenter",
    Task.detection: "feature_pyramid",
    Task.classification: "classifier",
    Task.backbone: "backbone",
}
# Those whose models read heatmaps of keypoints.
_KEYPOINT_KINDS = ("pose", "landmarks", "simple_baseline", "lite_pose")
# Those whose models carry the names of keypoints.
_NAMED_KINDS = (*_KEYPOINT_KINDS, "higher_pose")
_ANY_SIZE = "any"
CheckpointArgument = Annotated[
    Path,
    typer.Argument(
        metavar="CHECKPOINT",
        show_default=False,
        help="A .pth or .safetensors file of the official code, of timm, of OpenMMLab"
        " (mmpose, mmsegmentation, mmdetection, mmpretrain) or of DeepLabCut; or of"
        " another model that an HRNet is a part of.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="MODEL.keras", show_default=False, help="File of the model to write."
    ),
]
TaskOption = Annotated[
    Task | None,
    typer.Option(
        help="What the model is for. If the checkpoint's head is for something else,"
        " the model's own head starts with random weights.",
        show_default="that of the checkpoint's head",
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Architecture, see `hrnet presets`.",
        show_default="guessed from the checkpoint",
    ),
]
ImageSizeOption = Annotated[
    str | None,
    typer.Option(
        metavar="HEIGHTxWIDTH",
        help="Size of the model's input in pixels, such as 256x192; any: the model"
        " takes images of any size.",
        show_default="that of the model's class",
    ),
]
ChannelOrderOption = Annotated[
    ChannelOrder | None,
    typer.Option(
        help="The order of colours that the weights were trained with. The model takes"
        " RGB either way.",
        show_default="that of the checkpoint's layout",
    ),
]
InterpolationOption = Annotated[
    Interpolation | None,
    typer.Option(
        help="How the network that was trained enlarges its feature maps.",
        show_default="that of the checkpoint's layout",
    ),
]
ClassCountOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Number of classes or keypoints.",
        show_default="guessed from the checkpoint's head",
    ),
]
KeypointsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Names of the keypoints, kept in the model: coco, mpii, ... or a"
        " descriptor file.",
        show_default="none",
    ),
]
ConventionOption = Annotated[
    Convention | None,
    typer.Option(
        help="How the network's heatmaps were made, and are to be read: by the official"
        " pose code, DARK, UDP or the official face code.",
        show_default="that of the file if it is a published one, else of its layout",
    ),
]
CropFractionOption = Annotated[
    float | None,
    typer.Option(
        metavar="FRACTION",
        help="Of a classifier: the share of the image's shorter side that the test's"
        " centre crop keeps.",
        show_default="0.875, the official test's",
    ),
]
OverwriteOption = Annotated[bool, flag("--overwrite", "Replace the file if it exists.")]


@common.command(interrupted="Stopped. Nothing was written.")
def convert(
    checkpoint: CheckpointArgument,
    out: OutOption,
    task: TaskOption = None,
    preset: PresetOption = None,
    image_size: ImageSizeOption = None,
    channel_order: ChannelOrderOption = None,
    interpolation: InterpolationOption = None,
    class_count: ClassCountOption = None,
    keypoints: KeypointsOption = None,
    convention: ConventionOption = None,
    crop_fraction: CropFractionOption = None,
    overwrite: OverwriteOption = False,
    debug: Debug = False,
) -> None:
    """Convert a PyTorch checkpoint into a model of this package.

    Whose checkpoint it is, its architecture and its number of classes or keypoints are
    found out from the names and shapes of its tensors; what else belongs to published
    weights (see `hrnet presets --weights`), from the file's checksum. Nothing in the
    file is executed, and PyTorch is not needed.

    Examples:
      hrnet convert pose_hrnet_w32_256x192.pth --out models/pose.keras \\
          --keypoints coco
      hrnet convert hrnet_w18.safetensors --task segmentation --class-count 19 \\
          --out models/fresh_head.keras
    """
    _check_out(out, overwrite)
    arguments = {"keypoint_set": _keypoint_set(keypoints, task)} if keypoints else {}
    if image_size:
        arguments["image_size"] = _parse_size(image_size)
    if channel_order:
        arguments["channel_order"] = channel_order.value
    if interpolation:
        arguments["interpolation"] = interpolation.value
    if convention:
        arguments["heatmap_convention"] = convention.value
    if crop_fraction is not None:
        arguments["crop_fraction"] = crop_fraction
    with common.spinner("reading the checkpoint"):
        from hrnet_tf.weights.layouts import recognise
        from hrnet_tf.weights.torch_checkpoint import read_checkpoint

        tensors = read_checkpoint(checkpoint)
        recognised = recognise(tensors)
    with common.spinner("converting"):
        from hrnet_tf.weights.build import build_model
        from hrnet_tf.weights.convert import load_torch_weights
        from hrnet_tf.weights.kinds import kind_of

        kind = _choose_kind(recognised, checkpoint, task, class_count)
        _check_kind(kind, keypoints, convention, crop_fraction)
        published = _find_published(checkpoint, kind)
        known = {} if published is None else _arguments_of(published, class_count)
        model = build_model(
            recognised, kind, preset, class_count, **{**known, **arguments}
        )
        # A head for another number of classes must not stop the rest.
        is_other_head = kind_of(model) == recognised.kind and class_count not in (
            None,
            recognised.count_outputs(),
        )
        report = load_torch_weights(model, tensors, strict=not is_other_head)
        _save(model, out)
    _print_report(checkpoint, recognised, published, model, report, out)


def _check_out(out, overwrite):
    """Raises ValueError for a file that cannot or may not be written."""
    if out.suffix != ".keras":
        raise ValueError(
            "Expected the name of the model file to end in .keras. Received: --out"
            f" {out}."
        )
    if out.exists() and not overwrite:
        raise ValueError(
            f"{out} exists. Choose another name, or pass --overwrite to replace it."
        )


def _parse_size(text):
    """Returns (height, width), or None for any size."""
    if text == _ANY_SIZE:
        return None
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise ValueError(
            f"--image-size must be HEIGHTxWIDTH, such as 256x192, or any. Received:"
            f" {text!r}."
        )
    return int(match[1]), int(match[2])


def _keypoint_set(keypoints, task):
    if task not in (None, Task.pose, Task.bottom_up, Task.landmarks):
        raise ValueError(
            "--keypoints belongs to --task pose, bottom-up and landmarks. Received:"
            f" --task {task.value}. Leave it out."
        )
    from hrnet_tf.data.keypoint_sets import load_keypoint_set

    return load_keypoint_set(keypoints).to_dict()


def _choose_kind(recognised, checkpoint, task, class_count):
    """Returns the kind of model for a task and a checkpoint."""
    from hrnet_tf.weights import detectors
    from hrnet_tf.weights.kinds import KINDS
    from hrnet_tf.weights.recognise import model_of

    if recognised.architecture is None:
        # build_model says what is wrong.
        return None
    if task is None and recognised.kind is None:
        about = f" {recognised.about}" if recognised.about else ""
        raise ValueError(
            f"{checkpoint} ({recognised.layout}) does not say what it is for.{about}"
            f" Pass --task, one of: {', '.join(task.value for task in Task)}."
        )
    kind = recognised.kind if task is None else _KINDS[task]
    if kind == "pose":
        bodies = {"SimpleBaselinePose": "simple_baseline", "LiteHRNetPose": "lite_pose"}
        kind = bodies.get(model_of(recognised.architecture), kind)
    if task is Task.segmentation and recognised.kind == "ocr_segmenter":
        kind = "ocr_segmenter"
    if task is Task.detection and recognised.kind in detectors.KINDS:
        kind = recognised.kind
    needs_count = KINDS[kind].argument in ("num_classes", "num_keypoints")
    is_pose = {kind, recognised.kind} <= {"pose", "landmarks"}
    if needs_count and class_count is None and not (kind == recognised.kind or is_pose):
        names = {name: other.value for other, name in _KINDS.items()}
        if {kind, recognised.kind} == {"pose", "higher_pose"}:
            raise ValueError(
                f"{checkpoint} ({recognised.layout}) is for --task"
                f" {names[recognised.kind]}, not for --task {task.value}: a network of"
                " single people has another head than one that finds all of a picture."
                " Leave --task out, or pass --class-count with the number of keypoints,"
                " to take its body under a head with random weights."
            )
        raise ValueError(
            f"{checkpoint} ({recognised.layout}) has no head for --task {task.value}."
            " Pass --class-count; the head then starts with random weights."
        )
    return kind


def _check_kind(kind, keypoints, convention, crop_fraction):
    """Raises ValueError for options that the kind of model does not have."""
    if kind is None:
        return
    poses = ("pose and landmarks", _KEYPOINT_KINDS)
    for option, value, (tasks, kinds) in (
        ("--keypoints", keypoints, (poses[0], _NAMED_KINDS)),
        ("--convention", convention, poses),
        ("--crop-fraction", crop_fraction, ("classification", ("classifier",))),
    ):
        if value is not None and kind not in kinds:
            raise ValueError(
                f"{option} belongs to networks for {tasks}; this one is for"
                f" another task ({kind}). Leave it out."
            )


def _find_published(checkpoint, kind):
    """Returns the `PublishedWeights` that a keypoint network's file is, or None."""
    if kind not in _NAMED_KINDS:
        return None
    from hrnet_tf.weights import registry
    from hrnet_tf.weights.download import file_sha256
    from hrnet_tf.weights.kinds import KINDS

    found = registry.identify(file_sha256(checkpoint))
    models = [KINDS[name].model for name in _NAMED_KINDS]
    return found if found is not None and found.model in models else None


def _arguments_of(published, class_count):
    """Returns the arguments of published weights, but for the number of keypoints."""
    arguments = dict(published.arguments)
    if class_count not in (None, arguments.pop("num_keypoints")):
        # The published names are those of other keypoints.
        arguments.pop("keypoint_set", None)
    return arguments


def _save(model, out):
    """Writes the model; a file of that name is replaced only by a whole one."""
    with replacing(out) as beside:
        model.save(beside)


def _print_report(checkpoint, recognised, published, model, report, out):
    from hrnet_tf.weights.recognise import find_preset

    size = common.size_text(checkpoint.stat().st_size)
    preset = find_preset(recognised.architecture)
    facts = {
        "checkpoint": f"{checkpoint} ({size})",
        "layout": report.layout,
        **({"published as": published.name} if published else {}),
        "architecture": preset or recognised.architecture,
        "model": _describe(model),
        "weights": str(report).splitlines()[1].strip(),
    }
    notes = {f"note {i + 1}": note for i, note in enumerate(report.notes)}
    written = {"written": f"{out} ({common.size_text(out.stat().st_size)})"}
    common.print_facts({**facts, **notes, **written})


def _describe(model):
    """Says what the model is, such as "HRNetPose, 17 keypoints, input 256x192"."""
    from hrnet_tf.weights.kinds import KINDS, kind_of

    parts = [type(model).__name__]
    argument = KINDS[kind_of(model)].argument
    if argument:
        noun = argument.removeprefix("num_")
        parts.append(common.count_text(model.arguments[argument], noun[:-1], noun))
    height, width = model.input_shape[1:3]
    parts.append(f"input {height}x{width}" if height else "input of any size")
    for name in ("interpolation", "channel_order"):
        if name in model.arguments:
            parts.append(f"{name.replace('_', ' ')} {model.arguments[name]}")
    convention = model.arguments.get("heatmap_convention", "official")
    if convention != "official":
        parts.append(f"heatmap convention {convention}")
    if "crop_fraction" in model.arguments:
        parts.append(f"crop fraction {model.arguments['crop_fraction']:g}")
    return ", ".join(parts)
