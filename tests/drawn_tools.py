"""Files as annotation tools write them, of two pictures with the same labels.

The people have the points of `drawn_people.NAMES`: the tip is visible, left is hidden
where a tool knows that, right is not labelled. The outline is the square of SQUARE.
"""

import base64
import csv
import io
import json
import zlib

import numpy as np
from drawn_people import HEIGHT, NAMES, WIDTH, coco_content, draw_pictures, write
from PIL import Image

TIP, LEFT = (10.0, 5.0), (12.0, 6.0)
BOX = (5.0, 4.0, 20.0, 10.0)
# Left, top, right and bottom of an outline.
SQUARE = (2, 3, 12, 13)
CORNERS = [[2, 3], [12, 3], [12, 13], [2, 13]]
PICTURES = ("a.png", "b.jpg")


def square():
    """Where the outline is, bool `[HEIGHT, WIDTH]`."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[SQUARE[1] : SQUARE[3], SQUARE[0] : SQUARE[2]] = True
    return mask


def png(mask):
    """A PNG's bytes."""
    file = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(file, "PNG")
    return file.getvalue()


def coco_people(folder):
    draw_pictures(folder, *PICTURES)
    return write(folder / "people.json", coco_content(*PICTURES))


def coco_outlines(folder):
    draw_pictures(folder, *PICTURES)
    content = coco_content(*PICTURES)
    # Ten columns of ten pixels each.
    counts = [63, 10, *[20, 10] * 9, HEIGHT * WIDTH - 343]
    runs = {"size": [HEIGHT, WIDTH], "counts": counts}
    for person, outline in zip(
        content["annotations"], ([[v for p in CORNERS for v in p]], runs), strict=True
    ):
        del person["keypoints"]
        person["segmentation"] = outline
    return write(folder / "outlines.json", content)


def yolo(folder, rows, **fields):
    """A YOLO data set with the same label lines for both pictures."""
    for split, name in zip(("train", "val"), PICTURES, strict=True):
        draw_pictures(folder / "images" / split, name)
        labels = folder / "labels" / split / f"{name[0]}.txt"
        labels.parent.mkdir(parents=True)
        labels.write_text(
            "".join(" ".join(f"{v:.6g}" for v in row) + "\n" for row in rows)
        )
    content = {"path": "/home/me/sets/birds", "train": "images/train"}
    content |= {"val": "images/val", "names": {0: "bird"}, **fields}
    (folder / "data.yaml").write_text(json.dumps(content))
    return folder / "data.yaml"


def yolo_people(folder, **fields):
    x, y, w, h = BOX
    box = [(x + w / 2) / WIDTH, (y + h / 2) / HEIGHT, w / WIDTH, h / HEIGHT]
    points = [TIP[0] / WIDTH, TIP[1] / HEIGHT, 2, LEFT[0] / WIDTH, LEFT[1] / HEIGHT, 1]
    fields = {"kpt_shape": [3, 3], "flip_idx": [0, 2, 1], **fields}
    fields.setdefault("kpt_names", {0: list(NAMES)})
    return yolo(folder, [[0, *box, *points, 0, 0, 0]], **fields)


def yolo_outlines(folder):
    shares = [v for x, y in CORNERS for v in (x / WIDTH, y / HEIGHT)]
    return yolo(folder, [[0, *shares]])


def labelme(folder, shapes, **fields):
    """A folder with a json beside each picture."""
    for name in PICTURES:
        draw_pictures(folder, name)
        content = {"version": "5.5.0", "flags": {}, "shapes": shapes}
        content |= {"imagePath": name, "imageData": None}
        content |= {"imageHeight": HEIGHT, "imageWidth": WIDTH, **fields}
        write(folder / f"{name[0]}.json", content)
    return folder


def labelme_shape(label, points, kind, **fields):
    shape = {"label": label, "points": points, "group_id": None, "description": ""}
    return {**shape, "shape_type": kind, "flags": {}, **fields}


def labelme_people(folder):
    # labelme counts from the corner, so that pixel centres are at halves.
    x, y, w, h = BOX
    corners = [[x + 0.5, y + 0.5], [x + w + 0.5, y + h + 0.5]]
    hidden = {"flags": {"occluded": True}}
    return labelme(
        folder,
        [
            labelme_shape("bird", corners, "rectangle", group_id=1),
            labelme_shape("tip", [[10.5, 5.5]], "point", group_id=1),
            labelme_shape("left", [[12.5, 6.5]], "point", group_id=1, **hidden),
        ],
    )


def labelme_outlines(folder):
    return labelme(folder, [labelme_shape("bird", CORNERS, "polygon")])


def via_regions(kind):
    """Regions of version 2, of points or outlines."""
    if kind == "outlines":
        xs, ys = map(list, zip(*CORNERS, strict=True))
        polygon = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
        return [{"shape_attributes": polygon, "region_attributes": {"class": "bird"}}]
    x, y, w, h = BOX
    box = {"name": "rect", "x": x, "y": y, "width": w, "height": h}
    points = [
        {"name": "point", "cx": place[0], "cy": place[1]} for place in (TIP, LEFT)
    ]
    return [
        {"shape_attributes": box, "region_attributes": {"keypoint": ""}},
        *(
            {"shape_attributes": point, "region_attributes": {"keypoint": name}}
            for point, name in zip(points, NAMES, strict=False)
        ),
    ]


