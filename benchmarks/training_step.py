"""Speed of training steps of HRNet against the same network in PyTorch.

A step is forward, backward and Adam on the squared error of heatmaps (W32 at 256x192,
batch 8, by default) or the cross entropy of label maps (`--task segmentation`). Each
side runs in a process of its own with all cores, and waits while the other one works:
rounds alternate, and only ratios are to be trusted. Ours is the step that `model.fit`
runs. PyTorch runs in its fastest memory format, channels_last, and on a GPU where there
is one.

    python benchmarks/training_step.py [--torch-python /elsewhere/bin/python]

On a GPU, ours by JAX and PyTorch's compiled:

    python benchmarks/training_step.py --backend jax --torch-compile \\
        --dtype mixed_bfloat16 --batch-size 64 --steps 20
    python benchmarks/training_step.py --backend jax --torch-compile \\
        --dtype mixed_bfloat16 --task segmentation --preset hrnet_w48 \\
        --image-size 512 1024 --batch-size 4 --steps 20

The first step of each side counts from the imports to its end. "peak" is of the
process' resident memory, "tensors" of what TensorFlow's, JAX's or CUDA's allocator gave
out, weights and optimizer among it, where it tells.
"""

import argparse
import json
import sys

from sides import OURS, PEER, check_torch, in_turns, median, ratio, work

# COCO's keypoints and Cityscapes' classes.
NUM_OUTPUTS = {"pose": 17, "segmentation": 19}
# Known for certain; for other networks the two sides must agree.
PARAMETERS = {("pose", "hrnet_w32"): 28_536_113}


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=tuple(NUM_OUTPUTS), default="pose")
    parser.add_argument("--preset", default="hrnet_w32")
    parser.add_argument("--image-size", type=int, nargs=2, default=(256, 192))
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument(
        "--dtype", choices=("float32", "mixed_bfloat16"), default="float32"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=2, help="steps a round")
    parser.add_argument(
        "--torch-python",
        default=sys.executable,
        help="a Python interpreter with PyTorch; by default the one that runs this",
    )
    parser.add_argument(
        "--recompute",
        choices=("none", "light", "full"),
        default="light",
        help="how many activations our side computes again (hrnet train --recompute),"
        " with TensorFlow",
    )
    parser.add_argument(
        "--backend", choices=("tensorflow", "jax"), default="tensorflow", help="ours"
    )
    parser.add_argument(
        "--torch-compile", action="store_true", help="PyTorch's side by torch.compile"
    )
    parser.add_argument("--ours-only", action="store_true", help="leave PyTorch out")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if min(options.rounds, options.steps, options.batch_size) < 1:
        parser.error("--rounds, --steps and --batch-size must be at least 1")
    return options


def steps_of(side, settings):
    """The steps of a side, see `sides.work`."""
    if side == OURS:
        from keras_hrnet import training_steps
    else:
        from torch_hrnet import training_steps
    return training_steps(**settings)


def measure(options):
    """Measures what the options say; see `sides.in_turns`."""
    from hrnet_tf.models.presets import architecture

    pythons = {OURS: sys.executable}
    if not options.ours_only:
        check_torch(options.torch_python)
        pythons[PEER] = options.torch_python
    settings = {
        "task": options.task,
        "architecture": architecture(options.preset),
        "num_outputs": NUM_OUTPUTS[options.task],
        "image_size": tuple(options.image_size),
        "batch_size": options.batch_size,
        "bfloat16": options.dtype == "mixed_bfloat16",
        "recompute": options.recompute,
        "backend": options.backend,
        "compile": options.torch_compile,
    }
    known = PARAMETERS.get((options.task, options.preset))
    sides = {side: (python, settings) for side, python in pythons.items()}
    return in_turns(__file__, sides, options.rounds, lambda _: options.steps, known)


def report(found, batch_size, title):
    """Prints the medians; ratios are medians of each round's own ratio."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    table.add_column("side", no_wrap=True)
    numbers = ("first step, s", "s a step", "images/s", "CPU s a step")
    memory = ("peak MB", "tensors MB")
    for column in (*numbers, *memory, "wall ratio", "CPU ratio"):
        table.add_column(column, justify="right", no_wrap=" " not in column)
    reference = PEER if PEER in found else OURS
    for side, measured in found.items():
        last, wall = measured["rounds"][-1], median(found, side, "wall")
        ratios = (ratio(found, side, reference, key) for key in ("wall", "cpu"))
        peaks = (last[key] for key in ("peak_mb", "tensors_mb"))
        table.add_row(
            side,
            f"{measured['ready']['first_step']:.1f}",
            f"{wall:.3f}",
            f"{batch_size / wall:.3g}",
            f"{median(found, side, 'cpu'):.3f}",
            *("-" if peak is None else f"{peak:.0f}" for peak in peaks),
            *(f"{faster:.2f}" for faster in ratios),
        )
    Console().print(table)


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.worker is not None:
        work(steps_of, *json.loads(options.worker))
        return
    found = measure(options)
    parameters = found[OURS]["ready"]["parameters"]
    height, width = options.image_size
    report(
        found,
        options.batch_size,
        f"{options.task.capitalize()} training step of {options.preset}"
        f" ({parameters:,} weights), {height}x{width},"
        f" batch {options.batch_size}, {options.dtype}, {options.rounds} rounds of"
        f" {options.steps}; a ratio above 1 means faster than PyTorch",
    )


if __name__ == "__main__":
    main()
