"""Tables of DeepLabCut: headers of three or four rows over x and y of each picture."""

import csv
import dataclasses
from pathlib import Path

import numpy as np

_HEADERS = ("scorer", "individuals", "bodyparts", "coords")
# DeepLabCut's tables are of these keys; others are looked for all the same.
_KEYS = ("df_with_missing", "keypoints")


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A table of labels.

    Attributes:
        path: `Path`.
        columns: list of (individual, body part, "x" or "y"); the individual is "" in
            tables of one animal.
        pictures: list of str, with slashes, such as "labeled-data/walk/img001.png".
        values: float64 `[pictures, columns]`, px; NaN where nothing is labelled. The
            centre of the first pixel is at 0, 0.
    """

    path: Path
    columns: list
    pictures: list
    values: np.ndarray


def read_table(path: Path) -> Table:
    """Reads a CollectedData_*.csv or .h5.

    Args:
        path: `Path`.
    Returns:
        `Table`.
    Raises:
        ValueError: if it is no such table.
    """
    rows = _read_h5(path) if path.suffix.lower() == ".h5" else _read_csv(path)
    headers, pictures, values = rows
    _check_headers(path, headers)
    coords = headers["coords"]
    people = headers.get("individuals", [""] * len(coords))
    columns = list(zip(people, headers["bodyparts"], coords, strict=True))
    # A network's tables have likelihoods too.
    kept = [i for i, column in enumerate(columns) if column[2] in ("x", "y")]
    columns = [columns[i] for i in kept]
    _check_columns(path, columns)
    return Table(path, columns, pictures, values[:, kept])


def _check_headers(path, headers):
    missing = [n for n in ("bodyparts", "coords") if n not in headers]
    if missing:
        raise ValueError(
            f"{path} has no {' and '.join(missing)} among its headers; DeepLabCut's"
            " tables begin with rows called scorer, bodyparts (before it individuals,"
            f" for several animals) and coords. Received: {', '.join(headers) or None}."
        )


def _check_columns(path, columns):
    known = set(columns)
    if not columns:
        raise ValueError(f"{path} has no columns called x and y.")
    if len(known) < len(columns):
        twice = next(column for column in columns if columns.count(column) > 1)
        raise ValueError(
            f"{path} has the column {', '.join(filter(None, twice))} more than once."
            " Labels of two scorers belong into two tables."
        )
    for person, part, axis in columns:
        if (person, part, "y" if axis == "x" else "x") not in known:
            raise ValueError(f"{path} has only {axis} of {part}, of x and y.")


def _read_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        try:
            rows = [row for row in csv.reader(file) if any(row)]
        except (csv.Error, UnicodeError) as error:
            raise ValueError(f"{path} cannot be read as a table: {error}.") from error
    headers = {}
    while rows and rows[0][0] in _HEADERS:
        row = rows.pop(0)
        headers[row[0]] = row
    _check_headers(path, headers)
    coords = headers.get("coords", [])
    # Newer tables name a picture in three columns, without headers.
    first = next((i for i, text in enumerate(coords) if i and text), 1)
    headers = {name: row[first:] for name, row in headers.items()}
    pictures = [_slashes("/".join(row[:first])) for row in rows]
    values = np.full((len(rows), len(coords[first:])), np.nan)
    for i, row in enumerate(rows):
        if len(row) != first + values.shape[1]:
            raise ValueError(
                f"{path}: the row of {pictures[i]} has {len(row)} cells, the headers"
                f" have {first + values.shape[1]}."
            )
        for j, text in enumerate(row[first:]):
            values[i, j] = _number(path, pictures[i], text)
    return headers, pictures, values


def _number(path, picture, text):
    try:
        return float(text) if text.strip() else np.nan
    except ValueError:
        raise ValueError(
            f"{path}: the row of {picture} holds {text!r}; expected numbers, or nothing"
            " where a body part is not labelled."
        ) from None


def _read_h5(path):
    """Reads what pandas wrote, but nothing that is pickled."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            keys = [key for key in (*_KEYS, *file) if key in file]
            group = file[keys[0]] if keys else file
            if "axis0_level0" not in group or "axis1" not in " ".join(group):
                raise ValueError(
                    f"{path} is no table that DeepLabCut writes into HDF5: it lacks"
                    " headers of several rows. Pass the .csv of the same name, or make"
                    " it with deeplabcut.convertcsv2h5 the other way round."
                )
            return _of_group(path, group)
    except OSError as error:
        raise ValueError(
            f"{path} is no HDF5 file that can be read: {error}."
        ) from error


def _of_group(path, group):
    headers = _levels(group, "axis0")
    pictures = _pictures(group)
    width = len(next(iter(headers.values())))
    values = np.full((len(pictures), width), np.nan)
    place = {column: i for i, column in enumerate(zip(*headers.values(), strict=True))}
    for block in range(int(group.attrs["nblocks"])):
        stored = group[f"block{block}_values"]
        if stored.dtype.kind not in "fiu":
            raise ValueError(
                f"{path} holds texts or objects where numbers are expected. Pass the"
                " .csv of the same name."
            )
        items = _levels(group, f"block{block}_items")
        columns = [place[column] for column in zip(*items.values(), strict=True)]
        content = stored[...]
        if content.shape != (len(pictures), len(columns)):
            content = content.T
        values[:, columns] = content
    return headers, pictures, values


def _pictures(group):
    if "axis1" in group:
        return [_slashes(_text(value)) for value in group["axis1"][...]]
    parts = _levels(group, "axis1").values()
    return [_slashes("/".join(row)) for row in zip(*parts, strict=True)]


def _levels(group, axis):
    """The headers of an axis: dict of name to the texts of all columns, in order."""
    headers, level = {}, 0
    while f"{axis}_level{level}" in group:
        stored = group[f"{axis}_level{level}"]
        texts = [_text(value) for value in stored[...]]
        name = _text(stored.attrs.get("name", level))
        name = str(level) if name == "N." else name
        headers[name] = [texts[i] for i in group[f"{axis}_label{level}"][...]]
        level += 1
    return headers


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def _slashes(name):
    return name.replace("\\", "/")
