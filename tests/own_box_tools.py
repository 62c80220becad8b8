"""Drawn pictures of fruit with boxes as annotation tools save them."""

import csv
import json

from own_objects import NAMES, SIZE, draw_objects


def written(path, content):
    """Writes a json; returns its path."""
    path.write_text(json.dumps(content))
    return path


def cvat(folder, shapes=None, **draw):
    """CVAT's xml 1.1 for images; `shapes` of each picture in place of the boxes."""
    drawn = draw_objects(folder / "images", **draw)
    labels = "".join(
        f"<label><name>{name}</name><type>rectangle</type></label>" for name in NAMES
    )
    pictures = ""
    for number, (name, objects) in enumerate(drawn.items()):
        boxes = "".join(
            f'<box label="{NAMES[label]}" occluded="0" xtl="{x}" ytl="{y}"'
            f' xbr="{right}" ybr="{bottom}" z_order="0"></box>'
            for label, (x, y, right, bottom) in objects
        )
        pictures += (
            f'<image id="{number}" name="{name}" width="{SIZE[0]}" height="{SIZE[1]}">'
            f"{boxes if shapes is None else shapes}</image>"
        )
    path = folder / "annotations.xml"
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?><annotations><version>1.1</version>'
        f"<meta><job><labels>{labels}</labels></job></meta>{pictures}</annotations>"
    )
    return path


def cvat_video(folder, **draw):
    """CVAT's xml 1.1 for video, of the pictures as its frames."""
    drawn = draw_objects(folder / "images", **draw)
    tracks = ""
    for number, (name, objects) in enumerate(drawn.items()):
        (folder / "images" / name).rename(folder / "images" / f"frame_{number:06d}.PNG")
        for label, (x, y, right, bottom) in objects:
            box = f'xtl="{x}" ytl="{y}" xbr="{right}" ybr="{bottom}"'
            tracks += f'<track id="{len(tracks)}" label="{NAMES[label]}">'
            for frame, outside in ((number, 0), (number + 1, 1)):
                tracks += f'<box frame="{frame}" outside="{outside}" {box}></box>'
            tracks += "</track>"
    path = folder / "annotations.xml"
    path.write_text(
        "<annotations><version>1.1</version><meta><task><original_size>"
        f"<width>{SIZE[0]}</width><height>{SIZE[1]}</height></original_size>"
        f"<source>fruit.mp4</source></task></meta>{tracks}</annotations>"
    )
    return path


def rectangle(label, box, **value):
    """A region of Label Studio."""
    x, y, right, bottom = box
    width, height = SIZE
    place = {
        "x": 100 * x / width,
        "y": 100 * y / height,
        "width": 100 * (right - x) / width,
        "height": 100 * (bottom - y) / height,
        "rotation": 0,
    }
    return region("rectangle", label, {**place, **value})


def region(kind, label, value):
    """A region of any kind."""
    return {
        "id": f"{kind}{label}{sum(value.get('points', [[0]])[0]):.3f}{value.get('x')}",
        "type": f"{kind}labels",
        "from_name": "label",
        "to_name": "image",
        "original_width": SIZE[0],
        "original_height": SIZE[1],
        "image_rotation": 0,
        "value": {**value, f"{kind}labels": [label]},
    }


def label_studio(folder, regions=None, **draw):
    """Label Studio's JSON; `regions` of each picture in place of the boxes."""
    tasks = []
    for number, (name, objects) in enumerate(draw_objects(folder, **draw).items()):
        found = [rectangle(NAMES[label], box) for label, box in objects]
        entry = {"id": number, "result": found if regions is None else regions}
        picture = {"image": f"/data/upload/1/1234abcd-{name}"}
        tasks.append({"id": number, "annotations": [entry], "data": picture})
    return written(folder / "export.json", tasks)


def shape(label, points, kind="rectangle", **fields):
    """A shape of labelme."""
    return {
        "label": label,
        "points": points,
        "group_id": None,
        "shape_type": kind,
        "flags": {},
        **fields,
    }


def labelme(folder, shapes=None, **draw):
    """A json beside each picture; `shapes` in place of the boxes."""
    for name, objects in draw_objects(folder, **draw).items():
        # From the lower right: people draw in any direction.
        boxes = [
            shape(NAMES[label], [[right, bottom], [x, y]])
            for label, (x, y, right, bottom) in objects
        ]
        content = {"version": "5.5.0", "flags": {}, "imagePath": name}
        content |= {"imageData": None, "imageWidth": SIZE[0], "imageHeight": SIZE[1]}
        content["shapes"] = boxes if shapes is None else shapes
        written((folder / name).with_suffix(".json"), content)
    return folder


def via_region(name, label="", **numbers):
    """A region of VIA."""
    return {
        "shape_attributes": {"name": name, **numbers},
        "region_attributes": {"class": label},
    }


def _via_regions(objects):
    return [
        via_region("rect", NAMES[k], x=x, y=y, width=right - x, height=bottom - y)
        for k, (x, y, right, bottom) in objects
    ]


def via(folder, regions=None, **draw):
    """The json of a project of VIA 2; `regions` in place of the boxes."""
    pictures = {
        f"{name}1": {
            "filename": name,
            "size": 1,
            "regions": _via_regions(objects) if regions is None else regions,
        }
        for name, objects in draw_objects(folder, **draw).items()
    }
    return written(folder / "via.json", {"_via_img_metadata": pictures})


def via_csv(folder, **draw):
    """VIA's table with a line for each region."""
    path = folder / "via.csv"
    drawn = draw_objects(folder, **draw)
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["filename", "region_shape_attributes", "region_attributes"])
        for name, objects in drawn.items():
            for found in _via_regions(objects) or [{}]:
                texts = [json.dumps(value) for value in found.values()]
                table.writerow([name, *(texts or ["{}", "{}"])])
    return path


def supervisely(folder, objects=None, **draw):
    """A project of Supervisely; `objects` in place of the boxes."""
    drawn = draw_objects(folder / "fruit" / "img", **draw)
    classes = [{"title": name, "shape": "rectangle"} for name in NAMES]
    written(folder / "meta.json", {"classes": classes})
    (folder / "fruit" / "ann").mkdir()
    size = {"width": SIZE[0], "height": SIZE[1]}
    for name, boxes in drawn.items():
        found = [
            {
                "classTitle": NAMES[k],
                "geometryType": "rectangle",
                "points": {"exterior": [[x, y], [right, bottom]], "interior": []},
            }
            for k, (x, y, right, bottom) in boxes
        ]
        content = {"size": size, "objects": found if objects is None else objects}
        written(folder / "fruit" / "ann" / f"{name}.json", content)
    return folder


BOXES = {
    "cvat": cvat,
    "cvat video": cvat_video,
    "label_studio": label_studio,
    "labelme": labelme,
    "via": via,
    "via csv": via_csv,
    "supervisely": supervisely,
}
