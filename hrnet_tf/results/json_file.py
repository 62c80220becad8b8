"""Json files that are complete or not there."""

import json
import os
from pathlib import Path


def write_json(path, content):
    """Writes `content` as a json file beside `path` and renames it, creating folders.

    Args:
        path: str or path.
        content: what json can write. NaN is refused, being no json.
    Raises:
        ValueError: if a value cannot be written as json; the value's place is named
            by json.
    """
    path = Path(path)
    try:
        text = json.dumps(content, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be written as json: {error}.") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text + "\n", encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
