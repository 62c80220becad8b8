"""Time and memory to import a large file of COCO keypoints, beside pycocotools alone.

Drawn are a json of people with 17 keypoints and an outline of 30 corners, and pictures
of 640x480 pixels (one file under many names). `read_labelled` checks every entry and
opens every picture; pycocotools reads the json and makes its index. Each runs in a
process of its own, alternately; CPU seconds count, as other work on the machine
stretches the others.

    python benchmarks/import_coco.py [--people 100000] [--images 40000] [--rounds 3]
"""

import argparse
import contextlib
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIDES = ("hrnet_tf", "pycocotools")


def draw(folder, num_people, num_images):
    """Writes people.json and images/ into a folder."""
    import numpy as np
    from PIL import Image

    from hrnet_tf.data.keypoint_sets import COCO

    rng = np.random.default_rng(0)
    images = folder / "images"
    images.mkdir()
    first = images / "000000.jpg"
    pixels = rng.integers(0, 255, (480, 640, 3), np.uint8)
    Image.fromarray(pixels).save(first, quality=50)
    entries = []
    for number in range(num_images):
        name = f"{number:06d}.jpg"
        if number:
            os.link(first, images / name)
        entry = {"id": number + 1, "file_name": name, "height": 480, "width": 640}
        entries.append(entry)
    people = []
    for number in range(num_people):
        x, y = rng.integers(0, 400, 2).tolist()
        points = rng.integers((x, y, 0), (x + 80, y + 80, 3), (17, 3))
        outline = (rng.uniform(0, 80, (30, 2)) + (x, y)).round(2)
        person = {"id": number + 1, "image_id": number % num_images + 1}
        person |= {"category_id": 1, "iscrowd": 0, "area": 3210.5}
        person |= {"bbox": [x, y, 80.5, 80.25], "num_keypoints": 17}
        person |= {"keypoints": points.ravel().tolist()}
        people.append({**person, "segmentation": [outline.ravel().tolist()]})
    category = {"id": 1, "name": "person", "keypoints": list(COCO.names)}
    content = {"images": entries, "annotations": people, "categories": [category]}
    (folder / "people.json").write_text(json.dumps(content))


def import_by(side, folder):
    """Imports the file once; prints CPU seconds, seconds and the peak of memory."""
    if side == "hrnet_tf":
        from hrnet_tf.data.formats.tools import read_labelled

        def work():
            return len(read_labelled(folder / "people.json").examples)
    else:
        from pycocotools.coco import COCO

        def work():
            with contextlib.redirect_stdout(io.StringIO()):
                return len(COCO(folder / "people.json").imgs)

    started = time.process_time(), time.perf_counter()
    work()
    cpu, wall = (
        now() - then
        for now, then in zip(
            (time.process_time, time.perf_counter), started, strict=True
        )
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([cpu, wall, peak]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--images", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        side, folder = options.side[0], Path(options.side[1])
        if side == "draw":
            draw(folder, options.people, options.images)
        else:
            import_by(side, folder)
        return
    with tempfile.TemporaryDirectory() as name:
        # In a process of its own: children inherit the peak of memory.
        counts = ["--people", str(options.people), "--images", str(options.images)]
        own = [sys.executable, __file__, "--side"]
        subprocess.run([*own, "draw", name, *counts], check=True)
        size = (Path(name) / "people.json").stat().st_size / 1e6
        print(
            f"{options.people} people, {options.images} images, {size:.0f} MB of json"
        )
        measured = {side: [] for side in SIDES}
        for _ in range(options.rounds):
            for side in SIDES:
                output = subprocess.run(
                    [*own, side, name], check=True, stdout=subprocess.PIPE
                )
                measured[side].append(json.loads(output.stdout))
    for side, rounds in measured.items():
        cpu, wall, peak = map(statistics.median, zip(*rounds, strict=True))
        print(f"{side:12} {cpu:6.1f} s CPU {wall:6.1f} s {peak:6.0f} MB")


if __name__ == "__main__":
    main()
