"""Speed of the training input pipeline against the official one, on one core.

Both sides turn JPEG files into augmented 256x192 crops and 64x48 heatmaps, in batches.
The official side is the work of the published PyTorch code (OpenCV and numpy, a
person at a time), written anew here; its normalisation is left out, as ours is part
of the network. Rounds of the sides alternate, and only ratios are to be trusted.

    python benchmarks/data_pipeline.py [--annotations FILE --images FOLDER]

Reference: deep-high-resolution-net.pytorch, lib/dataset/JointsDataset.py.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parent.parent
HEIGHT, WIDTH, STRIDE, SIGMA = 256, 192, 4, 2
# Drawn pictures have COCO's usual size, so that decoding weighs as much.
DRAWN_SIZE = (480, 640)
DRAWN_IMAGES = 40


def parse_arguments(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotations", type=Path, help="COCO-style keypoint json")
    parser.add_argument("--images", type=Path, help="folder of its images")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--people", type=int, default=320, help="people a round")
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args(arguments)
    if (options.annotations is None) != (options.images is None):
        parser.error("--annotations and --images belong together")
    if min(options.rounds, options.people, options.batch_size) < 1:
        parser.error("--rounds, --people and --batch-size must be at least 1")
    options.batch_size = min(options.batch_size, options.people)
    return options


def use_one_core():
    """Binds this process to a core; call it before TensorFlow makes its threads."""
    if hasattr(os, "sched_setaffinity"):
        # The last one: interrupts usually keep the first one busier.
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import cv2
    import tensorflow as tf

    cv2.setNumThreads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)


def load_examples(options, keypoint_set, scratch):
    """Returns a list of `PoseExample` and the name of the data."""
    from hrnet_tf.data.formats import coco
    from hrnet_tf.data.synthetic import generate_people

    annotations, images = options.annotations, options.images
    shared = Path(os.environ.get("HRNET_SHARED", ROOT.parent / "shared"))
    mini = shared / "data" / "coco_mini"
    if annotations is None and mini.is_dir():
        annotations = mini / "annotations" / "person_keypoints_train2017.json"
        images = mini / "train2017"
    name = "COCO images"
    if annotations is None:
        count = min(DRAWN_IMAGES, options.people)
        drawn = generate_people(Path(scratch) / "drawn", count, 1, DRAWN_SIZE)
        annotations = drawn / "annotations" / "person_keypoints_train2017.json"
        images = drawn / "train2017"
        name = "drawn pictures"
    return coco.load_pose(annotations, images, keypoint_set), name


class OfficialPipeline:
    """The official training input, a person at a time.

    Args:
        examples: list of `PoseExample`.
        keypoint_set: `KeypointSet`.
        augment: bool. False leaves the random variations out.
    """

    def __init__(self, examples, keypoint_set, augment=True, seed=0):
        import numpy as np

        self.people = [
            (example.image_path, example.boxes[i], example.keypoints[i])
            for example in examples
            for i in range(example.num_people)
        ]
        self.flip_pairs = [
            (i, j) for i, j in enumerate(keypoint_set.flip_indices) if i < j
        ]
        self.upper = {keypoint_set.index(name) for name in keypoint_set.upper_body}
        self.augment = augment
        self.rng = np.random.RandomState(seed)

    def batches(self, batch_size):
        """Yields (images, heatmaps, weights), epoch after epoch, shuffled."""
        import numpy as np

        chosen = []
        while True:
            for i in self.rng.permutation(len(self.people)):
                chosen.append(self.example(*self.people[i]))
                if len(chosen) == batch_size:
                    yield tuple(
                        np.stack(column) for column in zip(*chosen, strict=True)
                    )
                    chosen = []

    def example(self, path, box, keypoints):
        """Returns a crop uint8 `[H, W, 3]`, heatmaps `[K, h, w]`, weights `[K]`."""
        import cv2
        import numpy as np

        with open(path, "rb") as file:
            encoded = np.frombuffer(file.read(), np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        points = keypoints[:, :2].astype(np.float64)
        visible = keypoints[:, 2] > 0
        center = np.array(box[:2] + box[2:] / 2, np.float64)
        width = max(box[2], WIDTH / HEIGHT * box[3]) * 1.25
        rotation, rng = 0.0, self.rng
        if self.augment:
            if visible.sum() > 8 and rng.rand() < 0.3:
                center, width = self.half_body(points, visible, center, width)
            width *= np.clip(1 + 0.35 * rng.randn(), 0.65, 1.35)
            if rng.rand() <= 0.6:
                rotation = np.clip(45 * rng.randn(), -90, 90)
            if rng.rand() <= 0.5:
                image = image[:, ::-1]
                points[:, 0] = image.shape[1] - 1 - points[:, 0]
                center[0] = image.shape[1] - 1 - center[0]
                for i, j in self.flip_pairs:
                    points[[i, j]] = points[[j, i]]
                    visible[[i, j]] = visible[[j, i]]
        matrix = self.crop_matrix(center, width, rotation)
        crop = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        for i in range(len(points)):
            if visible[i]:
                points[i] = matrix @ np.array([points[i, 0], points[i, 1], 1.0])
        return crop, *self.target(points, visible)

    def half_body(self, points, visible, center, width):
        import numpy as np

        upper = [p for i, p in enumerate(points) if visible[i] and i in self.upper]
        lower = [p for i, p in enumerate(points) if visible[i] and i not in self.upper]
        if self.rng.randn() < 0.5 and len(upper) > 2:
            chosen = np.array(upper)
        else:
            chosen = np.array(lower if len(lower) > 2 else upper)
        if len(chosen) < 2:
            return center, width
        extent = chosen.max(axis=0) - chosen.min(axis=0)
        # Joints on one point would make the official code divide by zero.
        width = max(extent[0], WIDTH / HEIGHT * extent[1], 1.0) * 1.5
        return chosen.mean(axis=0), width

    @staticmethod
    def crop_matrix(center, width, rotation):
        """The affine map of three points: the centre, the one above it, and a third."""
        import cv2
        import numpy as np

        sine, cosine = np.sin(np.deg2rad(rotation)), np.cos(np.deg2rad(rotation))
        up = np.array([sine, -cosine]) * width / 2
        source = np.array([center, center + up, center + up + [up[1], -up[0]]])
        middle = np.array([WIDTH / 2, HEIGHT / 2])
        up = np.array([0, -WIDTH / 2])
        target = np.array([middle, middle + up, middle + up + [up[1], -up[0]]])
        return cv2.getAffineTransform(np.float32(source), np.float32(target))

    @staticmethod
    def target(points, visible):
        import numpy as np

        height, width = HEIGHT // STRIDE, WIDTH // STRIDE
        heatmaps = np.zeros((len(points), height, width), np.float32)
        weights = visible.astype(np.float32)
        reach = SIGMA * 3
        for k, point in enumerate(points):
            x, y = int(point[0] / STRIDE + 0.5), int(point[1] / STRIDE + 0.5)
            left, top = x - reach, y - reach
            right, bottom = x + reach + 1, y + reach + 1
            if left >= width or top >= height or right < 0 or bottom < 0:
                weights[k] = 0
                continue
            if not weights[k]:
                continue
            grid = np.arange(0, 2 * reach + 1, 1, np.float32)
            squares = (grid - reach) ** 2 + (grid[:, None] - reach) ** 2
            patch = np.exp(-squares / (2 * SIGMA**2))
            rows = slice(max(0, top), min(bottom, height))
            columns = slice(max(0, left), min(right, width))
            heatmaps[k, rows, columns] = patch[
                rows.start - top : rows.stop - top,
                columns.start - left : columns.stop - left,
            ]
        return heatmaps, weights


def our_batches(source, keypoint_set, batch_size, seed):
    """An endless iterator over our batches, made by one thread."""
    import tensorflow as tf

    from hrnet_tf.data.augment.affine import PoseAugmentation
    from hrnet_tf.data.heatmaps import HeatmapCodec
    from hrnet_tf.tasks.pose import stream as pipeline

    codec = HeatmapCodec((HEIGHT, WIDTH), STRIDE, SIGMA)
    people = pipeline.people_stream(source, keypoint_set.num_keypoints)
    batches = pipeline.training_batches(
        people, codec, keypoint_set, batch_size, PoseAugmentation(), seed=seed
    )
    threads = tf.data.Options()
    threads.threading.private_threadpool_size = 1
    threads.threading.max_intra_op_parallelism = 1
    return iter(batches.with_options(threads))


def measure(batches, num_batches):
    """Returns (wall, CPU) seconds of the next batches."""
    # What was made ahead does not count: the buffers are emptied first, and a fresh
    # iterator's are as empty at the end.
    for _ in range(3):
        next(batches)
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(num_batches):
        next(batches)
    return time.perf_counter() - wall, time.process_time() - cpu


def run(sides, rounds, num_batches):
    """Measures the sides in turn; returns {name: [(wall, CPU) of each round]}."""
    times = {name: [] for name in sides}
    for k in range(rounds + 1):
        for name, make in sides.items():
            batches = make(k)
            result = measure(batches, num_batches)
            del batches
            # Threads of the side measured last finish what they had begun.
            time.sleep(0.2)
            if k > 0:  # Round 0 warms files and code.
                times[name].append(result)
    return times


def report(times, num_people, title):
    """Prints the medians; ratios are medians of each round's own ratio."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    table.add_column("pipeline")
    for column in ("images/s", "CPU ms an image", "wall ratio", "CPU ratio"):
        table.add_column(column, justify="right")
    official = times["official (cv2)"]
    for name, rounds in times.items():
        wall, cpu = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratios = [
            statistics.median(
                o[i] / r[i] for o, r in zip(official, rounds, strict=True)
            )
            for i in (0, 1)
        ]
        table.add_row(
            name,
            f"{num_people / wall:.0f}",
            f"{1000 * cpu / num_people:.2f}",
            *(f"{ratio:.2f}" for ratio in ratios),
        )
    Console().print(table)


