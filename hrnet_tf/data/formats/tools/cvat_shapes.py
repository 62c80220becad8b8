"""What CVAT's xml 1.1 holds, of images and of videos alike."""

import dataclasses
import html
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import FARTHEST
from hrnet_tf.data.left_out import LeftOut

SHAPES = ("skeleton", "points", "polygon", "mask", "box", "ellipse", "tag")


@dataclasses.dataclass
class Shape:
    """Something drawn on a frame, or said of it (a tag).

    Attributes:
        kind: str, of `SHAPES`.
        label: str.
        fields: dict of str to str, the element's attributes.
        parts: list of `Shape`, the points of a skeleton.
        group: str. What was grouped by hand has the same; "" where nothing was.
    """

    kind: str
    label: str
    fields: dict
    parts: list
    group: str = ""

    @property
    def occluded(self) -> bool:
        """Whether it is marked as hidden by something."""
        return self.fields.get("occluded") == "1"

    @property
    def outside(self) -> bool:
        """Whether it is not in the frame, or not labelled."""
        return self.fields.get("outside") == "1"


@dataclasses.dataclass
class Frame:
    """A picture of a task, or a frame of its video.

    Attributes:
        name: str. The picture's name; "" for frames of a video.
        number: int. The frame's number, from 0.
        size: (height, width) in px, or None.
        shapes: list of `Shape`.
        subset: str. Such as "Train"; "" where there is none.
        video: str. The video's name; "" for pictures.
    """

    name: str
    number: int
    size: tuple | None
    shapes: list
    subset: str = ""
    video: str = ""


@dataclasses.dataclass
class CvatFile:
    """An annotations.xml.

    Attributes:
        frames: list of `Frame`.
        parts: dict of a skeleton's label to the names of its points, in their order.
        limbs: dict of a skeleton's label to pairs of names.
        colors: dict of a label to its "#rrggbb".
        types: dict of a label to what may be drawn of it: "any", "rectangle", ...; ""
            where older files do not tell. Points of skeletons are not among them.
    """

    frames: list
    parts: dict
    limbs: dict
    colors: dict
    types: dict


def read_file(path: Path, left_out: LeftOut, bad: BadExamples) -> CvatFile:
    """Reads an annotations.xml of "CVAT for images 1.1" or "CVAT for video 1.1".

    Args:
        path: `Path`.
        left_out: `LeftOut`, which gets shapes that are not read.
        bad: `BadExamples`, which gets pictures and shapes whose size or frame is no
            number.
    Returns:
        `CvatFile`.
    Raises:
        ValueError: if it is no such file.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ValueError(f"{path} is no complete xml file: {error}.") from error
    if root.tag != "annotations":
        raise ValueError(
            f"{path} begins with <{root.tag}>; expected <annotations> of CVAT."
        )
    parts, limbs, colors = _labels(root)
    frames = []
    for element in root.iter("image"):
        try:
            frames.append(_image(path, element, left_out))
        except BadExample as error:
            bad.add(error)
    frames += _tracked(path, root, left_out, bad)
    return CvatFile(frames, parts, limbs, colors, _types(root))


def _types(root):
    """What may be drawn of each label."""
    labels = [e for e in root.iter("label") if e.findtext("name")]
    return {
        str(label.findtext("name")): label.findtext("type") or ""
        for label in labels
        if not label.findtext("parent")
    }


def numbers_of(shape: Shape, name: str, field: str = "points") -> np.ndarray:
    """Returns the places of a shape, `[N, 2]`, 0-based px.

    CVAT counts from the corner of the picture; half a pixel is taken off, so that the
    centre of the first pixel is at 0, 0.

    Raises:
        BadExample: if they are no pairs of finite numbers.
    """
    text = shape.fields.get(field, "")
    try:
        pairs = [[float(v) for v in pair.split(",")] for pair in text.split(";")]
        points = np.array(pairs)
    except ValueError:
        points = np.zeros(0)
    # Three numbers between semicolons are no place, whatever comes next.
    if points.shape[1:] != (2,) or not (np.abs(points) < FARTHEST).all():
        raise BadExample(
            f"wrong {field}",
            f"{name}: the {shape.kind} {shape.label!r} is at {text!r:.80}; expected"
            " pairs such as 10.5,20.5;30,40.",
        )
    return points - 0.5


def _labels(root):
    """Points and limbs of skeletons' labels, and the colours of all."""
    parts, limbs, colors, svgs = {}, {}, {}, {}
    for label in root.iter("label"):
        if label.find("name") is None:
            continue
        name = label.findtext("name", "")
        parent = label.findtext("parent")
        if parent:
            parts.setdefault(parent, []).append(name)
        elif label.findtext("color"):
            colors[name] = label.findtext("color")
        if label.findtext("type") == "skeleton":
            parts.setdefault(name, [])
            svg = label.find("svg")
            svgs[name] = "" if svg is None else _inner(svg)
    for name, svg in svgs.items():
        order, limbs[name] = _drawing(svg)
        known = parts[name]
        if sorted(order) == sorted(known) or not known:
            parts[name] = order
        parts[name] = list(dict.fromkeys(parts[name]))
    return parts, limbs, colors


