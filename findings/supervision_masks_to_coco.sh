#!/usr/bin/env bash
# supervision: masks of objects, saved as COCO's polygons.
#
# Expectation: DetectionDataset.as_coco writes polygons that pycocotools, whose format it
# is, paints as the same masks; or runs of pixels, where polygons cannot hold them.
# Seen with supervision 0.31.2 and pycocotools 2.0.11: corners are the centres of the
# outermost pixels, so that each object loses its last row and column. A square of 25
# pixels keeps 24 x 24, a bar of 40 x 3 pixels 39 x 2, which is 65 % of it; "area" is not
# that of the polygon. supervision itself reads the file as the whole mask.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "supervision==0.31.2" "pycocotools==2.0.11"
cat > "$folder/masks.py" <<'PYTHON'
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import supervision as sv
from PIL import Image
from pycocotools.coco import COCO

root = Path(sys.argv[1])
masks = np.zeros((2, 60, 80), bool)
masks[0, 5:30, 5:30] = True
masks[1, 40:43, 10:50] = True
corners = np.array([[5, 5, 29, 29], [10, 40, 49, 42]], float)
(root / "images").mkdir()
picture = str(root / "images" / "a.png")
Image.new("RGB", (80, 60)).save(picture)
objects = sv.Detections(xyxy=corners, mask=masks, class_id=np.array([0, 1]))
data = sv.DetectionDataset(["square", "bar"], [picture], {picture: objects})
data.as_coco(str(root / "copy"), str(root / "coco.json"))
coco = COCO(root / "coco.json")
print("supervision", version("supervision"), "pycocotools", version("pycocotools"))
found = []
for annotation, mask in zip(coco.loadAnns(coco.getAnnIds()), masks, strict=True):
    painted = coco.annToMask(annotation).astype(bool)
    found.append((int(mask.sum()), int(painted.sum()), int((painted & ~mask).sum())))
    print(f"  {mask.sum()} pixels, painted {painted.sum()}, area {annotation['area']}")
again = sv.DetectionDataset.from_coco(
    str(root / "copy"), str(root / "coco.json"), force_masks=True
)
(_, _, read), = list(again)
same = bool((read.mask == masks).all())
print("  read again by supervision:", "the same" if same else "others")
raise SystemExit(0 if found == [(625, 576, 0), (120, 78, 0)] and same else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/masks.py" "$folder/data"
