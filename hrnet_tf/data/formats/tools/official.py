"""Files as data sets publish them: MPII's json, the tables and .mat files of faces.

Reference: the layouts of deep-high-resolution-net.pytorch (MPII) and of
HRNet-Facial-Landmark-Detection (300W, WFLW, AFLW, COFW), whose readers recipes use too.
"""

import csv
import functools
from pathlib import Path

from hrnet_tf.data.formats import faces, mpii
from hrnet_tf.data.formats.image_finder import folder_of_images
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.marks import content_of, match_of
from hrnet_tf.data.keypoint_sets import MPII, load_keypoint_set
from hrnet_tf.typing import Progress

# Of PCKh, for the people of valid.json.
_HEADS = ("valid", "gt_valid.mat")
_TABLES = {"300w": 4, "wflw": 4, "aflw": 5}
_SAMPLE = 5


def _match_mpii(path: Path) -> Match:
    content = content_of(path, ".json")[:4096]
    return match_of(
        (bool(content), "it is no .json file"),
        (b'"joints_vis"' in content, "its people have no 'joints_vis'"),
        (b'"center"' in content, "its people have no 'center'"),
    )


def _read_mpii(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    heads = path.parent / _HEADS[1]
    mat = heads if path.stem == _HEADS[0] and heads.is_file() else None
    folder = images or folder_of_images(path, mpii.image_names(path)[:_SAMPLE])
    examples = mpii.load_pose(path, folder, mat, skip_bad, progress)
    return LabelledData("pose", "mpii", path, examples, MPII.names)


def _match_table(name: str, path: Path) -> Match:
    header = _header(path)
    count = _TABLES[name] + 2 * load_keypoint_set(name).num_keypoints
    return match_of(
        (bool(header), "it is no .csv file"),
        ("scale" in header[:2], "its second column is no 'scale'"),
        ("center_w" in header[:5], "it has no column 'center_w'"),
        (len(header) == count, f"it has {len(header)} columns, and {name} {count}"),
    )


def _header(path):
    """The names of a table's columns; [] of anything else."""
    line = content_of(path, ".csv").partition(b"\n")[0]
    try:
        rows = list(csv.reader([line.decode("utf-8-sig").strip()]))
    except (UnicodeDecodeError, csv.Error):
        return []
    return [name.strip() for name in rows[0]] if rows else []


def _read_faces(
    name: str,
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    known = load_keypoint_set(name)
    if images is None:
        # COFW's pictures are in the file: they are written where its recipe does.
        images = path.parent / "images"
        if name != "cofw":
            images = folder_of_images(path, faces.image_names(path)[:_SAMPLE])
    examples = faces.load_faces(path, images, known, name, skip_bad, progress)
    return LabelledData("pose", name, path, examples, known.names)


def _match_cofw(path: Path) -> Match:
    is_mat = path.suffix.lower() == ".mat" and path.is_file()
    return match_of(
        (is_mat, "it is no .mat file"),
        (path.stem.casefold().startswith("cofw"), "its name does not begin with COFW"),
    )


def _format(name, title, match, read):
    told = None if name == "mpii" else "landmarks"
    return ToolFormat(name, title, ("pose",), match, read, told=told)


FORMATS = (
    _format("mpii", "MPII's json", _match_mpii, _read_mpii),
    *(
        _format(
            name,
            f"the table of {name.upper()}",
            functools.partial(_match_table, name),
            functools.partial(_read_faces, name),
        )
        for name in _TABLES
    ),
    _format(
        "cofw",
        "COFW's .mat files",
        _match_cofw,
        functools.partial(_read_faces, "cofw"),
    ),
)
