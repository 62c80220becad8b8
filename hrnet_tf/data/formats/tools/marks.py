"""What formats are recognised by."""

from pathlib import Path

from hrnet_tf.data.formats.tools.base import Match


def match_of(*marks: tuple) -> Match:
    """Makes a `Match` of what was looked for.

    Args:
        *marks: pairs of bool, whether a mark was found, and str, the difference if
            not, such as "it has no 'categories'"; the most telling first.
    """
    missing = [difference for found, difference in marks if not found]
    return Match(1 - len(missing) / len(marks), missing[0] if missing else "")


def content_of(path: Path, *suffixes: str) -> bytes:
    """Returns what is in a file, without ever raising.

    Args:
        path: `Path`.
        *suffixes: str. The endings, in lower case, that such files have.
    Returns:
        bytes; b"" for anything but a readable file with one of the endings.
    """
    try:
        if path.suffix.lower() in suffixes and path.is_file():
            return path.read_bytes()
    except (OSError, ValueError):
        pass
    return b""


def files_of(path: Path, *patterns: str, limit: int = 1) -> list:
    """Returns the first files in a folder that fit a pattern, without ever raising.

    Args:
        path: `Path` of a folder, or of anything else.
        *patterns: str, such as "*/_annotations.coco.json".
        limit: int. How many to return.
    """
    found: list = []
    try:
        if path.is_dir():
            for pattern in patterns:
                for file in path.glob(pattern):
                    if len(found) >= limit:
                        return found
                    if file.is_file():
                        found.append(file)
    except (OSError, ValueError):
        pass
    return found
