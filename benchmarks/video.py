"""Frames a second of `hrnet predict` on a video, with its steps at the same time.

Against the same steps one after another and, with `--before`, against an older checkout
of this package. Each run is a process of its own; rounds alternate, and ratios are
medians of each round's own. The time is what the command tells: the model is loaded.

    python benchmarks/video.py
    python benchmarks/video.py --before CHECKOUT --model MODEL
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
NOW, IN_TURN, BEFORE = "at the same time", "one after another", "before"
ROOT = Path(__file__).parent.parent
_COMMAND = "from hrnet_tf.cli import app; app()"
_CHECK = """
import hrnet_tf
if not hrnet_tf.__file__.startswith({folder!r}):
    raise SystemExit("hrnet_tf came from " + hrnet_tf.__file__)
"""
# Nothing is read ahead, and each frame is drawn and written before the next one.
_ONE_AFTER_ANOTHER = """
import contextlib
from hrnet_tf import overlap

@contextlib.contextmanager
def read_ahead(items, size):
    yield iter(items)

@contextlib.contextmanager
def finish_behind(prepare, finish, size, num_threads=1):
    yield lambda *item: finish(prepare(*item))

overlap.read_ahead, overlap.finish_behind = read_ahead, finish_behind
"""


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="what `hrnet predict` takes; else its starter")
    parser.add_argument("--video", type=Path, help="else one of drawn people")
    parser.add_argument("--frames", type=int, default=150, help="of the drawn video")
    parser.add_argument(
        "--size", type=int, nargs=2, default=(480, 640), help="height, width of them"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--before", help="a folder with an older hrnet_tf, whose command runs too"
    )
    options = parser.parse_args(arguments)
    if min(options.frames, options.rounds, *options.size) < 1:
        parser.error("--frames, --size and --rounds must be positive")
    return options


def draw_video(path, frames, size):
    """Writes a video: pictures of drawn people that move to the side."""
    import numpy as np
    from PIL import Image

    from hrnet_tf.data.synthetic import generate_people
    from hrnet_tf.pictures.video_writer import VideoWriter

    drawn = generate_people(path.with_suffix(""), 4, 1, tuple(size))
    pictures = [
        np.asarray(Image.open(one).convert("RGB"))
        for one in sorted((drawn / "train2017").glob("*.jpg"))
    ]
    with VideoWriter(path, 25) as writer:
        for i in range(frames):
            # A new picture each second.
            picture = pictures[i // 25 % len(pictures)]
            writer.write(np.roll(picture, 3 * i, 1))


def run(side, options, video, scratch):
    """Runs the command; returns its seconds, its frames and the CPU's seconds."""
    begin = _ONE_AFTER_ANOTHER if side == IN_TURN else ""
    found = Path(options.before if side == BEFORE else ROOT).resolve()
    path = os.pathsep.join([str(found), os.environ.get("PYTHONPATH", "")])
    code = _CHECK.format(folder=str(found)) + begin + _COMMAND
    command = [sys.executable, "-c", code, "predict", str(video)]
    command += ["--model", model_path(options.model), "--out", str(scratch / side)]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "200"},
        # Python looks into the working folder first.
        cwd=scratch,
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = re.search(r"in ([\d,]+) frames, ([\d.]+) s", done.stdout + done.stderr)
    if done.returncode or told is None:
        raise SystemExit(f"{side}: {done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return float(told[2]), int(told[1].replace(",", "")), cpu


def model_path(model):
    """A path that older releases take, too."""
    from hrnet_tf.starters import starter

    return str(Path(model or starter()).resolve())


def main(arguments=None):
    options = parse_arguments(arguments)
    sides = [NOW, IN_TURN, *([BEFORE] if options.before else [])]
    seconds, cpu = {side: [] for side in sides}, {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        scratch, video = Path(folder), options.video
        if video is not None:
            video = video.resolve()
        else:
            video = scratch / "drawn.mp4"
            draw_video(video, options.frames, options.size)
        for _ in range(options.rounds):
            for side in sides:
                spent, frames, used = run(side, options, video, scratch)
                seconds[side].append(spent / frames)
                cpu[side].append(used)
    for side in sides:
        pairs = zip(seconds[side], seconds[NOW], strict=True)
        times = statistics.median(other / own for other, own in pairs)
        print(
            f"{side:18} {1 / statistics.median(seconds[side]):6.1f} frames/s,"
            f" {statistics.median(cpu[side]):.1f} CPU s in all;"
            f" at the same time it is {times:.2f}x as fast"
        )


if __name__ == "__main__":
    main()
