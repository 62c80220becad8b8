"""Supervisely's projects: meta.json, and a folder of pictures and json a data set.

Reference: https://docs.supervisely.com/data-organization/00_ann_format_navi.
"""

import collections
import functools
from pathlib import Path

import msgspec

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checked_json import decode
from hrnet_tf.data.formats.image_finder import ImageFinder
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.drawn_boxes import (
    BoxedPicture,
    DrawnObject,
    drawn_box_data,
)
from hrnet_tf.data.formats.tools.label_maps import (
    OutlinedPicture,
    Region,
    label_map_data,
)
from hrnet_tf.data.formats.tools.marks import content_of, files_of, match_of
from hrnet_tf.data.formats.tools.outlines import points_of
from hrnet_tf.data.formats.tools.people import (
    Person,
    Picture,
    limbs_of,
    natural,
    pose_data,
)
from hrnet_tf.data.formats.tools.splits import split_of
from hrnet_tf.data.formats.tools.supervisely_shapes import (
    MetaFile,
    PictureFile,
    box_of,
    mask_of,
    where_of,
)
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.io import read_json
from hrnet_tf.typing import Progress

_META = "meta.json"
_OUTLINES = ("polygon", "bitmap", "rectangle")
_NOTE = "Nodes that are disabled were read as occluded, all others as visible."


class Skeleton(msgspec.Struct):
    """The keypoints of a class: names by the ids of nodes, and pairs of ids."""

    names: dict[str, str]
    edges: list[tuple[str, str]]


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    root = _root(path)
    content = content_of(root / _META, ".json")
    pictures = files_of(root, "*/ann/*.json", "ann/*.json", "**/ann/*.json")
    return match_of(
        (bool(content), f"it is no folder with a {_META}"),
        (b'"classes"' in content, f"its {_META} has no 'classes'"),
        (bool(pictures), "it has no folder 'ann' of json files in its data sets"),
    )


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    root = _root(path)
    meta = decode(read_json(root / _META), MetaFile, str(root / _META))
    bad, left_out = BadExamples(root, skip_bad), LeftOut()
    files = _read_files(root, bad)
    finder = _Finder(images)
    task = task or _guess(files.values())
    if task == "pose":
        return _poses(root, meta, files, finder, bad, left_out, progress)
    if task == "detection":
        return _boxes(root, meta, files, finder, bad, left_out, progress)
    return _outlines(root, meta, files, finder, work, bad, left_out, progress)


def guess(path: Path) -> str:
    """See `ToolFormat`."""
    root = _root(path)
    return _guess(_read_files(root, BadExamples(root, True)).values())


def _guess(files):
    kinds = {entry.geometryType for content in files for entry in content.objects}
    if "graph" in kinds:
        return "pose"
    # Of boxes alone nobody outlined anything.
    return "detection" if kinds == {"rectangle"} else "segmentation"


def _root(path):
    return path.parent if path.name == _META else path


def _read_files(root, bad):
    """The content of each picture's file, by its path."""
    files = {}
    paths = sorted(root.glob("**/ann/*.json"), key=lambda p: natural(str(p)))
    for path in paths:
        try:
            files[path] = decode(read_json(path), PictureFile, str(path))
        except BadExample as error:
            bad.add(error)
        except ValueError as error:
            bad.add(BadExample("wrong file", str(error)))
    if not files:
        raise ValueError(
            f"{root} holds no json of pictures in folders 'ann'; bad:"
            f" {bad.describe() or 'none'}."
        )
    return files


def _size(content):
    sides = content.size.get("height") or None, content.size.get("width") or None
    return None if sides == (None, None) else sides


def _poses(root, meta, files, finder, bad, left_out, progress):
    counts = collections.Counter(
        o.classTitle
        for content in files.values()
        for o in content.objects
        if o.geometryType == "graph"
    )
    if not counts:
        raise ValueError(f"{root} holds no graphs, which are Supervisely's keypoints.")
    title = counts.most_common(1)[0][0]
    for other, count in counts.items():
        if other != title:
            left_out.add("graphs of another class", other, count)
    skeleton = _skeleton(root, meta, title)
    pictures = []
    for path, content in files.items():
        people = []
        try:
            for entry in content.objects:
                if entry.geometryType != "graph":
                    kind = entry.geometryType
                    reason = f"objects of the kind {kind}"
                    left_out.add(reason, path.name, split=_split(path))
                elif entry.classTitle == title:
                    people.append(_person(path, entry, skeleton))
        except BadExample as error:
            bad.add(error)
            continue
        pictures.append(
            Picture(
                str(path),
                finder.of(path),
                people,
                _size(content),
                split=_split(path),
            )
        )
    names = tuple(skeleton.names.values())
    pairs = [(skeleton.names[a], skeleton.names[b]) for a, b in skeleton.edges]
    return pose_data(
        "supervisely",
        root,
        pictures,
        names,
        bad,
        left_out,
        progress,
        notes=(_NOTE,),
        skeleton=limbs_of(pairs, names),
    )


