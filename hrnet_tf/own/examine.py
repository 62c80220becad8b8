"""Looks through data of the user's own: what there is, and what is wrong."""

import contextlib
import dataclasses
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hrnet_tf.data.alike import check_alike, thumbnail
from hrnet_tf.data.bad_examples import SkippedExamples
from hrnet_tf.data.copies import check_splits
from hrnet_tf.data.findings import Finding, sorted_findings
from hrnet_tf.data.formats.checks import measured
from hrnet_tf.io import open_image
from hrnet_tf.notes import PictureNote
from hrnet_tf.own.choices import Machine, settings_of
from hrnet_tf.own.reading import UserData, read_data
from hrnet_tf.own.records import check_pictures
from hrnet_tf.own.split import with_validation
from hrnet_tf.words import counted

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_BATCH = 256


@dataclasses.dataclass(frozen=True, eq=False)
class Examination:
    """What there is in data.

    Attributes:
        data: `UserData`.
        choices: tuple of `Choice`, what training would choose.
        findings: list of `Finding`, the errors first.
        facts: dict of title to `Table`.
    """

    data: UserData
    choices: tuple
    findings: list
    facts: dict

    @property
    def settings(self) -> dict[str, Any]:
        """dict of the settings that training would choose."""
        return settings_of(self.choices)

    def count(self, level: str) -> int:
        """Returns the number of findings of a level (int)."""
        return sum(finding.level == level for finding in self.findings)


@contextlib.contextmanager
def unseen(description: str, unit: str = "") -> Iterator[Callable[..., Any]]:
    """A progress that is not shown; as `examine` takes it."""
    yield lambda done, total: None


def examine(
    task: Any,
    where: dict[str, Any],
    given: dict[str, Any] | None = None,
    decode: bool = True,
    progress: Callable[..., Any] = unseen,
) -> Examination:
    """Looks through data as `hrnet train` would read them, and further.

    Args:
        task: `Task` with `OwnData`.
        where: dict of data, images and format, and perhaps split and work.
        given: dict of the settings that the user gave, such as keypoints.
        decode: bool. Whether every picture and label map is decoded, to find damaged
            ones.
        progress: `(description, unit)` to a context of a callable (done, total).
    Returns:
        `Examination`.
    Raises:
        ValueError: if nothing can be read at all.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = _examine(task, where, given or {}, decode, progress)
    told = [_warned(w.category, str(w.message)) for w in caught]
    findings = sorted_findings([*found.findings, *filter(None, told)])
    return dataclasses.replace(found, findings=findings)


def _examine(task, where, given, decode, progress):
    """What is found, but for what is warned of."""
    own = task.parts.own_data
    places = [where.get(name) for name in ("data", "images", "format")]
    with progress("reading the data", "images") as tick:
        # Bad examples are counted, and told in a warning.
        source, images, format = places
        work = where.get("work")
        with measured() as looked_at:
            data = read_data(
                source, own.reads, images, format, True, tick, task.name, work
            )
    for labelled in data.splits.values():
        check_pictures(labelled, "a look through data")
    data, content = with_validation(data, where.get("split"))
    choices = own.choose(data, Machine.here(), given)
    settings = settings_of(choices)
    if own.fit is not None:
        data = own.fit(data, settings)
    paths = {split: data.paths(split) for split in data.splits}
    found = [
        *own.check(data, settings, deep=decode),
        *check_splits(paths, "error"),
        *_left_out(data),
        *_unlabelled(paths, looked_at),
    ]
    if content is not None:
        advice = f"{data.split_text}. Name a val to choose them yourself."
        found.append(Finding("note", "The data have no validation part.", advice))
    if decode:
        every = list(dict.fromkeys(path for part in paths.values() for path in part))
        thumbnails: dict[str, Any] = {}
        with progress("decoding pictures", "images") as tick:
            found += check_pixels(every, tick, thumbnails)
        found += check_alike(paths, thumbnails)
    return Examination(data, choices, found, own.facts(data, settings, deep=decode))


def check_pixels(
    paths: Sequence[str],
    progress: Callable[..., Any] | None = None,
    thumbnails: dict[str, Any] | None = None,
) -> list[Finding]:
    """Decodes pictures, to find damaged ones.

    Args:
        paths: list of str.
        progress: callable (done, total) or None.
        thumbnails: dict that gets the thumbnail of each path, or None.
    Returns:
        List of `Finding`.
    """
    damaged: list[str] = []
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(paths), _BATCH):
            batch = paths[start : start + _BATCH]
            looked_at = zip(batch, pool.map(_look, batch), strict=True)
            for path, (damage, small) in looked_at:
                if damage is not None:
                    damaged.append(damage)
                elif thumbnails is not None:
                    thumbnails[path] = small
            if progress is not None:
                progress(start + len(batch), len(paths))
    if not damaged:
        return []
    return [
        Finding(
            "error",
            f"{counted(len(damaged), 'pictures')} cannot be decoded:"
            f" {'; '.join(damaged[:3])}.",
            "Copy or download them again, or remove them.",
        )
    ]


def _look(path):
    """What is wrong with a picture or None, and its thumbnail."""
    try:
        with open_image(path) as image:
            image.load()
            return None, thumbnail(image)
    except (OSError, SyntaxError, ValueError) as error:
        return f"{path} ({error})", None


def _warned(category, text):
    """What a warning of the readers is among the findings; None for others'."""
    text = f"{text.rstrip('.')}."
    if category is SkippedExamples:
        return Finding(
            "error",
            text,
            "Mend them; `hrnet train` stops there, or leaves them out with --skip-bad.",
        )
    level = {UserWarning: "warning", PictureNote: "note"}.get(category)
    return None if level is None else Finding(level, text)


def _left_out(data):
    found = []
    for split, part in data.splits.items():
        found += _told(part.left_out, f" in {split}")
        found += [Finding("note", text) for text in part.notes]
    return found + _told(data.left_out, "")


def _told(left_out, where):
    return [
        Finding("note", f"{counted(count, reason)}{where}, such as {first}: left out.")
        for reason, (count, first) in left_out.counts.items()
    ]


def _unlabelled(splits, looked_at):
    """Pictures in the folders of labelled ones that have no labels themselves.

    Labelled ones that are damaged are told as such.
    """
    labelled = {os.path.abspath(path) for part in splits.values() for path in part}
    folders = sorted({os.path.dirname(path) for path in labelled})
    labelled.update(map(os.path.abspath, looked_at))
    others = []
    for folder in folders:
        with os.scandir(folder) as entries:
            others += [
                entry.path
                for entry in entries
                if Path(entry.name).suffix.lower() in _SUFFIXES
                and entry.path not in labelled
            ]
    if not others:
        return []
    return [
        Finding(
            "note",
            f"{counted(len(others), 'pictures beside the labelled ones have')} no"
            f" labels, such as {min(others)}.",
            "Such are not trained on; label them, or leave them.",
        )
    ]
