#!/usr/bin/env bash
# sleap-io: keypoints of Label Studio, read twice.
#
# Expectation: load_labelstudio of one file gives the keypoints in one order, that of the
# file or of the alphabet, so that arrays of two runs agree.
# Seen with sleap-io 0.9.5: the names are gathered in a set, whose order is another in each
# Python process. Labels.numpy(), and every file saved from it, has its points in an order
# that changes from run to run: what was trained in one run names noses tails in the next.
# With skeleton=[...] of one's own the order is that one.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sleap-io==0.9.5" "numpy==2.2.6"
cat > "$folder/order.py" <<'PYTHON'
import json
import os
import subprocess
import sys
from pathlib import Path

import sleap_io

path = Path(sys.argv[1])
names = ["nose", "left_ear", "right_ear", "neck", "tail"]
if len(sys.argv) > 2:
    labels = sleap_io.load_labelstudio(str(path), skeleton=json.loads(sys.argv[2]))
    print(json.dumps([labels.skeleton.node_names, labels.numpy()[0, 0, :, 0].tolist()]))
    raise SystemExit
points = [
    {
        "id": name,
        "type": "keypointlabels",
        "from_name": "points",
        "to_name": "image",
        "original_width": 100,
        "original_height": 100,
        "value": {"x": 10 * i, "y": 50, "keypointlabels": [name]},
    }
    for i, name in enumerate(names)
]
video = {"filename": "mouse.mp4", "frame_idx": 0, "shape": [1, 100, 100, 3]}
task = {
    "id": 1,
    "data": {"image": "mouse.png"},
    "meta": {"video": video},
    "annotations": [{"result": points}],
}
path.write_text(json.dumps([task]))


def read(seed, skeleton=None):
    # Without the variable Python takes a random one.
    found = subprocess.run(
        [sys.executable, __file__, str(path), json.dumps(skeleton)],
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(found.stdout)


print("sleap-io", sleap_io.__version__)
found = [read(seed) for seed in range(1, 5)]
for order, x in found:
    print(" ", order, "x", [round(v) for v in x])
orders = {tuple(order) for order, _ in found}
told = {tuple(read(seed, names)[0]) for seed in range(1, 3)}
raise SystemExit(0 if len(orders) > 1 and told == {tuple(names)} else 1)
PYTHON
"$folder/venv/bin/python" "$folder/order.py" "$folder/tasks.json"
