#!/usr/bin/env bash
# label-studio-sdk: an object that was painted with the brush, exported as COCO.
#
# Expectation: one region of Label Studio is one annotation that covers the same pixels, as
# runs where an outline cannot hold them.
# Seen with label-studio-sdk 2.1.2 and OpenCV 4.12.0: each part of a region is an object of
# its own, its holes are filled, and its outline goes through the centres of the outermost
# pixels. A ring of 1200 pixels around a hole of 400, with a bar of 400 beside it, become
# two objects of 1521 and 351 pixels. Its export of the same region as an array is exact.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "label-studio-sdk==2.1.2" "numpy==2.2.6" \
    "opencv-python-headless==4.12.0.88" "pycocotools==2.0.11"
cat > "$folder/brush.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from label_studio_sdk.converter import Converter
from label_studio_sdk.converter.brush import mask2rle
from PIL import Image
from pycocotools import mask as runs

CONFIG = """
<View><Image name="image" value="$image"/>
<BrushLabels name="brush" toName="image"><Label value="part"/></BrushLabels></View>
"""
root = Path(sys.argv[1])
Image.new("RGB", (100, 60)).save(root / "a.png")
mask = np.zeros((60, 100), np.uint8)
mask[10:50, 10:50] = 255
mask[20:40, 20:40] = 0
mask[10:50, 70:80] = 255
result = {
    "id": "a",
    "type": "brushlabels",
    "from_name": "brush",
    "to_name": "image",
    "original_width": 100,
    "original_height": 60,
    "image_rotation": 0,
    "value": {"format": "rle", "rle": mask2rle(mask), "brushlabels": ["part"]},
}
annotation = {"id": 1, "completed_by": 1, "result": [result]}
task = {"id": 1, "data": {"image": str(root / "a.png")}, "annotations": [annotation]}
tasks = root / "tasks.json"
tasks.write_text(json.dumps([task]))
converter = Converter(CONFIG, str(root), download_resources=False)
for name in ("COCO", "NUMPY"):
    (root / name).mkdir()
    to = f"BRUSH_TO_{name}"
    converter.convert(str(tasks), str(root / name), to, is_dir=False)
content = json.loads((root / "COCO" / "result_coco.json").read_text())
(file,) = (root / "NUMPY").glob("*.npy")
exact = bool(((np.load(file) > 0) == (mask > 0)).all())
painted = []
for found in content["annotations"]:
    outlines = runs.frPyObjects(found["segmentation"], 60, 100)
    painted.append(int(runs.area(runs.merge(outlines))))
print("label-studio-sdk", version("label-studio-sdk"), "OpenCV", cv2.__version__)
print("  one region of", int((mask > 0).sum()), "pixels; as an array exact:", exact)
print("  COCO:", len(painted), "objects of", sorted(painted), "pixels")
raise SystemExit(0 if exact and sorted(painted) == [351, 1521] else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/brush.py" "$folder/data"
