"""Published weights by name: what they fit, where they lie, what they should score.

The tables are the json files in the folder `published`, one a framework. Their entries
are what those frameworks publish; a score is a claim of theirs, not a measurement here.
"""

import difflib
import functools
import json
from dataclasses import dataclass
from pathlib import Path

from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS, KeypointSet

_FOLDER = Path(__file__).parent / "published"
_TABLES = ("timm", "mmpose", "mmsegmentation", "mmdetection")


@dataclass(frozen=True)
class PublishedWeights:
    """A published checkpoint and the model that it fits.

    Attributes:
        name: str. What it is called here.
        model: str. Name of the class of this package that it fits.
        preset: str. The architecture, for `from_preset` of that class.
        arguments: dict. The other arguments of that class.
        url: str. Where the checkpoint is published.
        sha256: str or None. The checksum of the file, or its first digits; None if
            none is published.
        metric: str. The score that its authors claim, and on what.
        source: str. The repository and the file that claims it.
        notes: str. What else one should know; may be empty.
    """

    name: str
    model: str
    preset: str
    arguments: dict
    url: str
    sha256: str | None
    metric: str
    source: str
    notes: str = ""


def published(name: str) -> PublishedWeights:
    """Returns the `PublishedWeights` of that name.

    Args:
        name: str, such as "hrnet_w32_coco_256x192".
    Raises:
        ValueError: if there are none; the text names similar ones.
    """
    table = _table()
    if name not in table:
        close = difflib.get_close_matches(str(name), table, n=5, cutoff=0.5)
        hint = f" Did you mean {', '.join(close)}?" if close else ""
        raise ValueError(
            f"There are no published weights of that name. Received: name={name!r}."
            f"{hint} hrnet_tf.weights.registry.names() lists all {len(table)}."
        )
    fields = table[name]
    return PublishedWeights(
        name=name, **{**fields, "arguments": _arguments(fields["arguments"])}
    )


def identify(sha256: str) -> PublishedWeights | None:
    """Returns the `PublishedWeights` that a file is, or None.

    Args:
        sha256: str, the checksum of the file.
    """
    for name, fields in _table().items():
        if fields["sha256"] and sha256.lower().startswith(fields["sha256"].lower()):
            return published(name)
    return None


def names(model: str | None = None) -> list[str]:
    """Returns the sorted names (list of str) of the published weights.

    Args:
        model: str or None. The name of a class, such as "HRNetPose", for those that
            fit it; None gives all.
    Raises:
        ValueError: if no published weights fit such a class; the text lists those
            that there are.
    """
    table = _table()
    found = [key for key in table if model in (None, table[key]["model"])]
    if not found:
        models = sorted({fields["model"] for fields in table.values()})
        raise ValueError(
            f"No published weights fit that class. Received: model={model!r}."
            f" Expected one of: {', '.join(models)}."
        )
    return sorted(found)


def _arguments(fields):
    """Returns a class's arguments; json has no tuples and refers to keypoint sets."""
    arguments = {k: tuple(v) if type(v) is list else v for k, v in fields.items()}
    if "keypoint_set" in arguments:
        name = arguments["keypoint_set"]
        # The package's own descriptions know more, such as the reference of PCK.
        known = KEYPOINT_SETS.get(name) or KeypointSet.from_dict(
            _read("keypoint_sets")[name]
        )
        arguments["keypoint_set"] = known.to_dict()
    return arguments


def _table():
    """Returns {name: fields} of all frameworks."""
    return {key: fields for name in _TABLES for key, fields in _read(name).items()}


@functools.cache
def _read(name):
    return json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
