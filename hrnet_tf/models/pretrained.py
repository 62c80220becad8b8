"""Models with published weights, and bodies with any."""

import os
import warnings
from collections.abc import Mapping

from hrnet_tf.models.presets import architecture

# Arguments that change the shape of a head: its weights then stay fresh.
_HEAD_ARGUMENTS = ("num_keypoints", "num_classes", "num_channels", "include_top")


def build(cls, name, arguments):
    """Builds a model with published weights, downloading them if need be.

    Args:
        cls: subclass of `HRNetModel`.
        name: str. Name of the weights.
        arguments: dict. The user's arguments; they win over the published ones.
    Returns:
        The model.
    Raises:
        ValueError: if there are no such weights, they are another class's, or they
            cannot be had.
    """
    from hrnet_tf.weights import registry
    from hrnet_tf.weights.convert import load_torch_weights
    from hrnet_tf.weights.download import fetch_weights

    if name not in registry.names():
        # The error lists the architectures, and names weights of a similar name.
        _unknown(cls, name, registry)
    entry = registry.published(name)
    if entry.model != cls.__name__:
        raise ValueError(
            f"The weights {name!r} are those of a whole {entry.model}. Received: a"
            f" request for {cls.__name__}. Use {entry.model}.from_preset({name!r}), or"
            f" {cls.__name__}.from_preset({entry.preset!r},"
            f" backbone_weights={name!r}) to take over the body alone."
        )
    published = {**architecture(entry.preset, cls.architectures), **entry.arguments}
    if "num_keypoints" in arguments:
        # The published names are those of other keypoints.
        published.pop("keypoint_set", None)
    model = cls(**{**published, **arguments})
    other_head = any(
        arguments.get(key, entry.arguments.get(key)) != entry.arguments.get(key)
        for key in _HEAD_ARGUMENTS
    )
    load_torch_weights(model, fetch_weights(entry), strict=not other_head)
    return model


def _unknown(cls, name, registry):
    try:
        registry.published(name)
    except ValueError as error:
        raise ValueError(
            f"Unknown preset. Received: preset={name!r}. Expected an architecture, one"
            f" of {', '.join(cls.architectures)}, or the name of published weights."
            f" {error}"
        ) from None


def load_body(model, source):
    """Loads weights into the body of a model; its head stays as it is.

    Args:
        model: `HRNetBackbone`, or a model with one as its `backbone`.
        source: path of a checkpoint or of a `.keras` file, mapping of names to arrays,
            or name of published weights.
    Raises:
        ValueError: if the model has no HRNet body, or the weights cannot be had or do
            not fit.
    """
    from hrnet_tf.models.backbone import HRNetBackbone

    body = getattr(model, "backbone", model)
    if not isinstance(body, HRNetBackbone):
        raise ValueError(
            f"backbone_weights fill an HRNet body, which {type(model).__name__} has"
            " not. Leave them out, or use hrnet_tf.load_torch_weights."
        )
    if not isinstance(source, Mapping) and os.fspath(source).endswith(".keras"):
        _copy(body, source)
        return
    from hrnet_tf.weights.convert import load_torch_weights

    report = load_torch_weights(body, _resolve(source), strict=False)
    if report.missing:
        # Such as the coarse rows of the last fusion, which pose networks lack.
        warnings.warn(
            f"{report}\n  left as they were: {', '.join(report.missing[:8])}"
            + (" ..." if len(report.missing) > 8 else ""),
            stacklevel=3,
        )


def _resolve(source):
    """Returns what `load_torch_weights` reads: published weights become a file."""
    from hrnet_tf.weights import registry
    from hrnet_tf.weights.download import fetch_weights

    if isinstance(source, str) and not os.path.exists(source):
        if source in registry.names():
            return fetch_weights(registry.published(source))
        if not source.endswith((".pth", ".pt", ".safetensors", ".bin")):
            registry.published(source)
    return source


def _copy(body, path):
    """Copies the body of a saved model of this package."""
    from hrnet_tf.models.loading import load_model

    saved = load_model(path)
    ours = {v.path: v for v in body.weights}
    theirs = {v.path: v for v in getattr(saved, "backbone", saved).weights}
    wrong = [p for p in theirs if p not in ours or ours[p].shape != theirs[p].shape]
    missing = [p for p in ours if p not in theirs]
    if wrong or missing:
        raise ValueError(
            f"The body of {path} is another one than the model's: {len(wrong)} of its"
            f" variables do not fit ({', '.join(wrong[:4])}), and {len(missing)} are"
            f" missing ({', '.join(missing[:4])}). Build both with the same preset and"
            " as many outputs."
        )
    for name, variable in ours.items():
        variable.assign(theirs[name])
