"""The architecture that weights belong to."""

import difflib
from pathlib import Path

from hrnet_tf.models.presets import ARCHITECTURES, DEFAULTS, is_architecture
from hrnet_tf.typing import PathLike
from hrnet_tf.weights import registry


def architecture_of(preset: str) -> str:
    """Returns the architecture's name of a preset, also of published weights."""
    return preset if is_architecture(preset) else registry.published(preset).preset


def preset_of(weights: PathLike) -> str:
    """Returns the preset (str) that weights fit.

    Args:
        weights: str. Name of published weights, or path of a checkpoint (.pth,
            .safetensors) or of a saved model (.keras).
    Raises:
        ValueError: if there are none, or nobody can tell their architecture.
    """
    if weights in registry.names():
        return registry.published(weights).preset
    path = Path(weights)
    if not path.is_file():
        near = difflib.get_close_matches(str(weights), registry.names(), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"There is no file {weights}, and no published weights of that name.{hint}"
            " Pass the name of published weights (`hrnet presets` lists them), or the"
            " path of a .pth, .safetensors or .keras file, as `weights`."
        )
    found = _keras(path) if path.suffix == ".keras" else _torch(path)
    for name, parts in ARCHITECTURES.items():
        if found is not None and {**DEFAULTS, **parts} == {**DEFAULTS, **found}:
            return name
    raise ValueError(
        f"{weights} does not tell which architecture it is of. Pass it as `preset`:"
        f" {', '.join(ARCHITECTURES)}."
    )


def _keras(path):
    """The architecture's arguments of a saved model, or None."""
    import json
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))["config"]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
    found = {key: config[key] for key in DEFAULTS if key in config}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()}


def _torch(path):
    """The architecture's arguments of a checkpoint, or None."""
    from hrnet_tf.weights.recognise import architecture
    from hrnet_tf.weights.torch_checkpoint import read_checkpoint

    shapes = {}
    for name, tensor in read_checkpoint(path).items():
        # OpenMMLab and segmentation networks put the body under this name.
        shapes[name.removeprefix("backbone.")] = tuple(tensor.shape)
    return architecture(shapes)
