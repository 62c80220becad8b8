"""Poses as a project of DeepLabCut: tables in labeled-data, and config.yaml."""

from pathlib import Path

import numpy as np

from hrnet_tf.data.formats.tools.writers.predicted import (
    AUTHOR,
    found_in,
    put_pictures,
)
from hrnet_tf.extras import import_extra
from hrnet_tf.io import replacing, write_bytes

_LABELS = "labeled-data"


def write(predictions: dict, out: Path, images: Path | None = None) -> list:
    """See `ToolFormat.write`: labeled-data/ with pictures and tables, and config.yaml.

    The tables are written by pandas, as DeepLabCut's own are; with more than one
    animal in any picture they are those of a project of several.
    """
    pandas = import_extra("pandas", "Writing tables of DeepLabCut")
    import_extra("tables", "Writing tables of DeepLabCut")
    yaml = import_extra("yaml", "Writing config.yaml of DeepLabCut")
    found = found_in(predictions, images)
    several = max(len(picture.people) for picture in found.pictures)
    files = put_pictures(found, out / _LABELS, as_png=True)
    groups: dict = {}
    for picture, file in zip(found.pictures, files, strict=True):
        folder = file.parent / picture.group
        folder.mkdir(exist_ok=True)
        file.rename(folder / file.name)
        groups.setdefault(picture.group, []).append((file.name, picture))
    written = []
    for group, rows in groups.items():
        table = _table(pandas, found, group, rows, several)
        path = out / _LABELS / group / f"CollectedData_{AUTHOR}.csv"
        with replacing(path) as beside:
            table.to_csv(beside)
        with replacing(path.with_suffix(".h5")) as beside:
            table.to_hdf(beside, key="df_with_missing", mode="w")
        written += [path, path.with_suffix(".h5")]
    config = out / "config.yaml"
    write_bytes(config, yaml.safe_dump(_config(found, several), sort_keys=False))
    return [config, *written]


def _individuals(several):
    return [f"individual{i}" for i in range(1, several + 1)]


def _table(pandas, found, group, rows, several):
    levels = {"scorer": [AUTHOR], "bodyparts": list(found.names), "coords": ["x", "y"]}
    if several > 1:
        levels = {
            "scorer": [AUTHOR],
            "individuals": _individuals(several),
            "bodyparts": list(found.names),
            "coords": ["x", "y"],
        }
    columns = pandas.MultiIndex.from_product(levels.values(), names=levels)
    index = pandas.MultiIndex.from_tuples([(_LABELS, group, name) for name, _ in rows])
    values = np.full((len(rows), max(several, 1), len(found.names), 2), np.nan)
    for row, (_, picture) in enumerate(rows):
        for i, person in enumerate(picture.people):
            values[row, i, person.placed] = person.points[person.placed]
    return pandas.DataFrame(values.reshape(len(rows), -1), index=index, columns=columns)


def _config(found, several):
    parts = {"bodyparts": list(found.names)}
    if several > 1:
        parts = {
            "individuals": _individuals(several),
            "uniquebodyparts": [],
            "multianimalbodyparts": list(found.names),
            "bodyparts": "MULTI!",
        }
    return {
        "Task": found.category,
        "scorer": AUTHOR,
        "date": "",
        "multianimalproject": several > 1,
        "identity": False,
        "video_sets": {},
        **parts,
        "skeleton": [list(pair) for pair in found.skeleton],
    }
