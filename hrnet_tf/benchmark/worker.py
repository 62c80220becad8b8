"""Runs one model in a process of its own, so that its memory and start are its own.

`python -m hrnet_tf.benchmark.worker` reads a job (json) from standard input, and writes
what it measured as the last line of standard output.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any


def pixel_function(path: str, options: dict[str, Any]) -> tuple[Any, tuple]:
    """Loads a model as a function of pixels.

    Args:
        path: str, of a `.keras` file or of an exported model.
        options: dict, of a `.keras` file's inference.
    Returns:
        A function from uint8 images `[B, H, W, 3]` to a dict of arrays, and the
        (height, width) that it takes, None where any goes.
    """
    from hrnet_tf.tasks.exported import pixel_signature

    if path.endswith(".keras"):
        from hrnet_tf.models.loading import load_model
        from hrnet_tf.tasks import make_inference

        inference = make_inference(load_model(path), **options)
        run = inference.signatures[pixel_signature(inference.signatures)]
        (spec,) = run.input_signature
        return run, tuple(spec.shape[1:3])
    from hrnet_tf.export import load_exported

    exported = load_exported(path)
    signature = exported.signature(pixel_signature(exported.signatures))
    (taken,) = signature.inputs.values()
    return signature, taken.shape[1:3]


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Measures what a job asks for.

    Args:
        job: dict with path, options, batch_sizes, seconds (a batch size's) and
            image_size, which holds where the model takes any.
    Returns:
        dict with start_seconds (from the beginning of the process to the first
        result), memory (bytes, the peak) and latencies: lists of seconds, by batch
        size.
    """
    import numpy as np
    import tensorflow as tf

    run, size = pixel_function(job["path"], job["options"])
    shape = [s or t for s, t in zip(size, job["image_size"], strict=True)]
    generator = np.random.default_rng(0)
    latencies, start = {}, None
    for count in job["batch_sizes"]:
        images = generator.integers(0, 256, (count, *shape, 3), dtype=np.uint8)
        images = tf.constant(images)
        for _ in range(2):
            _finished(run(images=images))
            if start is None:
                start = time.time() - job["started"]
        found: list[float] = []
        end = time.perf_counter() + job["seconds"]
        # Three at least, however slow.
        while len(found) < 3 or time.perf_counter() < end:
            began = time.perf_counter()
            _finished(run(images=images))
            found.append(time.perf_counter() - began)
        latencies[str(count)] = found
    return {"start_seconds": start, "memory": _peak_memory(), "latencies": latencies}


def _peak_memory():
    """The most memory that this process held, bytes; None if unknown."""
    try:
        # What resource tells counts the parent's, from before this program began.
        status = Path("/proc/self/status").read_text()
        return 1024.0 * int(status.split("VmHWM:")[1].split()[0])
    except (OSError, IndexError, ValueError):
        from hrnet_tf.training.memory import peak_memory

        return peak_memory()


def _finished(outputs):
    """Reads every output, so that the work is done."""
    import numpy as np

    for value in outputs.values():
        np.asarray(value)


if __name__ == "__main__":
    print(json.dumps(measure(json.load(sys.stdin))))
