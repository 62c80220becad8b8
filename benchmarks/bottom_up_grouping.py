"""How fast keypoints are put together to people, beside the official code.

Drawn maps of people whose tags lie apart, in alternating runs of one process. The
official code is that of a checkout of HigherHRNet-Human-Pose-Estimation (`--official`),
which needs torch and munkres; without one ours is timed alone. Neither TensorFlow nor
Keras is loaded. Times are CPU seconds of one thread.

    OMP_NUM_THREADS=1 python benchmarks/bottom_up_grouping.py --official CHECKOUT
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from hrnet_tf.data.tags.grouping import group_people

KEYPOINTS = 17


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--official", type=Path, help="a checkout of the official code")
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--side", type=int, default=512, help="of the maps, in cells")
    parser.add_argument("--missing", type=float, default=0.2, help="share of keypoints")
    parser.add_argument("--runs", type=int, default=3)
    return parser.parse_args(arguments)


def draw_maps(people, side, missing, seed=0):
    """Heatmaps `[K, H, W]` and tags `[K, H, W, 2]` of people at random places."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    heatmaps = rng.uniform(0, 0.03, (KEYPOINTS, side, side))
    tags = rng.normal(0, 0.3, (KEYPOINTS, side, side, 2))
    # Ten apart: no matching costs as much as the right one.
    places = rng.permutation(64)[:people]
    for place in places:
        tag = 10 * np.array(np.divmod(place, 8)) + 20
        center = rng.uniform(0.15, 0.85, 2) * side
        for k in range(KEYPOINTS):
            x, y = np.clip(center + rng.normal(0, side / 8, 2), 0, side - 1)
            if rng.random() < missing:
                continue
            squares = (columns - x) ** 2 + (rows - y) ** 2
            bump = rng.uniform(0.3, 1) * np.exp(-squares / 8)
            heatmaps[k] = np.maximum(heatmaps[k], bump)
            tags[k][squares < 16] = tag + rng.normal(0, 0.1, 2)
    return heatmaps.astype(np.float32), tags.astype(np.float32)


def official_parser(checkout):
    """The official `HeatmapParser`, with the settings of the published test."""
    sys.path.insert(0, str(checkout / "lib"))
    from core.group import HeatmapParser

    return HeatmapParser(
        SimpleNamespace(
            DATASET=SimpleNamespace(
                NUM_JOINTS=KEYPOINTS, MAX_NUM_PEOPLE=30, WITH_CENTER=False
            ),
            TEST=SimpleNamespace(
                DETECTION_THRESHOLD=0.1,
                TAG_THRESHOLD=1.0,
                USE_DETECTION_VAL=True,
                IGNORE_TOO_MUCH=False,
                IGNORE_CENTER=True,
                NMS_KERNEL=5,
                NMS_PADDING=2,
            ),
            MODEL=SimpleNamespace(TAG_PER_JOINT=True),
        )
    )


def timed(function):
    started = time.process_time()
    found = function()
    return time.process_time() - started, found


def main(arguments=None):
    options = parse_arguments(arguments)
    maps = draw_maps(options.people, options.side, options.missing)
    parse = None
    if options.official is not None:
        import torch

        torch.set_num_threads(1)
        parser = official_parser(options.official)
        tensors = [torch.from_numpy(x)[None] for x in maps]
        parse = parser.parse
    for refine in (False, True):
        ours, theirs = [], []
        for _ in range(options.runs):
            seconds, found = timed(lambda r=refine: group_people(*maps, refine=r))
            ours.append(seconds)
            if parse is not None:
                seconds, official = timed(lambda r=refine: parse(*tensors, True, r))
                theirs.append(seconds)
        text = f"refine {refine}: {len(found.points)} people, {found.num_ties} ties,"
        text += f" ours {1000 * statistics.median(ours):.1f} ms"
        if theirs:
            same = np.array_equal(np.float32(official[0][0]), found.points)
            ratio = statistics.median(theirs) / statistics.median(ours)
            text += (
                f", official {1000 * statistics.median(theirs):.1f} ms, {ratio:.1f}x"
            )
            text += f", the same people: {same}"
        print(text, flush=True)


if __name__ == "__main__":
    main()
