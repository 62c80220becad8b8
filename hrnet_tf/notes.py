"""What is worth a word about pictures that are read, said once with a count."""

import threading
import warnings

TURNED = "turned upright, as EXIF says: labels and results are so, too"
STORED_SIZE = (
    "annotated with width and height as stored, but turned as EXIF says:"
    " their labels are taken to be in the upright picture"
)
SIXTEEN_BITS = (
    "of 16 bits a channel, scaled to 8: of 255, 1023, 4095, 16383 and 65535 the least"
    " that holds all values of a picture becomes 255"
)
ANIMATED = "animated, of which the first picture is read"


class PictureNote(UserWarning):
    """What is done with pictures, which is as it should be: nothing is to be mended."""


_LOCK = threading.Lock()
_COUNTS: dict = {}
_SAID: set = set()


def note(reason: str, name: str) -> None:
    """Counts a picture until the next `warn_noted`.

    Args:
        reason: str, one of this module's, which ends "pictures are ...".
        name: str. The picture's file.
    """
    with _LOCK:
        count, first = _COUNTS.get(reason, (0, name))
        _COUNTS[reason] = count + 1, first


def note_once(reason: str, name: str) -> None:
    """Says at once what was never said in this process, of a single picture.

    Args:
        reason, name: see `note`.
    """
    if reason not in _SAID:
        _SAID.add(reason)
        warnings.warn(f"Pictures are {reason} ({name}).", _kind(reason), stacklevel=3)


def warn_noted() -> None:
    """Says in a warning each what was counted since the last time."""
    with _LOCK:
        counts = dict(_COUNTS)
        _COUNTS.clear()
        _SAID.update(counts)
    for reason, (count, first) in counts.items():
        pictures = "1 picture is" if count == 1 else f"{count} pictures are"
        said = f"{pictures} {reason} (such as {first})."
        warnings.warn(said, _kind(reason), stacklevel=3)


def _kind(reason):
    # Whether labels of stored pictures fit is for the user to see.
    return UserWarning if reason == STORED_SIZE else PictureNote
