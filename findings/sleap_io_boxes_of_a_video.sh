#!/usr/bin/env bash
# sleap-io: boxes on the frames of a video, saved as a data set of YOLO.
#
# Expectation: save_ultralytics(task="detect") writes a picture and a label file for each
# labelled frame, as it does for poses.
# Seen with sleap-io 0.9.5: of each video only the first frame is written, and the boxes of
# all frames are its labels. Of five frames with one object that moves on, a single picture
# with five objects is left, four of them where nothing is. Nothing is said.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "sleap-io==0.9.5" "imageio==2.38.1" "numpy==2.2.6"
cat > "$folder/boxes.py" <<'PYTHON'
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import sleap_io

root = Path(sys.argv[1])
names, frames = [str(root / f"{i}.png") for i in range(5)], []
for i, name in enumerate(names):
    imageio.imwrite(name, np.full((60, 100, 3), 20 * i, np.uint8))
video = sleap_io.load_video(names)
for i in range(5):
    frame = sleap_io.LabeledFrame(video, i)
    box = sleap_io.UserBoundingBox.from_xywh(20 * i, 30, 10, 20, category="mouse")
    frame.bboxes.append(box)
    frames.append(frame)
labels = sleap_io.Labels(frames)
one = {"train": 1.0}
sleap_io.save_ultralytics(
    labels, str(root / "yolo"), split_ratios=one, task="detect", verbose=False
)
files = sorted((root / "yolo" / "train" / "labels").iterdir())
pictures = sorted((root / "yolo" / "train" / "images").iterdir())
print("sleap-io", sleap_io.__version__)
print(f"  5 frames with a box each: {len(pictures)} pictures, {len(files)} label files")
for file in files:
    print(f"  {file.name}:", *file.read_text().splitlines(), sep="\n    ")
rows = [line.split() for line in files[0].read_text().splitlines()]
together = len(files) == len(pictures) == 1 and len(rows) == 5
centres = [round(100 * float(row[1])) for row in rows]
raise SystemExit(0 if together and centres == [5, 25, 45, 65, 85] else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/boxes.py" "$folder/data"
