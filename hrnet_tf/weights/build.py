"""Builds the model that a checkpoint fits."""

from typing import TYPE_CHECKING, Any

import hrnet_tf
from hrnet_tf.weights.kinds import KINDS
from hrnet_tf.weights.prefixes import not_hrnet
from hrnet_tf.weights.recognise import model_of

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.weights.layouts import Checkpoint


def build_model(
    checkpoint: "Checkpoint",
    kind: str | None = None,
    preset: str | None = None,
    num_outputs: int | None = None,
    **arguments: Any,
) -> "HRNetModel":
    """Builds a model, with random weights, that a checkpoint can be loaded into.

    Its architecture, its number of classes or keypoints and the interpolation and
    channel order that its layout was trained with are taken from the checkpoint.

    Args:
        checkpoint: `hrnet_tf.weights.layouts.Checkpoint`.
        kind: str or None. The kind of model, a key of `hrnet_tf.weights.kinds.KINDS`;
            None means that of the checkpoint's head.
        preset: str or None. The architecture; None means the checkpoint's.
        num_outputs: int or None. Number of classes, keypoints or channels; None means
            that of the checkpoint's head.
        **arguments: other arguments of the class; they win over what is known of the
            checkpoint.
    Returns:
        An `HRNetModel`.
    Raises:
        ValueError: if the checkpoint is from another kind of network, or does not say
            what it is needed for.
    """
    _check_architecture(checkpoint)
    kind = kind or checkpoint.kind
    if kind is None:
        about = f" {checkpoint.about}" if checkpoint.about else ""
        raise ValueError(
            f"The checkpoint ({checkpoint.layout}) does not say which task it is for."
            f"{about} Name the kind of model, one of: {', '.join(KINDS)}."
        )
    # A pose network may be the same graph as one for landmarks.
    is_pose = {kind, checkpoint.kind} <= {"pose", "landmarks"}
    is_same = is_pose or kind == checkpoint.kind
    known = dict(checkpoint.trained_with) if is_same else {}
    if is_pose:
        is_mixed = checkpoint.kind == "landmarks"
        known["representation"] = "v2" if is_mixed else "v1"
    known.update(_count(checkpoint, kind, num_outputs, is_same))
    model = getattr(hrnet_tf, KINDS[kind].model)
    if preset is not None:
        return model.from_preset(preset, load_weights=False, **{**known, **arguments})
    assert checkpoint.architecture is not None
    own_bodies = {"simple_baseline": "SimpleBaselinePose", "lite_pose": "LiteHRNetPose"}
    body = model_of(checkpoint.architecture)
    if body != own_bodies.get(kind, "HRNetPose"):
        is_lite = body == "LiteHRNetPose"
        known_body = "a Lite-HRNet" if is_lite else "an HRNet"
        looks_like = checkpoint.looks_like or known_body
        raise ValueError(
            f"The checkpoint ({checkpoint.layout}) looks like {looks_like}, which does"
            f" not fit {model.__name__}."
        )
    return model(**{**checkpoint.architecture, **known, **arguments})


def _count(checkpoint, kind, num_outputs, is_same):
    """Returns the argument for the number of outputs, or {} for the default."""
    argument = KINDS[kind].argument
    if argument is None:
        if num_outputs is not None:
            raise ValueError(
                f"{KINDS[kind].model} has no head. Received: a number of outputs,"
                f" {num_outputs}. Leave it out."
            )
        return {}
    number = num_outputs or (checkpoint.count_outputs() if is_same else None)
    if number:
        return {argument: number}
    if argument == "num_channels":
        return {}
    raise ValueError(
        f"The checkpoint ({checkpoint.layout}) has no head for the kind {kind!r}, so"
        f" that {argument} is unknown. Pass the number; the head starts with random"
        " weights."
    )


def _check_architecture(checkpoint):
    if checkpoint.architecture is None:
        raise ValueError(not_hrnet(checkpoint))