def via_json(folder, kind):
    draw_pictures(folder, *PICTURES)
    pictures = {
        f"{name}1234": {
            "filename": name,
            "size": 1234,
            "regions": via_regions(kind),
            "file_attributes": {},
        }
        for name in PICTURES
    }
    content = {
        "_via_settings": {},
        "_via_img_metadata": pictures,
        "_via_attributes": {},
    }
    return write(folder / "via_project.json", content)


def via_project(folder, kind):
    """A project of version 3."""
    draw_pictures(folder, *PICTURES)
    options = dict(enumerate((*NAMES, "bird")))
    options = {str(number): name for number, name in options.items()}
    number = {name: key for key, name in options.items()}
    polygon = [v for corner in CORNERS for v in corner]
    shapes = {
        "points": [([2, *BOX], ""), ([1, *TIP], NAMES[0]), ([1, *LEFT], NAMES[1])],
        "outlines": [([7, *polygon], "bird")],
    }
    files, views, metadata = {}, {}, {}
    for i, name in enumerate(PICTURES, 1):
        files[str(i)] = {"fid": str(i), "fname": name, "type": 2, "loc": 1, "src": name}
        views[str(i)] = {"fid_list": [str(i)]}
        for j, (xy, label) in enumerate(shapes[kind]):
            av = {"1": number.get(label, "")}
            entry = {"vid": str(i), "flg": 0, "z": [], "xy": xy, "av": av}
            metadata[f"{i}_{j}"] = entry
    attribute = {"aname": "keypoint", "anchor_id": "FILE1_Z0_XY1", "type": 4}
    attribute |= {"desc": "", "options": options, "default_option_id": ""}
    content = {"project": {"pid": "x", "vid_list": list(views)}, "config": {}}
    content |= {"attribute": {"1": attribute}, "file": files, "metadata": metadata}
    return write(folder / "via_project.json", {**content, "view": views})


def via_csv(folder, kind):
    draw_pictures(folder, *PICTURES)
    path = folder / "via_export.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(
            ["filename", "file_size", "file_attributes", "region_count", "region_id"]
            + ["region_shape_attributes", "region_attributes"]
        )
        for name in PICTURES:
            regions = via_regions(kind)
            for number, region in enumerate(regions):
                texts = [json.dumps(value) for value in region.values()]
                table.writerow([name, 1234, "{}", len(regions), number, *texts])
        table.writerow(["empty.png", 1234, "{}", 0, 0, "{}", "{}"])
    return path


def supervisely(folder, objects):
    """A project with a data set for each picture."""
    nodes = {f"id{i}": {"label": name, "loc": [i, i]} for i, name in enumerate(NAMES)}
    edges = [{"src": "id0", "dst": "id1"}, {"src": "id0", "dst": "id2"}]
    graph = {"nodes": nodes, "edges": edges}
    classes = [
        {"title": "wing", "shape": "bitmap", "color": "#0000FF", "geometry_config": {}},
        {"title": "bird", "shape": "any", "color": "#FF8000", "geometry_config": graph},
    ]
    write(
        folder / "meta.json", {"classes": classes, "tags": [], "projectType": "images"}
    )
    for split, name in zip(("train", "val"), PICTURES, strict=True):
        draw_pictures(folder / split / "img", name)
        size = {"height": HEIGHT, "width": WIDTH}
        content = {"description": "", "tags": [], "size": size, "objects": objects}
        write(folder / split / "ann" / f"{name}.json", content)
    return folder


def supervisely_people(folder):
    nodes = {"id0": {"loc": list(TIP)}, "id1": {"loc": list(LEFT), "disabled": True}}
    graph = {"id": 5, "classTitle": "bird", "geometryType": "graph", "nodes": nodes}
    return supervisely(folder, [graph])


def supervisely_outlines(folder):
    hole = [[5, 5], [8, 5], [8, 8], [5, 8]]
    points = {"exterior": CORNERS, "interior": [hole]}
    mask = base64.b64encode(zlib.compress(png(square()[5:8, 5:8]))).decode()
    bitmap = {"data": mask, "origin": [5, 5]}
    return supervisely(
        folder,
        [
            {"classTitle": "bird", "geometryType": "polygon", "points": points},
            {"classTitle": "bird", "geometryType": "bitmap", "bitmap": bitmap},
        ],
    )


PEOPLE = {
    "coco": coco_people,
    "yolo": yolo_people,
    "labelme": labelme_people,
    "via": lambda folder: via_json(folder, "points"),
    "via csv": lambda folder: via_csv(folder, "points"),
    "via 3": lambda folder: via_project(folder, "points"),
    "supervisely": supervisely_people,
}
OUTLINES = {
    "coco": coco_outlines,
    "yolo": yolo_outlines,
    "labelme": labelme_outlines,
    "via": lambda folder: via_json(folder, "outlines"),
    "via csv": lambda folder: via_csv(folder, "outlines"),
    "via 3": lambda folder: via_project(folder, "outlines"),
    "supervisely": supervisely_outlines,
}