def _skeleton(root, meta, title):
    """Returns the `Skeleton` that meta.json has of a class."""
    where = f"{root / _META}: the class {title!r}"
    entry = next((c for c in meta.classes if c.title == title), None)
    config = (entry.geometry_config if entry else None) or {}
    nodes, edges = config.get("nodes"), config.get("edges") or []
    if not isinstance(nodes, dict) or not nodes:
        raise ValueError(
            f"{where} has no nodes in geometry_config; expected the keypoints' names."
        )
    names = {}
    for number, node in nodes.items():
        label = node.get("label") if isinstance(node, dict) else None
        if not isinstance(label, str | None):
            raise ValueError(f"{where}: the label of a node is {label!r:.80}, no text.")
        names[number] = label or str(number)
    if len(set(names.values())) < len(names):
        raise ValueError(f"{where} has two nodes of one label: {list(names.values())}.")
    pairs = [
        (edge.get("src"), edge.get("dst"))
        for edge in (edges if isinstance(edges, list) else [])
        if isinstance(edge, dict)
    ]
    texts = [p for p in pairs if all(isinstance(end, str) for end in p)]
    return Skeleton(names, [p for p in texts if set(p) <= set(names)])


def _person(path, entry, skeleton):
    points = {}
    for number, node in (entry.nodes or {}).items():
        name = skeleton.names.get(number)
        if name is None:
            raise BadExample(
                "unknown node",
                f"{path}: the graph {entry.classTitle!r} has the node {number!r}, which"
                f" {_META} does not know.",
            )
        (place,) = points_of(f"{path}: the node {name!r}", [node.loc], 1)
        points[name] = (*place.tolist(), 1 if node.disabled else 2)
    return Person(points)


def _split(path):
    return split_of(path.parent.parent.name)


def _outlines(root, meta, files, finder, work, bad, left_out, progress):
    pictures = []
    for path, content in files.items():
        regions = []
        try:
            for entry in content.objects:
                if entry.geometryType in _OUTLINES:
                    regions.append(Region(entry.classTitle, mask_of(path, entry)))
                else:
                    kind = entry.geometryType
                    reason = f"objects of the kind {kind}"
                    left_out.add(reason, path.name, split=_split(path))
        except BadExample as error:
            bad.add(error)
            continue
        pictures.append(
            OutlinedPicture(
                str(path),
                finder.of(path),
                regions,
                _size(content),
                split=_split(path),
            )
        )
    used = {r.label for p in pictures for r in p.regions}
    return label_map_data(
        "supervisely",
        root,
        pictures,
        work,
        bad,
        left_out,
        progress,
        names=[c.title for c in meta.classes if c.title in used],
        palette=_palette(meta),
    )


def _boxes(root, meta, files, finder, bad, left_out, progress):
    pictures = []
    for path, content in files.items():
        objects, split = [], _split(path)
        for entry in content.objects:
            kind = entry.geometryType
            if kind in _OUTLINES:
                box = functools.partial(box_of, path, entry)
                where = where_of(path, entry)
                outlined = kind != "rectangle"
                objects.append(DrawnObject(where, entry.classTitle, box, outlined))
            else:
                left_out.add(f"objects of the kind {kind}", path.name, split=split)
        find, size = finder.of(path), _size(content)
        pictures.append(BoxedPicture(str(path), find, objects, size, split=split))
    names = [c.title for c in meta.classes if c.shape not in ("graph", "point")]
    return drawn_box_data("supervisely", root, pictures, bad, left_out, progress, names)


def _palette(meta):
    palette = {}
    for entry in meta.classes:
        try:
            colour = bytes.fromhex((entry.color or "").removeprefix("#"))
        except ValueError:
            continue
        if len(colour) == 3:
            palette[entry.title] = tuple(colour)
    return palette


class _Finder:
    """Finds pictures in the folder 'img' beside 'ann', or under a given one."""

    def __init__(self, images):
        self._images = images
        self._finders: dict = {}

    def of(self, path):
        """Returns the function that finds the picture of a json file."""

        def find():
            folder = self._images or path.parent.parent
            if self._images is None and (folder / "img").is_dir():
                folder = folder / "img"
            if folder not in self._finders:
                self._finders[folder] = ImageFinder(folder)
            # The json is called as the picture with .json behind.
            return self._finders[folder].find(path.stem)

        return find


FORMAT = ToolFormat(
    name="supervisely",
    title="Supervisely",
    tasks=("pose", "segmentation", "detection"),
    match=match,
    read=read,
    guess=guess,
)
