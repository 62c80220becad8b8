"""The architecture that weights belong to."""

import difflib
from pathlib import Path
from typing import Any

from hrnet_tf.models.presets import (
    ARCHITECTURES,
    DEFAULTS,
    is_architecture,
    split_preset,
)
from hrnet_tf.typing import StartingWeights
from hrnet_tf.weights import registry
from hrnet_tf.weights.exported import exported_class, exported_config


def architecture_of(preset: str) -> str:
    """Returns the architecture's name of a preset, also of published weights."""
    name, _ = split_preset(preset)
    return name if is_architecture(name) else registry.published(name).preset


def preset_of(weights: StartingWeights) -> str:
    """Returns the preset (str) that weights fit.

    Args:
        weights: name of published weights, or path of a checkpoint (.pth or
            .safetensors), of a saved model (.keras) or of an exported one; or a pair of
            it and of what its outputs are.
    Raises:
        ValueError: if there are none, or nobody can tell their architecture.
    """
    where: Any = weights[0] if isinstance(weights, tuple) else weights
    if where in registry.names():
        return registry.published(where).preset
    path = Path(where)
    if not path.exists():
        near = difflib.get_close_matches(str(where), registry.names(), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"There is no file {where}, and no published weights of that name.{hint}"
            " Pass the name of published weights (`hrnet presets` lists them), or the"
            " path of a .pth, .safetensors or .keras file, as `weights`."
        )
    if path.is_dir():
        found = _arguments(exported_config(path))
    else:
        found = _keras(path) if path.suffix == ".keras" else _torch(path)
    for name, parts in ARCHITECTURES.items():
        if found is not None and {**DEFAULTS, **parts} == {**DEFAULTS, **found}:
            return name
    raise ValueError(
        f"{where} does not tell which architecture it is of. Pass it as `preset`:"
        f" {', '.join(ARCHITECTURES)}."
    )


def model_of(weights: StartingWeights) -> tuple[str | None, dict[str, Any]]:
    """Returns the name of the class that weights are of, and its known arguments.

    Args:
        weights: see `preset_of`.
    Returns:
        str, or None where nobody can tell; and a dict.
    """
    where: Any = weights[0] if isinstance(weights, tuple) else weights
    if where in registry.names():
        entry = registry.published(where)
        return entry.model, entry.arguments
    path = Path(where)
    if path.is_dir():
        return exported_class(path), exported_config(path)
    if path.suffix == ".keras":
        content = _keras_content(path) or {}
        return content.get("class_name"), content.get("config", {})
    from hrnet_tf.weights.kinds import KINDS
    from hrnet_tf.weights.layouts import recognise
    from hrnet_tf.weights.torch_checkpoint import read_checkpoint

    found = recognise(read_checkpoint(path))
    known = KINDS.get(found.kind or "")
    return known and known.model, found.trained_with


def _keras_content(path):
    """What a saved model says of itself, or None."""
    import json
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _keras(path):
    """The architecture's arguments of a saved model, or None."""
    content = _keras_content(path)
    return None if content is None else _arguments(content.get("config", {}))


def _arguments(config):
    found = {key: config[key] for key in DEFAULTS if key in config}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}


def _torch(path):
    """The architecture's arguments of a checkpoint, or None."""
    from hrnet_tf.weights.layouts import recognise
    from hrnet_tf.weights.torch_checkpoint import read_checkpoint

    return recognise(read_checkpoint(path)).architecture
