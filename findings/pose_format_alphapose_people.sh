#!/usr/bin/env bash
# pose-format: results of AlphaPose with several people in a picture.
#
# Expectation: load_alphapose_wholebody_from_json gives as many frames as the video has, with
# as many people in each as AlphaPose found. AlphaPose's results are a list of people, each
# with its "image_id": two in a picture are two entries of one name. pose-format's reader of
# OpenPose's files gives (frames, people, points).
# Seen with pose-format 0.15.0: each entry is a frame of one person. Five frames of two people
# become ten frames, the person jumps from one to the other and back, and at 25 frames a
# second the video takes 0.4 s instead of 0.2 s; whatever is aligned with it (subtitles,
# glosses) no longer fits. Nothing is said. Frames in which nobody was found are missing too,
# so that later ones move up; of that alone an open issue of the package tells.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "pose-format==0.15.0" "numpy==2.2.6"
cat > "$folder/people.py" <<'PYTHON'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from pose_format.utils.alphapose import load_alphapose_wholebody_from_json

path = Path(sys.argv[1]) / "alphapose-results.json"
POINTS = 136


def entry(frame, x):
    """One person whose points all lie at (x, frame)."""
    return {
        "image_id": f"{frame}.jpg",
        "category_id": 1,
        "keypoints": [x, frame, 0.9] * POINTS,
        "score": 3.0,
        "box": [x, frame, 10, 10],
        "idx": [x // 100],
    }


def read(people):
    """Of each frame the first person's x and y."""
    path.write_text(json.dumps(people))
    pose = load_alphapose_wholebody_from_json(str(path), fps=25)
    points = pose.body.data[:, 0, 0].filled(-1).astype(int)
    return pose.body.data.shape[:2], [tuple(map(int, point)) for point in points]


print("pose-format", version("pose-format"))
alone, _ = read([entry(frame, 100) for frame in range(5)])
print("five frames of one person: expected (5, 1), seen", alone)
pair, places = read([entry(frame, x) for frame in range(5) for x in (100, 800)])
print("five frames of two people: expected (5, 2), seen", pair)
print("the person's x, y in each:", places)
away, later = read([entry(frame, 100) for frame in (0, 1, 4)])
print("nobody in the third and fourth of five: expected (5, 1), seen", away)
jumps = places == [(x, frame) for frame in range(5) for x in (100, 800)]
moved_up = later == [(100, 0), (100, 1), (100, 4)]
shapes = (alone, pair, away) == ((5, 1), (10, 1), (3, 1))
raise SystemExit(0 if shapes and jumps and moved_up else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/people.py" "$folder/data"
