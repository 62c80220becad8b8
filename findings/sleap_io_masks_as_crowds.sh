#!/usr/bin/env bash
# sleap-io: masks of objects, saved as COCO's json.
#
# Expectation: a mask that a person drew of one object is an object: "iscrowd" is 0, as
# that of poses and boxes in the same file. COCO's 1 means a group that nobody told apart,
# which training leaves out and a test ignores.
# Seen with sleap-io 0.9.5 and pycocotools 2.0.11: every mask gets "iscrowd": 1, since it is
# stored as runs of pixels. With the very masks as predictions pycocotools finds nothing to
# test, and gives -1 for each of its numbers instead of 1; with 0 they are 1.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sleap-io==0.9.5" "imageio==2.38.1" "numpy==2.2.6" \
    "pycocotools==2.0.11"
cat > "$folder/masks.py" <<'PYTHON'
import contextlib
import io
import json
import sys
from importlib.metadata import version
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import sleap_io
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

root = Path(sys.argv[1])
imageio.imwrite(root / "a.png", np.zeros((60, 100, 3), np.uint8))
video = sleap_io.load_video([str(root / "a.png")])
frame = sleap_io.LabeledFrame(video, 0)
for x in (5, 55):
    mask = np.zeros((60, 100), bool)
    mask[10:50, x : x + 40] = True
    frame.masks.append(sleap_io.UserSegmentationMask.from_numpy(mask, category="mouse"))
sleap_io.save_coco(sleap_io.Labels([frame]), str(root / "coco.json"))
content = json.loads((root / "coco.json").read_text())
crowds = [annotation["iscrowd"] for annotation in content["annotations"]]


def average_precision(content):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = json.loads(json.dumps(content))
        truth.createIndex()
        found = [
            {
                "image_id": annotation["image_id"],
                "category_id": annotation["category_id"],
                "segmentation": truth.annToRLE(annotation),
                "score": 0.9,
            }
            for annotation in truth.loadAnns(truth.getAnnIds())
        ]
        test = COCOeval(truth, truth.loadRes(found), "segm")
        test.evaluate()
        test.accumulate()
        test.summarize()
    return round(float(test.stats[0]), 3)


as_written = average_precision(content)
for annotation in content["annotations"]:
    annotation["iscrowd"] = 0
as_objects = average_precision(content)
print("sleap-io", sleap_io.__version__, "pycocotools", version("pycocotools"))
print("  iscrowd of two masks:", crowds)
print("  AP of the very masks:", as_written, "as written,", as_objects, "as objects")
raise SystemExit(0 if (crowds, as_written, as_objects) == ([1, 1], -1, 1) else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/masks.py" "$folder/data"
