"""Speed of a training step of HRNetPose against the same network in PyTorch.

A step is forward, backward and Adam on the squared error of the heatmaps. Each side
runs in a process of its own with all cores, and waits while the other one works:
rounds alternate, and only ratios are to be trusted. Ours is the step that `model.fit`
runs. PyTorch runs eagerly in its fastest memory format, channels_last.

    python benchmarks/training_step.py [--torch-python /elsewhere/bin/python]

The first step of each side counts from the imports to its end.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

NUM_KEYPOINTS = 17
# Known for certain; for other presets the two sides must agree.
PARAMETERS = {"hrnet_w32": 28_536_113}
OURS, PEER = "hrnet_tf", "PyTorch"


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        help="how many activations our side computes again (hrnet train --recompute)",
    )
    parser.add_argument("--ours-only", action="store_true", help="leave PyTorch out")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if min(options.rounds, options.steps, options.batch_size) < 1:
        parser.error("--rounds, --steps and --batch-size must be at least 1")
    return options


def our_step(architecture, num_keypoints, image_size, batch_size, bfloat16, recompute):
    """Makes our network and its training step, as `torch_hrnet.training_step`."""
    # Off by default on AMD processors.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import numpy as np
    import tensorflow as tf

    # As `hrnet_tf.training.run.plain_graphs`.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    from hrnet_tf.layers.recompute import set_recompute
    from hrnet_tf.losses.heatmap import HeatmapMSE
    from hrnet_tf.models.pose import HRNetPose
    from hrnet_tf.training.adam import Adam

    keras.utils.set_random_seed(0)
    model = HRNetPose(
        num_keypoints=num_keypoints,
        image_size=image_size,
        dtype="mixed_bfloat16" if bfloat16 else "float32",
        **architecture,
    )
    set_recompute(model, recompute)
    model.compile(Adam(1e-3), HeatmapMSE(), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    model.make_train_function()
    rng = np.random.default_rng(0)
    height, width = image_size
    images = rng.integers(0, 256, (batch_size, height, width, 3), np.uint8)
    shape = (batch_size, height // 4, width // 4, num_keypoints)
    targets = rng.random(shape, np.float32)
    weights = np.ones((batch_size, num_keypoints), np.float32)
    data = tf.data.Dataset.from_tensors((images, targets, weights)).repeat()
    iterator = iter(data)
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    return parameters, lambda: float(model.train_function(iterator)["loss"])


def work(side, settings):
    """The worker: answers each line "number of steps" with a line of measurements."""
    # Libraries may print; the answers go through a channel of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    started = time.perf_counter()
    if side == OURS:
        parameters, step = our_step(**settings)
    else:
        from torch_hrnet import training_step

        del settings["recompute"]
        parameters, step = training_step(**settings)
    step()
    ready = {"parameters": parameters, "first_step": time.perf_counter() - started}
    step()
    print(json.dumps(ready), file=answers, flush=True)
    for line in sys.stdin:
        steps = int(line)
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            loss = step()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        answer = {"wall": wall / steps, "cpu": cpu / steps, "loss": loss}
        answer["peak_mb"] = peak_memory()
        print(json.dumps(answer), file=answers, flush=True)


def peak_memory():
    """This process's peak of resident memory in MB, or None where unknown."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


class Worker:
    """A side in a process of its own."""

    def __init__(self, side, python, settings):
        self.side = side
        self.process = subprocess.Popen(
            [python, __file__, "--worker", json.dumps([side, settings])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(
                f"The process of {self.side} ended; see its error above. If there is"
                " none, the system may have ended it for lack of memory."
            )
        return json.loads(line)

    def measure(self, steps):
        if self.process.poll() is None:
            print(steps, file=self.process.stdin, flush=True)
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def check_torch(python):
    """Exits with advice if the interpreter has no PyTorch."""
    try:
        found = subprocess.run([python, "-c", "import torch"], capture_output=True)
        missing = found.returncode != 0
    except OSError:
        missing = True
    if missing:
        raise SystemExit(
            f"{python} has no PyTorch to compare with. Run `pip install torch` there,"
            " name another interpreter with --torch-python, or pass --ours-only."
        )


def measure(options):
    """Measures what the options say.

    Returns:
        The number of parameters; {side: [measurement of each round]}; and {side:
        seconds from the imports to the end of the first step}.
    """
    from hrnet_tf.models.presets import architecture

    pythons = {OURS: sys.executable}
    if not options.ours_only:
        check_torch(options.torch_python)
        pythons[PEER] = options.torch_python
    settings = {
        "architecture": architecture(options.preset),
        "num_keypoints": NUM_KEYPOINTS,
        "image_size": tuple(options.image_size),
        "batch_size": options.batch_size,
        "bfloat16": options.dtype == "mixed_bfloat16",
        "recompute": options.recompute,
    }
    workers = []
    try:
        parameters, first_steps = set(), {}
        for side, python in pythons.items():
            workers.append(Worker(side, python, settings))
            ready = workers[-1].read()
            parameters.add(ready["parameters"])
            first_steps[side] = ready["first_step"]
        parameters.add(PARAMETERS.get(options.preset, min(parameters)))
        if len(parameters) > 1:
            raise SystemExit(f"The networks differ in parameters: {parameters}.")
        rounds = {worker.side: [] for worker in workers}
        for _ in range(options.rounds):
            for worker in workers:
                rounds[worker.side].append(worker.measure(options.steps))
    finally:
        for worker in workers:
            worker.close()
    return parameters.pop(), rounds, first_steps


def report(rounds, first_steps, title):
    """Prints the medians; ratios are medians of each round's own ratio."""
    from rich.console import Console
    from rich.table import Table

    def median(side, key):
        return statistics.median(result[key] for result in rounds[side])

    table = Table(title=title)
    table.add_column("side")
    numbers = ("first step, s", "s a step", "CPU s a step", "peak MB")
    for column in (*numbers, "wall ratio", "CPU ratio"):
        table.add_column(column, justify="right")
    reference = rounds[PEER if PEER in rounds else OURS]
    for side, results in rounds.items():
        ratios = (
            statistics.median(
                other[key] / own[key]
                for other, own in zip(reference, results, strict=True)
            )
            for key in ("wall", "cpu")
        )
        peak = results[-1]["peak_mb"]
        table.add_row(
            side,
            f"{first_steps[side]:.1f}",
            f"{median(side, 'wall'):.3f}",
            f"{median(side, 'cpu'):.3f}",
            "-" if peak is None else f"{peak:.0f}",
            *(f"{ratio:.2f}" for ratio in ratios),
        )
    Console().print(table)


def main(arguments=None):
    options = parse_arguments(arguments)
    if options.worker is not None:
        work(*json.loads(options.worker))
        return
    parameters, rounds, first_steps = measure(options)
    height, width = options.image_size
    report(
        rounds,
        first_steps,
        f"Training step of {options.preset} ({parameters:,} weights), {height}x{width},"
        f" batch {options.batch_size}, {options.dtype}, {options.rounds} rounds of"
        f" {options.steps}; a ratio above 1 means faster than PyTorch",
    )


if __name__ == "__main__":
    main()
