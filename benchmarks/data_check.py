"""Speed of `hrnet data check`, in pictures a second of one core.

Once without pixels and once with all of them decoded; the loading of TensorFlow is left
out.

    python benchmarks/data_check.py pose data/lspet
    python benchmarks/data_check.py segmentation data/camvid --labels camvid
"""

import argparse
import time

from hrnet_tf import tasks
from hrnet_tf.own.examine import examine


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("task", choices=[task.name for task in tasks.TASKS])
    parser.add_argument("data")
    parser.add_argument("--keypoints")
    parser.add_argument("--labels")
    options = parser.parse_args()
    task = tasks.task_named(options.task)
    given = {"keypoints": options.keypoints, "labels": options.labels}
    # Loads what is loaded once.
    examine(task, {"data": options.data}, given, decode=False)
    for decode in (False, True):
        started = time.process_time()
        found = examine(task, {"data": options.data}, given, decode)
        seconds = time.process_time() - started
        count = sum(len(part.examples) for part in found.data.splits.values())
        kind = "decoded" if decode else "without pixels"
        print(f"{kind}: {count} pictures, {count / seconds:.0f} a second of a core")


if __name__ == "__main__":
    main()
