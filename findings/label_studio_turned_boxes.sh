#!/usr/bin/env bash
# label-studio-sdk: a box that was turned in Label Studio, exported three ways.
#
# Expectation: COCO and YOLO get the upright box around the turned one, YOLO-OBB its corners.
# Seen with label-studio-sdk 2.1.2, on a picture of 400 x 100 pixels with a square object of
# 40 pixels: the corners of YOLO-OBB are right. COCO turns percentages of the width as if
# they were those of the height: its box of 160 x 10 pixels has an IoU of 1/7 with the
# object. YOLO leaves the angle out: its box lies beside the object, with an IoU of 0.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "label-studio-sdk==2.1.2" "numpy==2.2.6"
cat > "$folder/turned.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from label_studio_sdk.converter import Converter
from PIL import Image

CONFIG = """
<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="car"/></RectangleLabels></View>
"""
root = Path(sys.argv[1])
Image.new("RGB", (400, 100)).save(root / "a.png")
# Turned by 90 degrees about its first corner, which is then the upper right one: the
# object is the square from 160, 20 to 200, 60.
box = {"x": 50, "y": 20, "width": 10, "height": 40, "rotation": 90}
result = {
    "id": "a",
    "type": "rectanglelabels",
    "from_name": "box",
    "to_name": "image",
    "original_width": 400,
    "original_height": 100,
    "image_rotation": 0,
    "value": {**box, "rectanglelabels": ["car"]},
}
annotation = {"id": 1, "completed_by": 1, "result": [result]}
task = {"id": 1, "data": {"image": str(root / "a.png")}, "annotations": [annotation]}
tasks = root / "tasks.json"
tasks.write_text(json.dumps([task]))
converter = Converter(CONFIG, str(root), download_resources=False)
converter.convert_to_coco(str(tasks), str(root / "coco"), is_dir=False)
content = json.loads((root / "coco" / "result.json").read_text())
x, y, width, height = map(round, content["annotations"][0]["bbox"])
found = {"COCO": [x, y, x + width, y + height]}
for kind in ("yolo", "obb"):
    folder = root / kind
    options = {"is_dir": False, "is_obb": kind == "obb"}
    converter.convert_to_yolo(str(tasks), str(folder), **options)
    found[kind] = [float(v) for v in (folder / "labels" / "a.txt").read_text().split()]
_, x, y, width, height = found["yolo"]
corners = x - width / 2, y - height / 2, x + width / 2, y + height / 2
scale = 400, 100, 400, 100
found["yolo"] = [round(v * s) for v, s in zip(corners, scale, strict=True)]
xs, ys = found["obb"][1::2], found["obb"][2::2]
corners = min(xs), min(ys), max(xs), max(ys)
found["obb"] = [round(v * s) for v, s in zip(corners, scale, strict=True)]
print("label-studio-sdk", version("label-studio-sdk"))
print("  object: [160, 20, 200, 60]")
for kind, place in found.items():
    print(f"  {kind}: {place}")
expected = {"COCO": [40, 20, 200, 30], "yolo": [200, 20, 240, 60]}
raise SystemExit(0 if found == {**expected, "obb": [160, 20, 200, 60]} else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/turned.py" "$folder/data"
