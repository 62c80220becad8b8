"""From the bytes of JPEG photos to keypoints, with the flip test, side by side.

Our sides are exported files as `hrnet predict` runs them, and the model without export;
the peers are the published test pipeline (OpenCV and PyTorch), and with `--before` the
predictor of an older checkout of this package. Each side has a process of its own with
all cores, and waits while the others work; ratios are medians of each round's own
ratio. Weights are random. All sides know the same boxes.

    python benchmarks/whole_job.py
    python benchmarks/whole_job.py --people 10 --before CHECKOUT
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
from sides import check_torch, in_turns, kept_files, median, ratio, work

ROOT = Path(__file__).parent.parent
FILES = (
    "openvino float16",
    "openvino int8",
    "litert float32",
    "litert int8",
    "saved_model bfloat16",
    "saved_model float32",
)
MODEL, BEFORE = "Keras", "before"
PEERS = ("cv2 and PyTorch", "cv2 and torch.compile bfloat16")
IMAGE_SIZE = (256, 192)
# Drawn pictures have COCO's usual size, so that decoding weighs as much.
DRAWN_SIZE = (480, 640)
NUM_KEYPOINTS = 17


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="hrnet_w32")
    parser.add_argument(
        "--people", type=int, nargs="+", default=[1, 10], help="in a photo"
    )
    parser.add_argument("--photos", type=int, default=8)
    parser.add_argument(
        "--images", type=Path, help="a folder of JPEG photos; else drawn pictures"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of a side a round")
    every = (*FILES, MODEL, *PEERS)
    parser.add_argument(
        "--sides",
        nargs="+",
        choices=every,
        default=every,
        metavar="SIDE",
        help=", ".join(every),
    )
    parser.add_argument(
        "--before", help="a folder with an older hrnet_tf, whose predictor runs too"
    )
    parser.add_argument(
        "--files", help="a folder that keeps our files for the next run"
    )
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--json", help="also write all measurements to this file")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if min(*options.people, options.rounds, options.photos) < 1 or options.seconds <= 0:
        parser.error("--people, --photos, --rounds and --seconds must be positive")
    return options


def steps_of(side, settings):
    """The calls of a side, see `sides.work`: one step is one photo."""
    if side in PEERS:
        from official_job import job_steps
    else:
        from keras_job import job_steps
    return job_steps(side, **settings)


def choose_photos(options, folder):
    """Paths of JPEG files of which each side takes the same; a list of str."""
    found = sorted(options.images.glob("*.jpg")) if options.images else []
    if options.images and not found:
        raise SystemExit(f"There is no .jpg file in {options.images}.")
    if not found:
        from hrnet_tf.data.synthetic import generate_people

        drawn = generate_people(Path(folder, "drawn"), options.photos, 1, DRAWN_SIZE)
        found = sorted((drawn / "train2017").glob("*.jpg"))
    return [str(path) for path in found[: options.photos]]


def write_files(folder, sides, preset):
    """Writes our files; returns their paths by side, see `kept_files`."""
    asked = {"preset": preset, "image_size": list(IMAGE_SIZE)}
    script = Path(__file__).with_name("keras_job.py")
    return kept_files(folder, script, sides, asked)[1]


def measure(options, people, paths, photos):
    """Returns {side: {"ready": dict, "rounds": list}}, see `sides.in_turns`."""
    settings = {
        "preset": options.preset,
        "image_size": list(IMAGE_SIZE),
        "photos": photos,
        "people": people,
    }
    sides = {}
    for side in options.sides:
        python = options.torch_python if side in PEERS else sys.executable
        sides[side] = (python, {**settings, "path": paths.get(side)})
    if options.before:
        found = [options.before, os.environ.get("PYTHONPATH", "")]
        environment = {"PYTHONPATH": os.pathsep.join(found)}
        sides[BEFORE] = (
            sys.executable,
            {**settings, "path": None, "environment": environment},
        )

    def steps(worker):
        photo = worker.measure(1)["wall"]
        return max(1, round(options.seconds / photo))

    return in_turns(__file__, sides, options.rounds, steps)


def report(found, people, options):
    """Prints a row a side."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        title=f"{options.preset}, JPEG to keypoints with the flip test, people a photo:"
        f" {people}; {options.rounds} rounds of {options.seconds} s; a ratio above 1"
        " means faster than that side"
    )
    table.add_column("side", no_wrap=True)
    for column in ("ms a photo", "CPU ms", "in the network", "peak MB"):
        table.add_column(column, justify="right")
    table.add_column("ratio")
    for side in found:
        against = [o for o in (BEFORE, MODEL, *PEERS) if o != side and o in found]
        ratios = {other: ratio(found, side, other) for other in against}
        shares = [row["network"] for row in found[side]["rounds"]]
        network = "-" if None in shares else f"{median(found, side, 'network'):.1%}"
        table.add_row(
            side,
            f"{1e3 * median(found, side, 'wall'):.1f}",
            f"{1e3 * median(found, side, 'cpu'):.1f}",
            network,
            f"{found[side]['rounds'][-1]['peak_mb'] or 0:.0f}",
            ", ".join(f"{r:.2f} of {o}" for o, r in ratios.items()),
        )
    Console(width=None if sys.stdout.isatty() else 150).print(table)


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.worker is not None:
        work(steps_of, *json.loads(options.worker))
        return
    if set(options.sides) & set(PEERS):
        check_torch(options.torch_python)
    from hrnet_tf.benchmark.machine import Watch

    ours = [side for side in options.sides if side not in PEERS]
    results = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.files or temporary
        os.makedirs(folder, exist_ok=True)
        paths = write_files(folder, ours, options.preset)
        photos = choose_photos(options, temporary)
        watch = Watch()
        for people in options.people:
            results[people] = measure(options, people, paths, photos)
            report(results[people], people, options)
    others = watch.others()
    if others is not None:
        print(f"Other programs took {others:.0%} of the processor.")
    if options.json:
        Path(options.json).write_text(json.dumps({"found": results, "others": others}))


if __name__ == "__main__":
    main()
