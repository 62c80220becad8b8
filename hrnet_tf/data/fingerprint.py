"""What tells examples from others: a digest of their files' names and their labels."""

import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.typing import PathLike


def fingerprint(examples: Sequence[Any], **also: Any) -> dict[str, Any]:
    """Describes examples so that changed ones are noticed.

    Their files are not read: of them count the names below the folder that all have in
    common, so that data sets may be moved.

    Args:
        examples: sequence of data classes of one kind, whose fields are texts (those
            called `*_path` are paths), numbers and arrays.
        **also: arrays or numbers that the digest is of, too.
    Returns:
        A dict of the number of examples and the digest (str), for json.
    """
    digest = hashlib.sha256()
    if examples:
        names = [field.name for field in dataclasses.fields(examples[0])]
        start = len(_common_folder(examples, [n for n in names if n.endswith("_path")]))
        for example in examples:
            for name in names:
                _add(digest, getattr(example, name), start * name.endswith("_path"))
    for name, value in sorted(also.items()):
        _add(digest, name)
        _add(digest, value)
    return {"examples": len(examples), "content": digest.hexdigest()[:16]}


def files_fingerprint(paths: Sequence[PathLike], **facts: Any) -> dict[str, Any]:
    """Describes files of records, by their names and sizes.

    Args:
        paths: sequence of path.
        **facts: json values that are described with them.
    Returns:
        A dict for json.
    """
    digest = hashlib.sha256()
    for path in map(Path, paths):
        _add(digest, path.name)
        _add(digest, path.stat().st_size)
    return {**facts, "files": len(paths), "content": digest.hexdigest()[:16]}


def _common_folder(examples, names):
    """The beginning (str) that all paths have in common, up to a folder's end."""
    paths = [str(getattr(example, name)) for example in examples for name in names]
    common = os.path.commonprefix([min(paths), max(paths)]) if paths else ""
    return common[: max(common.rfind("/"), common.rfind(os.sep)) + 1]


def _add(digest, value, start=0):
    if isinstance(value, np.ndarray):
        content = f"{value.dtype.str}{value.shape}".encode() + value.tobytes()
    else:
        content = str(value)[start:]
        # Windows' paths are compared with those of others.
        content = (content.replace(os.sep, "/") if start else content).encode()
    # With its length, as it could be cut elsewhere else.
    digest.update(len(content).to_bytes(8, "little") + content)
