"""Projects of DeepLabCut: the tables CollectedData_*.csv and .h5, and config.yaml.

The tables are read here rather than by sleap-io, which sorts body parts by the
alphabet, moves all later labels by a picture where one was deleted, and reads a table
of one row as empty; and rather than by pandas, which runs what is pickled in a file.
"""

from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.image_finder import ImageFinder
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.dlc_tables import Table, read_table
from hrnet_tf.data.formats.tools.marks import content_of, files_of, match_of
from hrnet_tf.data.formats.tools.people import (
    Person,
    Picture,
    check_source,
    limbs_of,
    pose_data,
)
from hrnet_tf.data.formats.tools.writers.dlc import write
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.extras import MissingExtra, import_extra
from hrnet_tf.typing import Progress

_LABELS = "labeled-data"
# The individual that has the parts which no animal has, such as corners of a cage.
_NOBODY = "single"
_NOTE = (
    "DeepLabCut has no mark for occluded points: all that are placed were read as"
    " visible."
)


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    if path.is_dir():
        tables = files_of(path, *(f"{below}CollectedData_*.*" for below in _BELOW))
        return match_of((bool(tables), "it has no labeled-data/*/CollectedData_*.csv"))
    if path.name == "config.yaml":
        found = files_of(path.parent, "labeled-data/*/CollectedData_*.*")
        return match_of((bool(found), "there is no labeled-data/ beside it"))
    if path.suffix.lower() == ".h5":
        start = path.name.startswith("CollectedData")
        return match_of((start, "it is called other than CollectedData_*.h5"))
    lines = content_of(path, ".csv")[:100_000].split(b"\n")
    return match_of(
        (lines[0].startswith(b"scorer,"), "its first line begins with no 'scorer'"),
        (
            len(lines) > 1 and lines[1].startswith((b"bodyparts,", b"individuals,")),
            "its second line begins with no 'bodyparts'",
        ),
    )


# Where the tables are below a project, labeled-data, or the folder of a video.
_BELOW = ("labeled-data/*/", "*/", "")


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    path = Path(path)
    check_source(path, "project, folder or table of DeepLabCut")
    files = _tables(path)
    config, notes = _config(files[0])
    if "scorer" in config and len(files) > 1:
        own = [f for f in files if f.stem == f"CollectedData_{config['scorer']}"]
        files = own or files
    _check_scorers(path, files)
    bad, left_out = BadExamples(path, skip_bad), LeftOut()
    tables = [read_table(file) for file in files]
    notes += tuple(note for table in tables if (note := _compared(table)))
    names = _names(path, tables)
    pictures = []
    for table in tables:
        finder = _Finder(table.path, images)
        _count_nobody(table, left_out)
        pictures += [_picture(table, i, finder) for i in range(len(table.pictures))]
    return pose_data(
        "dlc",
        path,
        pictures,
        names,
        bad,
        left_out,
        progress,
        notes=(_NOTE, *notes),
        skeleton=limbs_of(config.get("skeleton") or (), names),
    )


def _tables(path):
    """The tables to read, one a video: the .csv where there are both."""
    if path.name == "config.yaml":
        path = path.parent
    if path.is_file():
        return [path]
    for below in _BELOW:
        found = sorted(path.glob(f"{below}CollectedData_*.csv"))
        known = {file.with_suffix("") for file in found}
        others = sorted(path.glob(f"{below}CollectedData_*.h5"))
        found += [file for file in others if file.with_suffix("") not in known]
        if found:
            return sorted(found)
    raise ValueError(
        f"{path} holds no labels of DeepLabCut. Expected"
        " labeled-data/VIDEO/CollectedData_SCORER.csv below a project."
    )


