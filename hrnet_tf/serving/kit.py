"""What TensorFlow Serving needs beside SavedModels: its configurations."""

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.io import replacing
from hrnet_tf.serving import manifests
from hrnet_tf.serving.warmup import write_warmup

if TYPE_CHECKING:
    from hrnet_tf.tasks.exported import Exported

MONITORING_PATH = "/monitoring/prometheus/metrics"
_QUEUED_BATCHES = 16
_FILES = (
    *("models.config", "batching.config", "monitoring.config"),
    *("Dockerfile", "compose.yaml", "kubernetes.yaml"),
)
# What stands in a Dockerfile, in an address and in a configuration as it is.
_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclasses.dataclass(frozen=True)
class ServedModel:
    """A model of the kit.

    Attributes:
        name: str, as requests name it.
        folder: `Path`, with a folder for each version.
        exported: `Exported` of its largest version.
    """

    name: str
    folder: Path
    exported: "Exported"

    @property
    def free_input(self) -> str | None:
        """str: an input whose size may differ between requests, or None.

        TensorFlow Serving cannot join such requests: it refuses them, or fills up with
        the first number of a tensor, which would be boxes that nobody sent.
        """
        for signature, function in self.exported.signatures.items():
            for name, one in function.inputs.items():
                if None in one.shape[1:]:
                    return f"{name!r} {one} of {signature}"
        return None


@dataclasses.dataclass(frozen=True)
class KitSettings:
    """How the server is run.

    Attributes:
        max_batch_size: int.
        batch_wait: float, milliseconds.
        batching: bool or None. None: where the inputs of all models are of one size.
        cores: int, processor cores of a server.
        memory: str, as Kubernetes writes it.
        replicas: (int, int), the fewest and the most servers.
        base_image: str, of TensorFlow Serving.
        image: str. What the image with the models is called.
        name: str, of what is made in Kubernetes.
    """

    max_batch_size: int = 8
    batch_wait: float = 2.0
    batching: bool | None = None
    cores: int = 2
    memory: str = "4Gi"
    replicas: tuple[int, int] = (1, 4)
    base_image: str = "tensorflow/serving:latest"
    image: str = "hrnet-serving:1"
    name: str = "hrnet-serving"


def write_kit(
    models: Sequence[ServedModel],
    out: Path,
    settings: KitSettings,
    images: Sequence[np.ndarray] = (),
) -> dict[str, str]:
    """Writes configurations and manifests into a folder, and warm-up records.

    The folder appears only when complete; a kit that is there is replaced.

    Args:
        models: sequence of `ServedModel`.
        out: `Path` of the folder.
        settings: `KitSettings`.
        images: sequence of uint8 arrays, see `write_warmup`.
    Returns:
        dict of str that tells what was written.
    Raises:
        ValueError: if the models do not lie in one folder, one is no SavedModel or has
            a name that no image can have, or `out` holds something else than a kit.
    """
    names = [model.name for model in models]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"The model's folder is called {name!r}, which is its name in addresses"
                " and in an image's files. Rename it: letters, digits, dots, dashes and"
                " underscores, the first a letter or digit."
            )
    _check_out(out)
    if len(set(names)) < len(names):
        raise ValueError(
            f"Several models are called {max(names, key=names.count)!r}. Their folders'"
            " names must differ."
        )
    if len({model.folder.resolve().parent for model in models}) > 1:
        raise ValueError(
            "The models of a kit lie in one folder, which becomes an image. Received:"
            f" {', '.join(str(model.folder) for model in models)}."
        )
    batching, reason = _batching(models, settings)
    sizes = batch_sizes(settings.max_batch_size) if batching else (1,)
    facts = {}
    for model in models:
        path, count = write_warmup(model.exported, model.name, sizes, images)
        facts[f"warm-up of {model.name}"] = f"{path} ({count} records)"
    files = {
        "models.config": models_config(names),
        "batching.config": batching_config(settings),
        "monitoring.config": monitoring_config(),
        "Dockerfile": manifests.dockerfile(names, settings.base_image),
        "compose.yaml": manifests.compose(
            {m.name: _relative(m.folder, out) for m in models},
            settings.base_image,
            batching,
        ),
        "kubernetes.yaml": manifests.kubernetes(names, settings, batching),
    }
    with replacing(out) as beside:
        beside.mkdir()
        for name, text in files.items():
            (beside / name).write_text(text, encoding="utf-8")
    facts["batching"] = reason
    facts["written"] = f"{out} ({', '.join(files)})"
    return facts


def _check_out(out):
    """Raises ValueError for a folder with something that is not of a kit."""
    if not out.exists():
        return
    if not out.is_dir():
        raise ValueError(f"{out} is a file; expected a folder.")
    others = sorted(p.name for p in out.iterdir() if p.name not in _FILES)
    if others:
        raise ValueError(
            f"{out} holds other files than a kit's, such as {others[0]}, which are"
            " never removed. Choose another folder."
        )


def models_config(names: Sequence[str]) -> str:
    """Returns the text of a `ModelServerConfig`.

    Args:
        names: sequence of str, of folders in /models.
    """
    entries = "".join(
        "  config {\n"
        f'    name: "{name}"\n'
        f'    base_path: "/models/{name}"\n'
        '    model_platform: "tensorflow"\n'
        "    model_version_policy { latest { num_versions: 1 } }\n"
        "  }\n"
        for name in names
    )
    return f"model_config_list {{\n{entries}}}\n"


def batching_config(settings: KitSettings) -> str:
    """Returns the text of `BatchingParameters`."""
    sizes = "".join(
        f"allowed_batch_sizes: {size}\n"
        for size in batch_sizes(settings.max_batch_size)
    )
    return (
        f"max_batch_size {{ value: {settings.max_batch_size} }}\n"
        f"batch_timeout_micros {{ value: {round(settings.batch_wait * 1000)} }}\n"
        f"max_enqueued_batches {{ value: {_QUEUED_BATCHES} }}\n"
        f"num_batch_threads {{ value: {settings.cores} }}\n"
        f"{sizes}"
    )


def monitoring_config() -> str:
    """Returns the text of a `MonitoringConfig`."""
    return f'prometheus_config {{\n  enable: true\n  path: "{MONITORING_PATH}"\n}}\n'


def batch_sizes(largest: int) -> tuple[int, ...]:
    """Returns 1, 2, 4 ... up to the largest, of which batches are filled up to one."""
    sizes = [1]
    while sizes[-1] * 2 < largest:
        sizes.append(sizes[-1] * 2)
    return (*sizes, largest) if largest > 1 else (1,)


def _batching(models, settings):
    """Whether requests are joined, and why."""
    free = [(model.name, model.free_input) for model in models if model.free_input]
    if settings.batching is not None:
        if settings.batching and free:
            name, one = free[0]
            return True, f"on, as asked: requests to {name} must agree in {one}"
        return settings.batching, "on, as asked" if settings.batching else "off"
    if free:
        name, one = free[0]
        return False, (
            f"off: requests to {name} may differ in {one}, and TensorFlow Serving joins"
            " equal ones only"
        )
    return True, f"on, up to {settings.max_batch_size} rows"


def _relative(folder, out):
    """The path of a folder from another one, for files that are moved together."""
    return os.path.relpath(folder.resolve(), out.resolve())
