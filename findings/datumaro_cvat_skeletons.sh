#!/usr/bin/env bash
# datumaro: CVAT's skeletons, saved as COCO's keypoints.
#
# Expectation: a skeleton of CVAT becomes one annotation of COCO: its points in the order of
# the skeleton, hidden ("occluded") ones with visibility 1, absent ("outside") ones with 0.
# Seen with datumaro 1.13.12: two people of three points become six annotations of one point
# each and the box 0 x 0, in categories named as the points; "person" has no keypoints.
# All are visible (2), also the hidden one, and the absent one where CVAT parked it. Neither
# import nor export says a word.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "datumaro==1.13.12" "numpy==2.2.6"
mkdir -p "$folder/cvat/images"
cat > "$folder/cvat/annotations.xml" <<'XML'
<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><labels>
    <label><name>person</name><type>skeleton</type><attributes></attributes></label>
    <label><name>head</name><type>points</type><attributes></attributes>
      <parent>person</parent></label>
    <label><name>hand</name><type>points</type><attributes></attributes>
      <parent>person</parent></label>
    <label><name>foot</name><type>points</type><attributes></attributes>
      <parent>person</parent></label>
  </labels></task></meta>
  <image id="0" name="a.png" width="200" height="100">
    <skeleton label="person" source="manual" z_order="0">
      <points label="head" occluded="0" outside="0" points="20.00,10.00"></points>
      <points label="hand" occluded="1" outside="0" points="30.00,40.00"></points>
      <points label="foot" occluded="0" outside="1" points="25.00,90.00"></points>
    </skeleton>
    <skeleton label="person" source="manual" z_order="0">
      <points label="head" occluded="0" outside="0" points="120.00,10.00"></points>
      <points label="hand" occluded="0" outside="0" points="130.00,40.00"></points>
      <points label="foot" occluded="0" outside="0" points="125.00,90.00"></points>
    </skeleton>
  </image>
</annotations>
XML
cat > "$folder/skeletons.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from datumaro import Dataset
from PIL import Image

root = Path(sys.argv[1])
Image.new("RGB", (200, 100)).save(root / "cvat" / "images" / "a.png")
data = Dataset.import_from(str(root / "cvat"), "cvat")
data.export(str(root / "coco"), "coco_person_keypoints")
(file,) = (root / "coco" / "annotations").glob("person_keypoints_*.json")
content = json.loads(file.read_text())
names = {category["id"]: category["name"] for category in content["categories"]}
print("datumaro", version("datumaro"))
print("  keypoints of categories:", [c["keypoints"] for c in content["categories"]])
found = []
for annotation in content["annotations"]:
    name, points = names[annotation["category_id"]], annotation["keypoints"]
    found.append((name, points[2], len(points), annotation["bbox"][2:]))
    print("  ", name, points, "box", annotation["bbox"])
expected = [(name, 2, 3, [0, 0]) for name in 2 * ("head", "hand", "foot")]
raise SystemExit(0 if found == expected else 1)
PYTHON
"$folder/venv/bin/python" "$folder/skeletons.py" "$folder"
