#!/usr/bin/env bash
# movement: tracks of boxes, saved for the VGG Image Annotator (VIA).
#
# Expectation: to_via_tracks_file names for each box the picture that it was found in, as it
# does where time is counted in frames.
# Seen with movement 0.15.0 (0.17.0 has the same lines): of data with a frame rate, whose time
# is in seconds, frame numbers are time x rate, cut off to whole numbers. 29 / 25 s x 25 is
# 28.999..., so that the box of frame 29 is put on the picture of frame 28, beside its own,
# and picture 29 has none. Of the first thousand frames that are 69 at 25, 50 and 100 frames
# a second and 18 at 30 and 60; nothing is said. to_sleap_analysis_file, of the same package,
# rounds.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "movement==0.15.0" "numpy==2.4.6"
cat > "$folder/frames.py" <<'PYTHON'
import csv
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from movement.io import load_bboxes, save_bboxes

path = Path(sys.argv[1]) / "tracks.csv"
COUNT = 1000


def wrong_frames(fps):
    """The frames whose box is on another picture, as (frame, picture)."""
    # One animal, whose centre is x = 10 + frame: a box says which frame it is of.
    places = np.stack([10.0 + np.arange(COUNT), np.full(COUNT, 50.0)], 1)[..., None]
    data = load_bboxes.from_numpy(
        position_array=places,
        shape_array=np.full((COUNT, 2, 1), 20.0),
        individual_names=["id_0"],
        fps=fps,
    )
    path.unlink(missing_ok=True)
    save_bboxes.to_via_tracks_file(data, path, frame_n_digits=4)
    wrong = []
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            box = json.loads(row["region_shape_attributes"])
            frame = round(box["x"] + box["width"] / 2 - 10)
            picture = int(Path(row["filename"]).stem)
            if picture != frame:
                wrong.append((frame, picture))
    return wrong


print("movement", version("movement"))
same = not wrong_frames(None)
print("time in frames: no box on a wrong picture:", same)
for fps, count, first in ((25, 69, 29), (30, 18, 123)):
    wrong = wrong_frames(fps)
    share = f"{len(wrong)} of {COUNT}"
    print(f"{fps} frames a second: expected 0 wrong, seen {share}: {wrong[:4]} ...")
    same &= len(wrong) == count and wrong[0] == (first, first - 1)
    same &= all(picture == frame - 1 for frame, picture in wrong)
raise SystemExit(0 if same else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/frames.py" "$folder/data"
