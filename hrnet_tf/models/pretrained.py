"""Models with published weights, and bodies with any."""

import dataclasses
import inspect
import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hrnet_tf.models.presets import architecture
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


# Arguments that change the shape of a head: its weights then stay fresh.
_HEAD_ARGUMENTS = (
    "num_keypoints",
    "num_classes",
    "num_channels",
    "include_top",
    "with_masks",
)
# Of detectors, what their bodies and pyramids do not have.
_DETECTOR_ARGUMENTS = ("num_classes", "convention", "with_masks")


def build(
    cls: type[Any], name: str, arguments: dict[str, Any], load_weights: bool = True
) -> Any:
    """Builds a model with published weights, downloading them if need be.

    Args:
        cls: subclass of `HRNetModel`.
        name: str. Name of the weights.
        arguments: dict. The user's arguments; they win over the published ones.
        load_weights: bool. False leaves the weights random and downloads nothing.
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
    if _is_pyramid_of(entry, cls):
        kept = {
            key: value
            for key, value in entry.arguments.items()
            if key not in _DETECTOR_ARGUMENTS
        }
        entry = dataclasses.replace(entry, model=cls.__name__, arguments=kept)
    if entry.model != cls.__name__:
        raise ValueError(
            f"The weights {name!r} are those of a whole {entry.model}. Received: a"
            f" request for {cls.__name__}. Use {entry.model}.from_preset({name!r})"
            + (
                f", or {cls.__name__}.from_preset({entry.preset!r},"
                f" backbone_weights={name!r}) to take over the body alone."
                if entry.preset in cls.architectures
                else "."
            )
        )
    published = {**architecture(entry.preset, cls.architectures), **entry.arguments}
    parameters = inspect.signature(cls.__init__).parameters
    other_head = [
        key
        for key in _HEAD_ARGUMENTS
        if key in arguments
        and arguments[key] != published.get(key, parameters[key].default)
    ]
    if "num_keypoints" in other_head:
        # The published names are those of other keypoints.
        published.pop("keypoint_set", None)
    model = cls(**{**published, **arguments})
    if not load_weights:
        return model
    report = load_torch_weights(model, fetch_weights(entry), strict=not other_head)
    _warn_of_missing(report, model)
    return model


def _is_pyramid_of(entry, cls):
    """Whether weights are a two-stage detector's whose pyramid alone is asked for."""
    return cls.__name__ == "HRNetFeaturePyramid" and entry.model in (
        "HRNetFasterRCNN",
        "HRNetCascadeRCNN",
    )


def _warn_of_missing(report, model):
    """Warns of variables of the body that a checkpoint has not filled."""
    body = getattr(model, "backbone", model)
    if not _is_body(body):
        return
    paths = {variable.path for variable in body.weights}
    left = [path for path in report.missing if path in paths]
    if left:
        # Such as the coarse rows of the last fusion, which pose networks lack.
        warnings.warn(
            f"{report}\n  left as they were: {', '.join(left[:8])}"
            + (" ..." if len(left) > 8 else ""),
            stacklevel=4,
        )


def _unknown(cls, name, registry):
    try:
        registry.published(name)
    except ValueError as error:
        raise ValueError(
            f"Unknown preset. Received: preset={name!r}. Expected an architecture, one"
            f" of {', '.join(cls.architectures)}, or the name of published weights."
            f" {error}"
        ) from None


def _is_body(model):
    from hrnet_tf.weights.kinds import kind_of

    return kind_of(model) == "backbone"


def load_body(model: "HRNetModel", source: PathLike | Mapping[str, Any]) -> None:
    """Loads weights into the body of a model; its head stays as it is.

    Args:
        model: `HRNetBackbone`, or a model with one as its `backbone`.
        source: path of a checkpoint or of a `.keras` file, mapping of names to arrays,
            or name of published weights.
    Raises:
        ValueError: if the model has no HRNet body, or the weights cannot be had or do
            not fit.
    """
    body = getattr(model, "backbone", model)
    if not _is_body(body):
        raise ValueError(
            f"backbone_weights fill an HRNet body, which {type(model).__name__} has"
            " not. Leave them out, or use hrnet_tf.load_torch_weights."
        )
    from hrnet_tf.weights.convert import load_torch_weights

    report = load_torch_weights(body, _resolve(source), strict=False)
    _warn_of_missing(report, body)


def _resolve(source):
    """Returns what `load_torch_weights` reads: a path or a mapping."""
    if isinstance(source, Mapping):
        return source
    from hrnet_tf.weights import registry
    from hrnet_tf.weights.download import fetch_weights

    name = os.fspath(source)
    if name.endswith(".keras"):
        import hrnet_tf
        from hrnet_tf.weights.export_torch import export_torch_state_dict

        return export_torch_state_dict(hrnet_tf.load_model(name))
    is_file = os.path.exists(name) or name.endswith(
        (".pth", ".pt", ".safetensors", ".bin")
    )
    # Not a file, so that a misspelt name is told from an absent file.
    return source if is_file else fetch_weights(registry.published(name))
