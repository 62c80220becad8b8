"""Speed of exported models against the same network in PyTorch's runtimes.

Our sides are the files of `hrnet export`, from bytes of pixels to points or labels; the
peers compute the network alone (of segmenters with labels at the picture's size), from
normalised floats. Each side has a process of its own with all cores, and waits while
the others work; ratios are medians of each round's own ratio. Weights and pictures are
random.

    python benchmarks/inference.py
    python benchmarks/inference.py --task segmentation --preset hrnet_w18
    python benchmarks/inference.py --batch-size 8 --sides 'openvino float16' \\
        'OpenVINO from PyTorch'
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from keras_inference import FILES, MODEL
from sides import check_torch, in_turns, kept_files, median, ratio, work

NUM_OUTPUTS = {"pose": 17, "segmentation": 19}
IMAGE_SIZES = {"pose": (256, 192), "segmentation": (512, 1024)}
PEERS = (
    "PyTorch float32",
    "PyTorch bfloat16",
    "torch.compile float32",
    "torch.compile bfloat16",
    "OpenVINO from PyTorch",
    "OpenVINO from PyTorch float32",
    "OpenVINO from PyTorch int8",
    "ONNX Runtime float32",
)
# What each of our files is held against.
AGAINST = {
    "saved_model float32": ("torch.compile float32",),
    "saved_model bfloat16": ("torch.compile bfloat16", "OpenVINO from PyTorch"),
    "litert float32": ("ONNX Runtime float32",),
    "litert dynamic_int8": ("litert float32", "OpenVINO from PyTorch"),
    "litert int8": (
        "litert float32",
        "OpenVINO from PyTorch",
        "OpenVINO from PyTorch int8",
    ),
    "openvino float16": ("OpenVINO from PyTorch",),
    "openvino float32": ("OpenVINO from PyTorch float32",),
    "openvino int8": ("OpenVINO from PyTorch", "OpenVINO from PyTorch int8"),
    "onnx float32": ("ONNX Runtime float32",),
    "onnx int8": ("ONNX Runtime float32",),
    "Keras predict": ("PyTorch float32",),
    "Keras inference": ("PyTorch float32",),
}


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=sorted(NUM_OUTPUTS), default="pose")
    parser.add_argument("--preset", default="hrnet_w32")
    parser.add_argument("--image-size", type=int, nargs=2, default=None)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of a side a round")
    every = (*FILES, *MODEL, *PEERS)
    parser.add_argument(
        "--sides",
        nargs="+",
        choices=every,
        default=every,
        metavar="SIDE",
        help=", ".join(every),
    )
    parser.add_argument(
        "--files", help="a folder that keeps our files for the next run"
    )
    parser.add_argument("--torch-python", default=sys.executable)
    parser.add_argument("--json", help="also write all measurements to this file")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if min(options.rounds, options.batch_size) < 1 or options.seconds <= 0:
        parser.error("--rounds, --seconds and --batch-size must be positive")
    return options


def steps_of(side, settings):
    """The calls of a side, see `sides.work`."""
    if side in PEERS:
        from torch_inference import inference_steps
    else:
        from keras_inference import inference_steps
    return inference_steps(side, **settings)


def write_files(folder, ours, settings):
    """Writes our files, see `kept_files`."""
    asked = {key: settings[key] for key in settings if key != "path"}
    script = Path(__file__).with_name("keras_inference.py")
    return kept_files(folder, script, ours, asked)


def measure(options):
    """Returns {side: {"ready": dict, "rounds": list}} and what the machine was like."""
    from hrnet_tf.benchmark.machine import Watch, matrix_limit
    from hrnet_tf.models.presets import architecture

    size = options.image_size or IMAGE_SIZES[options.task]
    settings = {
        "task": options.task,
        "architecture": architecture(options.preset),
        "num_outputs": NUM_OUTPUTS[options.task],
        "image_size": list(size),
        "batch_size": options.batch_size,
    }
    ours = [side for side in options.sides if side not in PEERS]
    if len(ours) < len(options.sides):
        check_torch(options.torch_python)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.files or temporary
        os.makedirs(folder, exist_ok=True)
        parameters, paths = write_files(folder, ours, settings) if ours else (None, {})
        watch, limit = Watch(), matrix_limit()
        sides = {
            side: (
                options.torch_python if side in PEERS else sys.executable,
                {**settings, "path": paths.get(side)},
            )
            for side in options.sides
        }

        def steps(worker):
            return max(1, round(options.seconds / worker.measure(1)["wall"]))

        found = in_turns(__file__, sides, options.rounds, steps, parameters)
        conditions = {"limit": max(limit, matrix_limit()), "others": watch.others()}
    if parameters is None:
        parameters = found[options.sides[0]]["ready"]["parameters"]
    return found, parameters, conditions


def report(found, parameters, conditions, options):
    """Prints a row a side."""
    from rich.console import Console
    from rich.table import Table

    height, width = options.image_size or IMAGE_SIZES[options.task]
    table = Table(
        title=f"{options.task.capitalize()}, {options.preset} ({parameters:,} weights),"
        f" {height}x{width}, batch {options.batch_size}, {options.rounds} rounds of"
        f" {options.seconds} s; a ratio above 1 means faster than that side"
    )
    table.add_column("side", no_wrap=True)
    for column in ("ms", "CPU ms", "images/s", "start s", "peak MB"):
        table.add_column(column, justify="right")
    table.add_column("ratio")
    for side in found:
        wall = median(found, side, "wall")
        ratios = {other: ratio(found, side, other) for other in AGAINST.get(side, ())}
        peak = found[side]["rounds"][-1]["peak_mb"]
        table.add_row(
            side,
            f"{1e3 * wall:.1f}",
            f"{1e3 * median(found, side, 'cpu'):.1f}",
            f"{options.batch_size / wall:.1f}",
            f"{found[side]['ready']['first_step']:.1f}",
            "-" if peak is None else f"{peak:.0f}",
            ", ".join(f"{r:.2f} of {o}" for o, r in ratios.items() if r is not None),
        )
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table)
    others = conditions["others"]
    console.print(
        f"A product of matrices in float32: {conditions['limit'] / 1e9:.0f} GFLOP/s."
        + ("" if others is None else f" Other programs: {others:.0%} of the processor.")
    )


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.worker is not None:
        work(steps_of, *json.loads(options.worker))
        return
    found, parameters, conditions = measure(options)
    if options.json:
        Path(options.json).write_text(json.dumps({"found": found, **conditions}))
    report(found, parameters, conditions, options)


if __name__ == "__main__":
    main()
