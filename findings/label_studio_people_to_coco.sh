#!/usr/bin/env bash
# label-studio-sdk: keypoints of several people in a picture, exported as COCO.
#
# Expectation: as many annotations with keypoints as people. Label Studio puts keypoints
# under a person's box ("parentID"), and the same converter writes a line each for YOLO.
# Seen with label-studio-sdk 2.1.2: COCO gets one annotation with keypoints a picture, in
# which the points of later people replace those of earlier ones, without a word. Where the
# last person lacks a point, somebody else's is taken: the head of one and the foot of
# another are a person. Coordinates are whole pixels, there is no "area", and the boxes are
# of another category.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "label-studio-sdk==2.1.2" "numpy==2.2.6"
cat > "$folder/people.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from label_studio_sdk.converter import Converter
from PIL import Image

CONFIG = """
<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="person"/></RectangleLabels>
<KeyPointLabels name="points" toName="image">
<Label value="head" model_index="0"/><Label value="foot" model_index="1"/>
</KeyPointLabels></View>
"""
root = Path(sys.argv[1])
Image.new("RGB", (400, 100)).save(root / "a.png")
results = []


def label(id, kind, parent=None, **value):
    results.append(
        {
            "id": id,
            "type": f"{kind}labels",
            "from_name": {"rectangle": "box", "keypoint": "points"}[kind],
            "to_name": "image",
            "original_width": 400,
            "original_height": 100,
            "image_rotation": 0,
            "value": value,
            **({"parentID": parent} if parent else {}),
        }
    )


# Two people of 20 % of the width; the head of the second is hidden.
for person, x, names in (("a", 10, ("head", "foot")), ("b", 60, ("foot",))):
    box = {"x": x, "y": 10, "width": 20, "height": 80, "rotation": 0}
    label(person, "rectangle", **box, rectanglelabels=["person"])
    for name in names:
        place = {"x": x + 10.1, "y": {"head": 20, "foot": 85}[name], "width": 0.5}
        label(person + name, "keypoint", person, **place, keypointlabels=[name])
annotation = {"id": 1, "completed_by": 1, "result": results}
task = {"id": 1, "data": {"image": str(root / "a.png")}, "annotations": [annotation]}
tasks = root / "tasks.json"
tasks.write_text(json.dumps([task]))
converter = Converter(CONFIG, str(root), download_resources=False)
converter.convert_to_coco(str(tasks), str(root / "coco"), is_dir=False)
converter.convert_to_yolo(str(tasks), str(root / "yolo"), is_dir=False)
content = json.loads((root / "coco" / "result.json").read_text())
posed = [a for a in content["annotations"] if "keypoints" in a]
lines = (root / "yolo" / "labels" / "a.txt").read_text().splitlines()
print("label-studio-sdk", version("label-studio-sdk"))
print("  labelled: head 80.4, 20 and foot 80.4, 85; foot 280.4, 85")
print("  COCO:", [a["keypoints"] for a in posed], "area:", "area" in posed[0])
print("  YOLO:", *lines, sep="\n    ")
merged = [a["keypoints"] for a in posed] == [[80, 20, 2, 280, 85, 2]]
raise SystemExit(0 if merged and len(lines) == 2 and "area" not in posed[0] else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/people.py" "$folder/data"