def _compared(table):
    """A note where the .csv that was read says other things than its .h5."""
    other = table.path.with_suffix(".h5")
    if table.path == other or not other.is_file():
        return None
    try:
        stored = read_table(other)
    except ValueError as error:
        return f"{table.path} was read, its .h5 could not be compared: {error}"
    same = stored.pictures == table.pictures and stored.columns == table.columns
    if same and np.allclose(stored.values, table.values, atol=0.01, equal_nan=True):
        return None
    return (
        f"{table.path} was read, but {other.name} beside it holds other labels, and it"
        " is what DeepLabCut trains on. Pass the .h5 file to read that one."
    )


def _config(table):
    """What config.yaml tells, {} where there is none; and notes."""
    for folder in table.resolve().parents[:3]:
        file = folder / "config.yaml"
        if not file.is_file():
            continue
        try:
            yaml = import_extra("yaml", str(file))
        except MissingExtra as error:
            return {}, (f"The skeleton was not read. {error}",)
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
        except (yaml.YAMLError, UnicodeError) as error:
            raise ValueError(f"{file} is no valid yaml: {error}.") from error
        return content if isinstance(content, dict) else {}, ()
    return {}, ()


def _check_scorers(path, files):
    """Raises ValueError if several people labelled a video."""
    folders = [file.parent for file in files]
    twice = next((file for file in files if folders.count(file.parent) > 1), None)
    if twice is not None:
        of_folder = [file.name for file in files if file.parent == twice.parent]
        raise ValueError(
            f"{path}: {twice.parent} has labels of several people:"
            f" {', '.join(of_folder)}. Pass one of these files, or name the scorer in"
            " the project's config.yaml."
        )


def _names(path, tables):
    """The body parts of the animals, in the order of the tables, which is one."""
    first = tables[0]
    names = _parts(first)
    for table in tables[1:]:
        if sorted(_parts(table)) != sorted(names):
            raise ValueError(
                f"{path}: the tables have different body parts: {', '.join(names)} in"
                f" {first.path}, {', '.join(_parts(table))} in {table.path}."
            )
    return names


def _parts(table: Table):
    people = {individual for individual, _, _ in table.columns}
    nobody = _NOBODY if len(people) > 1 else None
    parts = [part for person, part, _ in table.columns if person != nobody]
    return list(dict.fromkeys(parts))


def _count_nobody(table, left_out):
    people = dict.fromkeys(individual for individual, _, _ in table.columns)
    if len(people) > 1 and _NOBODY in people:
        parts = [part for person, part, _ in table.columns if person == _NOBODY]
        for part in dict.fromkeys(parts):
            left_out.add("body parts that belong to no animal", part)


def _picture(table, row, finder):
    points = {}
    for (person, part, axis), value in zip(
        table.columns, table.values[row], strict=True
    ):
        points.setdefault(person, {}).setdefault(part, {})[axis] = value
    if len(points) > 1:
        points.pop(_NOBODY, None)
    name = table.pictures[row]
    people = []
    for of_person in points.values():
        placed = {
            part: (at["x"], at["y"], 2)
            for part, at in of_person.items()
            # A number is unequal to itself where it is none.
            if at["x"] == at["x"] and at["y"] == at["y"]
        }
        if placed:
            people.append(Person(placed))
    return Picture(name, lambda: finder.find(name), people, group=_video(name, table))


def _video(name, table):
    parts = name.split("/")
    return parts[-2] if len(parts) > 1 else table.path.resolve().parent.name


class _Finder:
    """Finds pictures beside their table, or where the user says."""

    def __init__(self, table, images):
        self._table = table
        self._finder = None if images is None else ImageFinder(images)

    def find(self, name):
        if self._finder is not None:
            return self._finder.find(name)
        beside = self._table.parent / name.rsplit("/", 1)[-1]
        if not beside.is_file():
            raise BadExample(
                "absent image",
                f"{self._table} has labels of {name}, but there is no {beside}. Was the"
                " picture deleted?",
            )
        return beside


FORMAT = ToolFormat(
    name="dlc",
    title="DeepLabCut",
    tasks=("pose",),
    match=match,
    read=read,
    write=write,
    write_needs=("pandas", "tables", "yaml"),
    extra="formats",
)
