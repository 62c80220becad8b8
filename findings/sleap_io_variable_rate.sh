#!/usr/bin/env bash
# sleap-io 0.9.5 as pip installs it reads videos through imageio-ffmpeg. In a video of
# varying frame rate, as phones write, video[i] is then not frame i: frames after a pause
# are silently those before it, so labels lie on other pictures (and .pkg.slp files hold
# them). With opencv-python beside it the frames are right.
# Exits 0 while that is so, and 1 when it changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
python="$folder/venv/bin/python"
"$python" -m pip install --quiet sleap-io==0.9.5 imageio==2.38.1 imageio-ffmpeg==0.6.0 \
    numpy==2.2.6
cat > "$folder/seen.py" <<'PYTHON'
import subprocess
import sys

import imageio_ffmpeg
import numpy as np
import sleap_io

path = sys.argv[1]
# Ten frames, each brighter than the one before; a second's pause before the fourth.
levels = [20 * (i + 1) for i in range(10)]
frames = np.repeat(np.array(levels, np.uint8), 64 * 64 * 3).tobytes()
command = [
    imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo",
    "-pix_fmt", "rgb24", "-s", "64x64", "-r", "30", "-i", "-",
    "-vf", "setpts='(N+if(gte(N,3),30,0))/30/TB'", "-fps_mode", "vfr",
    "-c:v", "libx264", "-pix_fmt", "yuv420p", path,
]
subprocess.run(command, input=frames, check=True)
video = sleap_io.load_video(path)
count = len(video)
seen = [round(float(np.asarray(video[i]).mean())) for i in range(count)]
print(f"sleap-io {sleap_io.__version__}, plugin {video.backend.plugin}")
print(f"expected: 10 frames of the levels {levels}")
print(f"seen:     {count} frames of the levels {seen}")
right = count == 10 and all(abs(a - b) < 5 for a, b in zip(levels, seen, strict=True))
sys.exit(1 if right else 0)
PYTHON
"$python" "$folder/seen.py" "$folder/pause.mp4"
