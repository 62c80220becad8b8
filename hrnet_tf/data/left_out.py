"""What is not used of a data set, counted by its reason."""

import collections
import warnings

from hrnet_tf.typing import PathLike


class LeftOut:
    """Counts what is left out, so that nothing is dropped without a word.

    Unlike `BadExamples` these are no faults: people without a labelled keypoint,
    pictures without labels, categories of another kind.

    Args:
        counts: dict of reason to (count, name of the first), or None.
    """

    def __init__(self, counts: dict | None = None) -> None:
        self._counts: dict = collections.OrderedDict(counts or {})

    def add(self, reason: str, name: str, count: int = 1) -> None:
        """Counts something left out.

        Args:
            reason: str, in the plural, such as "people without a labelled keypoint".
            name: str. Which one it was: an image's name, an annotation's id.
            count: int. How many.
        """
        known, first = self._counts.get(reason, (0, name))
        self._counts[reason] = (known + count, first)

    def update(self, other: "LeftOut") -> None:
        """Adds what another one counted."""
        for reason, (count, name) in other.counts.items():
            self.add(reason, name, count)

    @property
    def counts(self) -> dict:
        """dict of reason to (count, name of the first)."""
        return dict(self._counts)

    def __bool__(self) -> bool:
        return bool(self._counts)

    def describe(self) -> str:
        """Returns a sentence of all counts; "" where nothing was left out."""
        return "; ".join(
            f"{count} {reason} (such as {name})"
            for reason, (count, name) in self._counts.items()
        )

    def warn(self, source: PathLike) -> None:
        """Says in a warning what was left out, if anything.

        Args:
            source: path of what was read.
        """
        if self._counts:
            warnings.warn(f"{source}: left out are {self.describe()}.", stacklevel=3)
