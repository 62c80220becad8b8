"""Exports of two pictures with every kind of shape that a tool draws on them."""

import base64
import zlib

import numpy as np
import own_box_tools as tools
from drawn_tools import png
from own_objects import SIZE, draw_objects

RING = [[20, 40], [30, 30], [50, 45], [40, 60]]
BOX = (20, 30, 50, 60)


def mask():
    """The bytes of a PNG that is set on its diagonal."""
    return png(np.eye(6, 5, dtype=bool))


def cvat(folder):
    """Turned boxes, polygons, ellipses, masks, points and tags."""
    ring = ";".join(f"{x},{y}" for x, y in RING)
    return tools.cvat(
        folder,
        '<box label="pear" xtl="30" ytl="40" xbr="50" ybr="50" rotation="90"></box>'
        f'<polygon label="apple" occluded="0" points="{ring}"></polygon>'
        '<ellipse label="pear" cx="40" cy="45" rx="10" ry="5" rotation="9"></ellipse>'
        '<mask label="apple" left="3" top="4" width="5" height="6" rle="2,28"></mask>',
        count=2,
    )


def cvat_people(folder):
    """Skeletons and boxes in groups."""
    points = "".join(
        f'<points label="{name}" outside="0" occluded="{k}" points="{9 + k},7"/>'
        for k, name in enumerate(("tip", "ear"))
    )
    box = '<box label="bird" xtl="3" ytl="4" xbr="50" ybr="50" group_id="1"></box>'
    shapes = f'{box}<skeleton label="bird" group_id="1">{points}</skeleton>'
    return tools.cvat(folder, shapes, count=2)


def cvat_tags(folder):
    return tools.cvat(folder, '<tag label="ripe"></tag>', count=2)


def brush_stream(values):
    """The numbers of Label Studio's brush: a run of equal values after the other."""
    bits = f"{len(values):032b}{7:05b}{1:04b}{4:04b}{8:04b}{15:04b}"
    edges = np.flatnonzero(np.diff(values)) + 1
    for run in np.split(values, edges):
        # Numbers of 16 bits; those of two values are written one by one.
        if len(run) == 2:
            bits += f"000{1:02b}{run[0]:08b}{run[1]:08b}"
        else:
            bits += f"111{len(run) - 1:016b}{run[0]:08b}"
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def label_studio_regions():
    percent = 100 / np.array(SIZE)
    place = {"x": 40 * percent[0], "y": 45 * percent[1]}
    ellipse = {**place, "radiusX": 10 * percent[0], "radiusY": 5 * percent[1]}
    return [
        tools.rectangle("pear", BOX, rotation=9),
        tools.region("polygon", "apple", {"points": (RING * percent).tolist()}),
        tools.region("ellipse", "pear", {**ellipse, "rotation": 9}),
    ]


def label_studio(folder):
    """Turned rectangles, polygons, ellipses and brushes."""
    values = np.zeros((SIZE[1], SIZE[0], 4), int)
    values[4:10, 3:8] = 255
    rle = {"format": "rle", "rle": brush_stream(values.ravel())}
    painted = tools.region("brush", "apple", rle)
    regions = [*label_studio_regions(), painted]
    return tools.label_studio(folder, regions, count=2)


def label_studio_people(folder):
    """Keypoints under boxes, related to them, or said to be hidden."""
    places = [("tip", 30, 40), ("ear", 50, 60)]
    points = [
        tools.region("keypoint", name, {"x": x, "y": y, "width": 0.3})
        for name, x, y in places
    ]
    box = tools.rectangle("bird", BOX)
    points[0]["parentID"] = box["id"]
    related = {"type": "relation", "from_id": points[1]["id"], "to_id": box["id"]}
    said = {"id": points[1]["id"], "type": "choices", "from_name": "seen"}
    said["value"] = {"choices": ["occluded"]}
    return tools.label_studio(folder, [box, *points, related, said], count=2)


def label_studio_classes(folder):
    said = {"id": "q", "type": "choices", "from_name": "kind", "to_name": "image"}
    said["value"] = {"choices": ["ripe"]}
    return tools.label_studio(folder, [said], count=2)


