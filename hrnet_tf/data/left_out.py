"""What is not used of a data set, counted by its reason."""

import warnings

from hrnet_tf.typing import PathLike
from hrnet_tf.words import counted


class LeftOut:
    """Counts what is left out, so that nothing is dropped without a word.

    Unlike `BadExamples` these are no faults: people without a labelled keypoint,
    pictures without labels, categories of another kind.

    Args:
        counts: dict of reason to (count, name of the first), or None.
    """

    def __init__(self, counts: dict | None = None) -> None:
        # Of each split, and of what belongs to none, by None.
        self._splits: dict = {None: dict(counts or {})}

    def add(
        self, reason: str, name: str, count: int = 1, split: str | None = None
    ) -> None:
        """Counts something left out.

        Args:
            reason: str, in the plural, such as "people without a labelled keypoint".
            name: str. Which one it was: an image's name, an annotation's id.
            count: int. How many.
            split: str or None. The part of the data that it is of, if they tell.
        """
        counts = self._splits.setdefault(split, {})
        known, first = counts.get(reason, (0, name))
        counts[reason] = (known + count, first)

    def update(self, other: "LeftOut", split: str | None = None) -> None:
        """Adds what another one counted.

        Args:
            other: `LeftOut`.
            split: str or None. The part that all of it is of, if it does not tell.
        """
        for own, counts in other._splits.items():
            for reason, (count, name) in counts.items():
                self.add(reason, name, count, own or split)

    def of(self, split: str | None) -> "LeftOut":
        """Returns what was counted of a split alone, or (None) of none of them."""
        return LeftOut(self._splits.get(split))

    @property
    def counts(self) -> dict:
        """dict of reason to (count, name of the first), of all splits together."""
        joined = LeftOut()
        for counts in self._splits.values():
            for reason, (count, name) in counts.items():
                joined.add(reason, name, count)
        return joined._splits[None]

    def __bool__(self) -> bool:
        return any(self._splits.values())

    def describe(self) -> str:
        """Returns a sentence of all counts; "" where nothing was left out."""
        return "; ".join(
            f"{counted(count, reason)} (such as {name})"
            for reason, (count, name) in self.counts.items()
        )

    def warn(self, source: PathLike) -> None:
        """Says in a warning what was left out, if anything.

        Args:
            source: path of what was read.
        """
        if self:
            warnings.warn(f"{source}: left out: {self.describe()}.", stacklevel=3)
