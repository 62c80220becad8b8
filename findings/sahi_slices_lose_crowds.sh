#!/usr/bin/env bash
# SAHI: a data set of COCO, cut into slices.
#
# Expectation: slice_coco cuts pictures and clips annotations, and keeps what they say.
# Seen with SAHI 0.12.8: every annotation gets "iscrowd": 0. A crowd, which COCO leaves out
# of training and test, is one large object afterwards, whose outline encloses all of it.
# Keypoints are gone, while the category still names them. No word of either; merely
# reading the file (Coco.from_coco_dict_or_path) does the same.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sahi==0.12.8" "numpy==2.4.6"
cat > "$folder/slices.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from PIL import Image
from sahi.slicing import slice_coco
from sahi.utils.coco import Coco

root = Path(sys.argv[1])
Image.new("RGB", (200, 100)).save(root / "a.png")
square = [10, 10, 60, 10, 60, 70, 10, 70]
common = {"image_id": 1, "category_id": 1, "area": 3000}
person = {
    "id": 1,
    "bbox": [10, 10, 50, 60],
    "segmentation": [square],
    "keypoints": [20, 20, 2, 40, 50, 1],
    "num_keypoints": 2,
    "iscrowd": 0,
}
crowd = {
    "id": 2,
    "bbox": [110, 10, 50, 60],
    "segmentation": [[v + 100 * (i % 2 == 0) for i, v in enumerate(square)]],
    "keypoints": [0] * 6,
    "num_keypoints": 0,
    "iscrowd": 1,
}
category = {"id": 1, "name": "person", "keypoints": ["head", "foot"], "skeleton": []}
content = {
    "images": [{"id": 1, "file_name": "a.png", "width": 200, "height": 100}],
    "annotations": [{**common, **person}, {**common, **crowd}],
    "categories": [category],
}
file = root / "coco.json"
file.write_text(json.dumps(content))
sliced, _ = slice_coco(
    str(file),
    str(root),
    output_coco_annotation_file_name="sliced",
    output_dir=str(root / "sliced"),
    slice_height=100,
    slice_width=100,
    overlap_height_ratio=0,
    overlap_width_ratio=0,
    verbose=False,
)
read = Coco.from_coco_dict_or_path(str(file)).json
print("SAHI", version("sahi"))
seen = []
for what, found in (("given", content), ("sliced", sliced), ("read", read)):
    crowds = [a["iscrowd"] for a in found["annotations"]]
    points = sum("keypoints" in a for a in found["annotations"])
    named = found["categories"][0].get("keypoints")
    seen.append((crowds, points))
    print(f"  {what}: iscrowd {crowds}, {points} with keypoints, named {named}")
raise SystemExit(0 if seen == [([0, 1], 2), ([0, 0], 0), ([0, 0], 0)] else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/slices.py" "$folder/data"
