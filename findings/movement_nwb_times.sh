#!/usr/bin/env bash
# movement: pose tracks of NWB, whose purpose is that all recordings share one clock.
#
# Expectation: the time of a frame is its timestamp in the file, as NWB requires of it.
# Seen with movement 0.15.0, pynwb 4.2.0 and ndx-pose 0.4.0: time starts at 0 and goes on
# in equal steps of the median distance. A camera that starts 100 s into the session and
# pauses for 2.6 s gives times 0.0 to 0.9 instead of 100.0 to 103.4: poses no longer fit
# the events and neural recordings of the same file, and the speed across the pause is 26
# times too high. Nothing is said.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "movement==0.15.0" "pynwb==4.2.0" "ndx-pose==0.4.0"
cat > "$folder/times.py" <<'PYTHON'
import datetime
import sys
from importlib.metadata import version

import numpy as np
from movement.io import load_dataset
from ndx_pose import PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons
from pynwb import NWBHDF5IO, NWBFile

path = sys.argv[1]
times = np.concatenate([100 + np.arange(5) / 10, 103 + np.arange(5) / 10])
start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
session = NWBFile("a session", "mouse", start)
series = PoseEstimationSeries(
    name="nose",
    data=np.stack([10 * times, 0 * times], axis=1),
    confidence=np.ones(10),
    timestamps=times,
    unit="pixels",
    reference_frame="the upper left corner",
)
skeleton = Skeleton(name="mouse", nodes=["nose"])
module = session.create_processing_module("behavior", "poses")
module.add(Skeletons(skeletons=[skeleton]))
module.add(
    PoseEstimation(
        name="PoseEstimation",
        pose_estimation_series=[series],
        skeleton=skeleton,
        source_software="a camera",
    )
)
with NWBHDF5IO(path, "w") as file:
    file.write(session)
with NWBHDF5IO(path, "r") as file:
    estimation = file.read().processing["behavior"]["PoseEstimation"]
    stored = np.array(estimation.pose_estimation_series["nose"].timestamps)
read = load_dataset(path, source_software="NWB").time.values
print(*(f"{name} {version(name)}" for name in ("movement", "pynwb", "ndx-pose")))
print("  stored:", stored.round(3).tolist())
print("  read:  ", read.round(3).tolist())
same = np.allclose(stored, times) and np.allclose(read, np.arange(10) / 10)
raise SystemExit(0 if same else 1)
PYTHON
"$folder/venv/bin/python" "$folder/times.py" "$folder/session.nwb"
