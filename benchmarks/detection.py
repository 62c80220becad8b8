"""Speed and memory of Faster R-CNN against the same network in PyTorch.

The peer is torchvision's Faster R-CNN on the same HRNetV2p, with as many proposals and
samples. Each side runs in a process of its own with all cores, and waits while the
other one works. Weights and pictures are random; the weights of the last layer are so
large that some classes are surer than the threshold, as suppression has no work
otherwise.

    python benchmarks/detection.py --mode evaluation
    python benchmarks/detection.py --mode evaluation --parts
    python benchmarks/detection.py --mode training --batch-size 2
"""

import argparse
import json
import random
import sys

from sides import OURS, PEER, check_torch, in_turns, median, ratio, work

MODES = ("evaluation", "training")
# How far an evaluation goes, each with all that comes before.
PARTS = {
    "backbone": "streams of the body",
    "dense": "pyramid and RPN head",
    "proposals": "proposals, with their suppression",
    "regions": "RoIAlign and box head",
    "all": "suppression of the result",
}
NUM_CLASSES = 80
BOXES_AN_IMAGE = 8
# Published, of the first generation.
PARAMETERS = {"hrnet_w18": 27_486_776, "hrnet_w32": 47_283_812}


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=MODES, default="evaluation")
    parser.add_argument("--preset", default="hrnet_w18")
    parser.add_argument("--image-size", type=int, nargs=2, default=(800, 1280))
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1, help="steps a round")
    parser.add_argument("--class-spread", type=float, default=0.3)
    parser.add_argument(
        "--recompute", choices=("none", "light", "full"), default="light"
    )
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--ours-only", action="store_true", help="leave PyTorch out")
    parser.add_argument(
        "--parts", action="store_true", help="our side's shares, in the same rounds"
    )
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if min(options.rounds, options.steps, options.batch_size) < 1:
        parser.error("--rounds, --steps and --batch-size must be at least 1")
    if options.parts and options.mode != "evaluation":
        parser.error("--parts belongs to --mode evaluation")
    return options


def steps_of(side, settings):
    """The steps of a side, see `sides.work`."""
    if side == PEER:
        from torch_detector import detector_steps
    else:
        from keras_detector import detector_steps
    return detector_steps(**settings)


def draw_boxes(count, image_size):
    """Boxes of random places and sizes, and their classes: the same for both sides."""
    draw = random.Random(0)
    height, width = image_size
    rows = []
    for _ in range(count * BOXES_AN_IMAGE):
        w, h = draw.uniform(0.05, 0.5) * width, draw.uniform(0.05, 0.5) * height
        x, y = draw.uniform(0, width - w), draw.uniform(0, height - h)
        rows.append([x, y, x + w, y + h, draw.randrange(NUM_CLASSES)])
    return [rows[i * BOXES_AN_IMAGE : (i + 1) * BOXES_AN_IMAGE] for i in range(count)]


def measure(options):
    """Returns {side: {"ready": dict, "rounds": list of measurements}}."""
    from hrnet_tf.models.presets import architecture

    sides = {OURS: (sys.executable, "all")}
    if options.parts:
        sides |= {f"to {part}": (sys.executable, part) for part in [*PARTS][:-1]}
    if not options.ours_only:
        check_torch(options.torch_python)
        sides[PEER] = (options.torch_python, "all")
    size = tuple(options.image_size)
    settings = {
        "mode": options.mode,
        "preset": options.preset,
        "architecture": architecture(options.preset),
        "num_classes": NUM_CLASSES,
        "image_size": size,
        "batch_size": options.batch_size,
        "boxes": draw_boxes(options.batch_size, size),
        "class_spread": options.class_spread,
        "recompute": options.recompute,
    }
    given = {
        side: (python, {**settings, "part": part})
        for side, (python, part) in sides.items()
    }
    known = PARAMETERS.get(options.preset)
    return in_turns(__file__, given, options.rounds, lambda _: options.steps, known)


def report(found, options):
    """Prints the medians; ratios are medians of each round's own ratio."""
    from rich.console import Console
    from rich.table import Table

    height, width = options.image_size
    count = found[OURS]["ready"]["parameters"]
    table = Table(
        title=f"Faster R-CNN, {options.preset} ({count:,} weights), {options.mode} at"
        f" {height}x{width}, batch {options.batch_size}, {options.rounds} rounds of"
        f" {options.steps}; a ratio above 1 means faster than PyTorch"
    )
    table.add_column("side", no_wrap=True)
    for column in ("first step, s", "s a step", "CPU s a step", "peak MB", "result"):
        table.add_column(column, justify="right")
    table.add_column("ratio", justify="right")
    for side in (OURS, PEER):
        if side not in found:
            continue
        faster = ratio(found, side, PEER if PEER in found else OURS)
        peak = found[side]["rounds"][-1]["peak_mb"]
        table.add_row(
            side,
            f"{found[side]['ready']['first_step']:.1f}",
            f"{median(found, side, 'wall'):.3f}",
            f"{median(found, side, 'cpu'):.3f}",
            "-" if peak is None else f"{peak:.0f}",
            f"{found[side]['rounds'][-1]['loss']:.4g}",
            f"{faster:.2f}",
        )
    console = Console()
    console.print(table)
    if options.parts:
        console.print(_shares(found, Table))


def _shares(found, make_table):
    """A table of what each part adds to the one before, of our side."""
    table = make_table(title="shares of our evaluation")
    for column in ("part", "s", "share"):
        table.add_column(column, justify="left" if column == "part" else "right")
    whole, before = median(found, OURS, "wall"), 0.0
    for part, text in PARTS.items():
        seconds = median(found, OURS if part == "all" else f"to {part}", "wall")
        own = seconds - before
        table.add_row(text, f"{own:.3f}", f"{own / whole:.1%}")
        before = seconds
    return table


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.worker is not None:
        work(steps_of, *json.loads(options.worker))
        return
    report(measure(options), options)


if __name__ == "__main__":
    main()