def label_studio_min(folder):
    """JSON_MIN, whose regions are flat."""
    entries = []
    for number, name in enumerate(draw_objects(folder, count=2)):
        values = [
            {**{k: v for k, v in r.items() if k.startswith("original")}, **r["value"]}
            for r in label_studio_regions()
        ]
        entry = {"id": number, "annotator": 1, "image": f"/data/upload/1/{name}"}
        entries.append({**entry, "label": values, "kind": {"choices": ["ripe"]}})
    return tools.written(folder / "export.json", entries)


def labelme(folder):
    """Polygons, circles, rectangles and masks, one object of two parts."""
    text = base64.b64encode(mask()).decode()
    shapes = [
        tools.shape("apple", RING, "polygon"),
        tools.shape("pear", [[40, 45], [45, 45]], "circle"),
        tools.shape("pear", [[3, 4], [7, 9]], "mask", mask=text),
        tools.shape("apple", [[20, 30], [25, 35]], group_id=1),
        tools.shape("apple", [[45, 55], [50, 60]], group_id=1),
    ]
    return tools.labelme(folder, shapes, count=2)


def via(folder):
    """Polygons, ellipses, circles and rectangles."""
    xs, ys = map(list, zip(*RING, strict=True))
    regions = [
        tools.via_region("polygon", "apple", all_points_x=xs, all_points_y=ys),
        tools.via_region("ellipse", "pear", cx=40, cy=45, rx=10, ry=5, theta=0.1),
        tools.via_region("circle", "pear", cx=40, cy=45, r=5),
        tools.via_region("rect", "pear", x=1, y=2, width=3, height=4),
    ]
    return tools.via(folder, regions, count=2)


def via_project(folder):
    """All shapes of a project of version 3, but points."""
    drawn = draw_objects(folder, count=2)
    ring = [value for corner in RING for value in corner]
    shapes = [
        [2, 20, 30, 30, 30],
        [3, 40, 45, 5],
        [4, 40, 45, 10, 5],
        [7, *ring],
        [8, *ring],
        [9, 20, 40, 30, 30, 50, 45],
    ]
    content = {"project": {"vid_list": []}, "config": {}, "metadata": {}}
    content |= {"file": {}, "view": {}}
    options = {"0": "apple", "1": "pear"}
    content["attribute"] = {"1": {"aname": "class", "type": 4, "options": options}}
    for number, name in enumerate(drawn, 1):
        file = {"fid": str(number), "fname": name, "type": 2, "src": name}
        content["file"][str(number)] = file
        content["view"][str(number)] = {"fid_list": [str(number)]}
        for k, xy in enumerate(shapes):
            entry = {"vid": str(number), "flg": 0, "z": [], "xy": xy}
            entry["av"] = {"1": str(k % 2)}
            content["metadata"][f"{number}_{k}"] = entry
    return tools.written(folder / "project.json", content)


def supervisely(folder):
    """Polygons with holes, bitmaps and rectangles."""
    text = base64.b64encode(zlib.compress(mask())).decode()
    hole = [[30, 40], [33, 40], [33, 43]]
    objects = [
        {
            "classTitle": "apple",
            "geometryType": "polygon",
            "points": {"exterior": RING, "interior": [hole]},
        },
        {
            "classTitle": "pear",
            "geometryType": "bitmap",
            "bitmap": {"data": text, "origin": [3, 4]},
        },
        {
            "classTitle": "pear",
            "geometryType": "rectangle",
            "points": {"exterior": [[1, 2], [9, 9]], "interior": []},
        },
    ]
    return tools.supervisely(folder, objects, count=2)


SHAPES = {
    "cvat shapes": cvat,
    "label_studio shapes": label_studio,
    "label_studio min": label_studio_min,
    "labelme shapes": labelme,
    "via shapes": via,
    "via 3 shapes": via_project,
    "supervisely shapes": supervisely,
}
PEOPLE = {"cvat people": cvat_people, "label_studio people": label_studio_people}
CLASSES = {"cvat tags": cvat_tags, "label_studio choices": label_studio_classes}