def main(arguments=None):
    options = parse_arguments(arguments)
    use_one_core()
    from hrnet_tf.data.keypoint_sets import load_keypoint_set
    from hrnet_tf.data.shards import write_pose_records

    keypoint_set = load_keypoint_set("coco")
    with tempfile.TemporaryDirectory() as scratch:
        examples, name = load_examples(options, keypoint_set, scratch)
        records = write_pose_records(examples, Path(scratch) / "records", keypoint_set)
        total = sum(example.num_people for example in examples)
        batch_size = min(options.batch_size, total)
        num_batches = max(1, options.people // batch_size)
        sides = {
            "official (cv2)": lambda k: OfficialPipeline(
                examples, keypoint_set, seed=k
            ).batches(batch_size),
            "hrnet_tf, files": lambda k: our_batches(
                examples, keypoint_set, batch_size, k
            ),
            "hrnet_tf, records": lambda k: our_batches(
                records, keypoint_set, batch_size, k
            ),
        }
        times = run(sides, options.rounds, num_batches)
    report(
        times,
        num_batches * batch_size,
        f"Training input, one core: {total} people of {name}, {options.rounds} rounds"
        f" of {num_batches * batch_size}; a ratio above 1 means faster than official",
    )


if __name__ == "__main__":
    main()
