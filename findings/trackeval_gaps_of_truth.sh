#!/usr/bin/env bash
# TrackEval and py-motmetrics: fragmentations of tracks, in MOTChallenge's format.
#
# Expectation: a tracker that gives back the ground truth has no fragmentation. It is where
# a tracker loses somebody who is there and finds them again; both packages name it "Frag".
# Seen with trackeval 1.3.0 and motmetrics 1.4.0: where a person is not in the picture for
# some frames, so that the truth itself has a gap, trackeval counts one. Of a perfect tracker
# of two people with a gap each it says MOTA 1, IDF1 1 and Frag 2; motmetrics says 0. Of
# other trackers, too, Frag counts how often people left, and the packages differ.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "trackeval==1.3.0" "motmetrics==1.4.0" "numpy==2.4.6"
cat > "$folder/tracks.py" <<'PYTHON'
import contextlib
import io
import sys
from importlib.metadata import version
from pathlib import Path

import motmetrics
import numpy as np
import trackeval

root = Path(sys.argv[1])
# Two people of 30 frames, each away for five of them.
rows = [
    (frame, person, 10 * frame, 100 * person, 40, 80)
    for frame in range(1, 31)
    for person, away in ((1, range(10, 15)), (2, range(20, 25)))
    if frame not in away
]
lines = [",".join(map(str, (*row, 1, 1, 1))) for row in rows]
files = {
    "truth/X-train/walk/gt/gt.txt": lines,
    "truth/X-train/walk/seqinfo.ini": ["[Sequence]", "name=walk", "seqLength=30"],
    "truth/seqmaps/X-train.txt": ["name", "walk"],
    "found/X-train/copy/data/walk.txt": lines,
}
for name, content in files.items():
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(content) + "\n")
quiet = {"PRINT_CONFIG": False}
with contextlib.redirect_stdout(io.StringIO()):
    data = trackeval.datasets.MotChallenge2DBox(
        {
            **quiet,
            "GT_FOLDER": str(root / "truth"),
            "TRACKERS_FOLDER": str(root / "found"),
            "BENCHMARK": "X",
            "SPLIT_TO_EVAL": "train",
            "DO_PREPROC": False,
        }
    )
    names = ("PRINT_RESULTS", "OUTPUT_SUMMARY", "OUTPUT_DETAILED", "PLOT_CURVES")
    evaluator = trackeval.Evaluator({**quiet, **dict.fromkeys(names, False)})
    metrics = [trackeval.metrics.CLEAR(quiet), trackeval.metrics.Identity(quiet)]
    results, _ = evaluator.evaluate([data], metrics)
found = results["MotChallenge2DBox"]["copy"]["walk"]["pedestrian"]
first = [found["CLEAR"]["MOTA"], found["Identity"]["IDF1"], found["CLEAR"]["Frag"]]
tracks = motmetrics.MOTAccumulator()
for frame in range(1, 31):
    there = [row for row in rows if row[0] == frame]
    people = [row[1] for row in there]
    # 0 is on the spot, NaN too far away.
    distances = np.where(np.eye(len(people), dtype=bool), 0, np.nan)
    tracks.update(people, people, distances, frameid=frame)
names = ["mota", "idf1", "num_fragmentations"]
table = motmetrics.metrics.create().compute(tracks, metrics=names)
second = table.iloc[0].tolist()
for package, numbers in (("trackeval", first), ("motmetrics", second)):
    mota, idf1, frag = map(float, numbers)
    print(f"{package} {version(package)}: MOTA {mota:g}, IDF1 {idf1:g}, Frag {frag:g}")
same = np.allclose(first, [1, 1, 2]) and np.allclose(second, [1, 1, 0])
raise SystemExit(0 if same else 1)
PYTHON
mkdir "$folder/data"
"$folder/venv/bin/python" "$folder/tracks.py" "$folder/data"
