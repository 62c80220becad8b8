"""`hrnet predict --write-annotations`."""

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hrnet_tf.tasks.base import Task

from hrnet_tf.extras import import_extra
from hrnet_tf.words import count_text

# Tasks whose results have the form of another one's.
_SAME = {"landmarks": "pose", "bottom_up": "pose"}


class Annotations:
    """Writes predictions in formats of annotation tools.

    Args:
        names: sequence of str. The formats.
        task: `Task` of the model.
        every: int. Of videos every so-many-th frame is written.
        out: `Path` of the folder with predictions.json.
    Raises:
        ValueError: if a format is not known, not written of this task, or needs an
            extra that is not installed, or if its annotations are there already.
    """

    def __init__(
        self, names: Sequence[str], task: "Task", every: int, out: Path
    ) -> None:
        from hrnet_tf.data.formats.tools import FORMATS

        kind = _SAME.get(task.name, task.name)
        writable = {f.name: f for f in FORMATS if f.write and kind in f.write_tasks}
        for name in names:
            if name not in writable:
                expected = f"one of {', '.join(writable)}" if writable else "none"
                raise ValueError(
                    f"Predictions of {task.title} are not written as {name!r}."
                    f" Expected {expected}."
                )
        self._formats = [writable[name] for name in dict.fromkeys(names)]
        for known in self._formats:
            folder = _folder(out, known)
            if folder.exists():
                raise ValueError(
                    f"{folder} is there already. Tools save corrections into it, so it"
                    " is not written over: choose another --out, or remove the folder."
                )
            # What is missing is said before hours of prediction, not after.
            for module in known.write_needs:
                import_extra(module, f"Writing files of {known.title}")
        self._every = every
        self._task = task

    def write(
        self,
        content: dict,
        out: Path,
        min_score: float | None,
        min_person_score: float | None = None,
    ) -> dict:
        """Writes all formats.

        Args:
            content: dict of predictions.json.
            out: `Path` of the folder with it.
            min_score: float. Keypoints below it are not placed; None: 0.2.
            min_person_score: float. People below it are left out; None: who is not
                drawn either.
        Returns:
            dict of what to tell: "annotations" of each format, and where they are; and
            how many people were left out.
        """
        from hrnet_tf.io import replacing

        content = {**content, "annotate_every": self._every}
        content["images"] = _with_paths(content.get("images", ()), out)
        content["videos"] = [
            {**video, "frames": _with_paths(video["frames"], out)}
            for video in content.get("videos", ())
        ]
        if min_score is not None:
            content["min_score"] = min_score
        if self._formats:
            least = self._least_person_score(min_person_score)
            content["min_person_score"] = least
        told = {}
        for known in self._formats:
            folder = _folder(out, known)
            with replacing(folder) as beside:
                beside.mkdir()
                written = known.write(content, beside)
            first = folder / written[0].relative_to(beside)
            told[f"for {known.title}"] = first
        unsure = _count_unsure(content) if self._formats else 0
        if unsure:
            people = count_text(unsure, "person", "people")
            told["not written"] = f"{people} of a score below {least:g}"
        return told

    def _least_person_score(self, given):
        """The score from which on people are written: those that are drawn."""
        drawn = inspect.signature(self._task.parts.draw).parameters
        if given is None and "min_person_score" in drawn:
            return drawn["min_person_score"].default
        return given or 0.0


def _count_unsure(content):
    """How many people of the written pictures and frames are left out."""
    from hrnet_tf.data.formats.tools.writers.predicted import rows_of

    scores = [
        person.get("box_score", 1.0)
        for *_, row in rows_of(content)
        for person in row.get("people", ())
    ]
    return sum(score < content["min_person_score"] for score in scores)


def _folder(out, known):
    return out / f"annotations_{known.name}"


def _with_paths(rows, out):
    """Rows whose maps of classes are paths."""
    return [
        {**row, "labels": str(out / row["labels"])} if "labels" in row else row
        for row in rows
    ]