def _inner(element):
    """The drawing of a skeleton, whether it is escaped or not."""
    inside = "".join(ElementTree.tostring(e, "unicode") for e in element)
    return (element.text or "") + inside


def _drawing(svg):
    """The names of a drawn skeleton's points in order of their numbers, and limbs."""
    nodes, edges = {}, []
    for tag in re.findall(r"<[^<>]+>", svg):
        pairs = re.findall(r"""([\w-]+)=(?:"([^"]*)"|'([^']*)')""", tag)
        fields = {key: one or other for key, one, other in pairs}
        if "data-label-name" in fields and "data-node-id" in fields:
            nodes[fields["data-node-id"]] = html.unescape(fields["data-label-name"])
        if "data-node-from" in fields and "data-node-to" in fields:
            edges.append((fields["data-node-from"], fields["data-node-to"]))
    ids = sorted(
        nodes, key=lambda i: (not i.isdecimal(), int(i) if i.isdecimal() else i)
    )
    pairs = [(nodes[a], nodes[b]) for a, b in edges if a in nodes and b in nodes]
    return [nodes[i] for i in ids], pairs


def _image(path, element, left_out):
    name = element.get("name", "")
    if not name:
        raise BadExample(
            "image without name",
            f"{path}: the image {element.get('id')!r} has no name. Expected that of the"
            " picture's file.",
        )
    shapes = []
    for child in element:
        shape = _shape(child, name, left_out)
        if shape is not None:
            shapes.append(shape)
    return Frame(
        name,
        0,
        _size(element, name),
        shapes,
        element.get("subset", ""),
    )


def _tracked(path, root, left_out, bad):
    """The frames that the tracks of videos have shapes on."""
    videos = _videos(path, root)
    frames = {}
    for track in root.iter("track"):
        video, size = videos.get(track.get("task_id"), videos[None])
        subset = track.get("subset", "")
        for child in track:
            where = f"frame {child.get('frame')} of {video or 'the video'}"
            shape = _shape(child, where, left_out, track.get("label"))
            # The mark that ends a track.
            gone = shape is None or shape.outside
            if gone or (shape.parts and all(part.outside for part in shape.parts)):
                continue
            number = child.get("frame") or ""
            if not number.isdecimal():
                bad.add(
                    BadExample(
                        "wrong frame",
                        f"{path}: a {shape.kind} of {shape.label!r} is on the frame"
                        f" {number!r}; expected a whole number.",
                    )
                )
                continue
            key = (video, int(number))
            if key not in frames:
                frames[key] = Frame("", key[1], size, [], subset, video)
            shape.group = _group(track)
            frames[key].shapes.append(shape)
    return [frames[key] for key in sorted(frames)]


def _videos(path, root):
    """Name and size of each task's video; under None those of the only one."""
    videos = {}
    for task in [*root.iter("task"), *root.iter("job")]:
        size = task.find("original_size")
        if size is None:
            size = root.find("meta/original_size")
        known = _sides(
            f"{path}: original_size",
            *(None if size is None else size.findtext(s) for s in ("height", "width")),
        )
        source = task.findtext("source") or root.findtext("meta/source")
        videos[task.findtext("id")] = (source or task.findtext("name") or "", known)
    videos[None] = next(iter(videos.values()), ("", None))
    return videos


def _shape(element, where, left_out, label=None):
    if element.tag not in SHAPES:
        if element.tag != "attribute":
            left_out.add(f"shapes of the kind {element.tag}", where)
        return None
    label = element.get("label", label)
    parts = []
    if element.tag == "skeleton":
        parts = [_shape(e, where, left_out) for e in element if e.tag == "points"]
    group = _group(element)
    return Shape(element.tag, label or "", dict(element.attrib), parts, group)


def _group(element):
    group = element.get("group_id") or ""
    return "" if group == "0" else group


def _size(element, name):
    return _sides(f"{name}: its size", element.get("height"), element.get("width"))


def _sides(where, height, width):
    """(height, width) in px; None where they are not told."""
    if not height or not width:
        return None
    if not (height.strip().isdecimal() and width.strip().isdecimal()):
        raise BadExample(
            "wrong size",
            f"{where} is {width!r} by {height!r} (width by height); expected whole"
            " numbers of pixels.",
        )
    return int(height), int(width)
