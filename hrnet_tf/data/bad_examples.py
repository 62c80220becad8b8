"""What to do with single bad examples: stop at the first, or skip and count them."""

import collections
import contextlib
import warnings
from collections.abc import Iterator

from hrnet_tf.notes import warn_noted
from hrnet_tf.typing import PathLike
from hrnet_tf.words import counted


class BadExample(ValueError):
    """A single example which cannot be used.

    Args:
        kind: str. What bad examples are counted by, such as "absent image".
        message: str. What arrived, in which file, what was expected, how to fix it.

    Attributes:
        can_be_skipped: bool. Whether the one who reads would have gone on without it,
            had that been asked for.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.can_be_skipped = False


class SkippedExamples(UserWarning):
    """Bad examples were left out, at the first of which the reader else stops."""


@contextlib.contextmanager
def told_to_skip() -> Iterator[None]:
    """Errors of examples that could be left out say which argument does that.

    Raises:
        BadExample: as inside, with a sentence on `skip_bad` where that leads on.
    """
    try:
        yield
    except BadExample as error:
        if not error.can_be_skipped:
            raise
        raise BadExample(
            error.kind,
            f"{str(error).rstrip('.')}. Single bad examples are left out and counted"
            " with `skip_bad`.",
        ) from error


class BadExamples:
    """Raises the first bad example, or counts them for one warning at the end.

    Args:
        source: str or path. What is being read; the warning names it.
        skip: bool. Whether to skip and count.
    """

    def __init__(self, source: PathLike, skip: bool) -> None:
        self.source = source
        self.skip = skip
        self.first: BadExample | None = None
        self._counts: collections.Counter[str] = collections.Counter()

    @property
    def num_skipped(self) -> int:
        """int: the number of bad examples so far."""
        return sum(self._counts.values())

    def add(self, error: BadExample) -> None:
        """Counts a `BadExample`, or raises it if examples are not to be skipped."""
        if not self.skip:
            error.can_be_skipped = True
            raise error
        self.first = self.first or error
        self._counts[error.kind] += 1

    def describe(self) -> str:
        """Returns the counts and the first case (str, no full stop); "" without one."""
        if not self._counts:
            return ""
        counts = ", ".join(f"{n} x {kind}" for kind, n in self._counts.items())
        first = str(self.first).rstrip(".")
        return f"{counts}; the first: {first}"

    def warn(self) -> None:
        """Warns once if any example was skipped, and of what was noted of pictures."""
        if self._counts:
            warnings.warn(
                f"{self.source}: skipped {counted(self.num_skipped, 'bad examples')}:"
                f" {self.describe()}.",
                SkippedExamples,
                stacklevel=3,
            )
        warn_noted()
