"""Where weights to start from come from: files, folders, names of published ones."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hrnet_tf.typing import PathLike
from hrnet_tf.weights.kinds import kind_of
from hrnet_tf.weights.outputs import output_names, published_arguments
from hrnet_tf.weights.torch_checkpoint import read_checkpoint

# What files of weights are called, to tell a misspelt name from an absent file.
_SUFFIXES = (".pth", ".pt", ".safetensors", ".bin", ".ckpt", ".tar", ".keras", ".h5")


@dataclasses.dataclass(frozen=True)
class Source:
    """Weights that were read.

    Attributes:
        title: str. What they are, for people.
        tensors: dict of names, in any layout that is recognised, to arrays.
        arguments: dict. What is known of the arguments of the model that they are of.
        names: tuple of str or None. The names of its outputs.
        layout: str or None. Whose weights they are, where that is known beforehand.
    """

    title: str
    tensors: dict[str, Any]
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    names: tuple[str, ...] | None = None
    layout: str | None = None


def read_source(source: PathLike | Mapping[str, Any]) -> Source:
    """Reads weights, wherever they are.

    Args:
        source: path of a checkpoint of PyTorch, of a .keras file, or of a SavedModel's
            folder that `hrnet export` wrote; the name of published weights, which are
            downloaded; or a mapping of names to arrays.
    Returns:
        `Source`.
    Raises:
        ValueError: if there is nothing of that name, or it cannot be read.
        OSError: if published weights cannot be downloaded.
    """
    if isinstance(source, Mapping):
        return Source("a mapping", read_checkpoint(source))
    path = Path(os.fspath(source))
    if path.is_dir():
        from hrnet_tf.weights.exported import restore_model

        return _of_model(str(source), restore_model(path))
    if path.suffix == ".keras":
        from hrnet_tf.models.loading import load_model

        return _of_model(str(source), load_model(path))
    if path.is_file():
        return _of_file(path)
    from hrnet_tf.weights import registry

    name = str(source)
    if name in registry.names():
        from hrnet_tf.weights.download import fetch_weights

        entry = registry.published(name)
        return _published(entry, read_checkpoint(fetch_weights(entry)))
    if path.suffix in _SUFFIXES or len(path.parts) > 1:
        raise ValueError(
            f"There are no weights at {source}. Expected a checkpoint of PyTorch (.pth,"
            " .safetensors), a .keras file, the folder of an exported SavedModel, or"
            " the name of published weights (`hrnet presets --weights`)."
        )
    # The error names weights of a similar name.
    raise AssertionError(registry.published(name))


def _of_model(title, model):
    from hrnet_tf.weights.export_torch import export_torch_state_dict

    arguments = dict(getattr(model, "arguments", {}))
    return Source(
        title=title,
        tensors=export_torch_state_dict(model),
        arguments=arguments,
        names=output_names(kind_of(model), arguments),
        layout=f"{type(model).__name__} of this package",
    )


def _of_file(path):
    tensors = read_checkpoint(path)
    from hrnet_tf.weights import registry
    from hrnet_tf.weights.download import file_sha256

    entry = registry.identify(file_sha256(path))
    if entry is not None:
        return _published(entry, tensors, f"{path}, published as {entry.name}")
    return Source(str(path), tensors)


def _published(entry, tensors, title=None):
    from hrnet_tf.weights.kinds import KINDS

    kind = next(name for name, kind in KINDS.items() if kind.model == entry.model)
    arguments = published_arguments(entry)
    return Source(
        title=title or f"the published weights {entry.name}",
        tensors=tensors,
        arguments=arguments,
        names=output_names(kind, arguments),
    )
