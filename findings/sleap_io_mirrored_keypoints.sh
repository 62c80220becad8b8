#!/usr/bin/env bash
# sleap-io: a skeleton with symmetric nodes, saved as a data set of YOLO.
#
# Expectation: the data.yaml of save_ultralytics says in flip_idx which keypoints change
# places in a mirrored picture, by the symmetries of the skeleton. YOLO mirrors half of the
# training pictures, and reads flip_idx to know.
# Seen with sleap-io 0.9.5: flip_idx is 0, 1, 2, ..., though the skeleton says that left_ear
# and right_ear are a pair. Whoever trains with it teaches the network each ear under both
# names. The names themselves are in "node_names"; YOLO's own field is "kpt_names".
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sleap-io==0.9.5" "imageio==2.38.1" "numpy==2.2.6" \
    "pyyaml==6.0.3"
cat > "$folder/mirrored.py" <<'PYTHON'
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import sleap_io
import yaml

root = Path(sys.argv[1])
imageio.imwrite(root / "a.png", np.zeros((60, 100, 3), np.uint8))
video = sleap_io.load_video([str(root / "a.png")])
names = ["nose", "left_ear", "right_ear"]
ears = ("left_ear", "right_ear")
skeleton = sleap_io.Skeleton(list(names), symmetries=[ears], name="mouse")
points = np.array([[50.0, 30], [40, 10], [60, 10]])
mouse = sleap_io.Instance.from_numpy(points, skeleton=skeleton)
labels = sleap_io.Labels([sleap_io.LabeledFrame(video, 0, [mouse])])
sleap_io.save_ultralytics(
    labels, str(root / "yolo"), split_ratios={"train": 1.0}, verbose=False
)
fields = yaml.safe_load((root / "yolo" / "data.yaml").read_text())
pairs = [sorted(pair) for pair in labels.skeleton.symmetry_names]
print("sleap-io", sleap_io.__version__)
print("  symmetries:", pairs)
for field in ("flip_idx", "node_names", "kpt_names"):
    print(f"  {field}:", fields.get(field))
seen = pairs, fields.get("flip_idx"), fields.get("node_names"), "kpt_names" in fields
expected = [["left_ear", "right_ear"]], [0, 1, 2], names, False
raise SystemExit(0 if seen == expected else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/mirrored.py" "$folder/data"
