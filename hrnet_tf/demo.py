"""The whole path on drawn people: from data to pictures of people that it found.

A pose network and a detector are trained, tested and exported together.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.tasks.drawn import NUM_TRAIN, NUM_VAL
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from rich.console import Console


NUM_PICTURES = 12
RECIPE = "synthetic_pose/w18_small"
DETECTOR_RECIPE = "synthetic_objects/people_finder"
# Of a picture, for the test: a real person may have a low score.
BOXES_A_PICTURE = 20
NUM_STEPS = 8
# Folders and a file below the demo's.
RUNS = ("run", "detector")
PICTURES = "pictures"
ALL_PICTURES = "all.png"


def run_demo(
    output_dir: PathLike,
    console: "Console",
    epochs: int | None = None,
    num_train: int = NUM_TRAIN,
    num_val: int = NUM_VAL,
    detector_epochs: int | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Runs the main job end to end on the embedded data set.

    One that was stopped goes on with its trainings; after one that was finished all
    is trained anew.

    Args:
        output_dir: str or Path. Folder for everything that is made. The drawn data
            are kept; what a finished demo trained and exported is replaced.
        console: rich console.
        epochs: int or None for the recipe's, of the pose network.
        num_train, num_val: int. Pictures to draw.
        detector_epochs: int or None for the recipe's.
        overwrite: bool. True trains anew after a stop too.
    Returns:
        dict with AP and PCK in ground-truth boxes, images_per_second of that test,
        AP_detected in the detector's boxes, box_AP50 of these, seconds and pictures
        (Path).
    Raises:
        ValueError: if the folder holds other data.
    """
    from hrnet_tf.data.synthetic import generate_people
    from hrnet_tf.models.loading import load_model

    started = time.perf_counter()
    output_dir = Path(output_dir)
    data_dir = output_dir / "data"
    with _step(console, 1, "draw people in COCO's layout", num_train + num_val) as tick:
        generate_people(data_dir, num_train, num_val, progress=tick)
    _write_records(data_dir, console)
    goes_on = not _begins_anew(output_dir, overwrite)
    console.print(f"[bold]3/{NUM_STEPS}[/] train HRNet-W18-small on their keypoints")
    _train(RECIPE, data_dir, epochs, output_dir / "run", console)
    pose = load_model(output_dir / "run" / "best.keras")
    numbers = _evaluate(pose, data_dir, console)
    console.print(f"[bold]5/{NUM_STEPS}[/] train a detector to find the people")
    finder_dir = output_dir / "detector"
    _train(DETECTOR_RECIPE, data_dir, detector_epochs, finder_dir, console)
    finder = load_model(finder_dir / "best.keras")
    numbers |= _evaluate_pair(pose, finder, data_dir, output_dir, console)
    _export(pose, finder, output_dir / "saved_model", console)
    numbers["pictures"] = _predict(output_dir, console)
    numbers["seconds"] = time.perf_counter() - started
    _print_table(numbers, output_dir, goes_on, console)
    return numbers


def _begins_anew(output_dir, overwrite):
    """Removes the trainings of a finished demo, or of any; whether none is left."""
    from hrnet_tf.training.folder import remove_run
    from hrnet_tf.training.state import newest_state

    # Written last, and removed last: there is no other sign of the end.
    last = output_dir / PICTURES / ALL_PICTURES
    if overwrite or last.exists():
        for name in RUNS:
            remove_run(output_dir / name)
        last.unlink(missing_ok=True)
    return all(newest_state(output_dir / name) is None for name in RUNS)


def _train(name, data_dir, epochs, run_dir, console):
    import tensorflow as tf

    from hrnet_tf.lowlevel.half_precision import has_instructions
    from hrnet_tf.training.recipe import load_recipe
    from hrnet_tf.training.run import train

    # Faster on such processors by half; of other devices it is not known.
    fast = has_instructions("bfloat16") and not tf.config.list_physical_devices("GPU")
    dtype = "mixed_bfloat16" if fast else None
    recipe = load_recipe(name, data_dir=data_dir, epochs=epochs, dtype=dtype)

    def replaced(question):
        console.print(f"{run_dir} held another run, which this one replaces")
        return True

    train(recipe, run_dir, console=console, confirm=replaced)


def _step(console, number, text, total=None):
    """A context that shows a numbered step, with a bar if it has a total."""
    return _Step(console, f"[bold]{number}/{NUM_STEPS}[/] {text}", total)


class _Step:
    """Progress of one step; calling it with the number done moves the bar."""

    def __init__(self, console, text, total):
        from rich import progress

        self.console, self.text = console, text
        self.bar = progress.Progress(console=console, transient=True)
        self.task = self.bar.add_task(text, total=total)

    def __enter__(self):
        self.bar.start()
        self.started = time.perf_counter()
        return self

    def __call__(self, done, total=None):
        self.bar.update(self.task, completed=done, total=total)

    def __exit__(self, kind, error, trace):
        self.bar.stop()
        seconds = time.perf_counter() - self.started
        self.console.print(f"{self.text}  [dim]{seconds:.0f} s[/]", highlight=False)


def _load(data_dir, split):
    from hrnet_tf.data.formats import coco
    from hrnet_tf.data.keypoint_sets import load_keypoint_set

    annotations = data_dir / "annotations" / f"person_keypoints_{split}2017.json"
    images = data_dir / f"{split}2017"
    return coco.load_pose(annotations, images, load_keypoint_set("coco"), split)


def _write_records(data_dir, console):
    """Writes records of the training pictures, anew each time."""
    import shutil

    from hrnet_tf.data.keypoint_sets import load_keypoint_set
    from hrnet_tf.data.shards import write_pose_records

    examples = _load(data_dir, "train")
    folder = data_dir / "records" / "train"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    with _step(console, 2, "write them as TFRecords", len(examples)) as tick:
        write_pose_records(examples, folder, load_keypoint_set("coco"), progress=tick)


def _evaluate(model, data_dir, console):
    from hrnet_tf.tasks.pose import evaluate as pose

    examples = _load(data_dir, "val")
    truth = data_dir / "annotations" / "person_keypoints_val2017.json"
    with _step(console, 4, "test on held-out pictures, ground-truth boxes") as tick:
        started = time.perf_counter()
        people = pose.predict_people(model, examples, progress=tick)
        seconds = time.perf_counter() - started
        keypoint_set = pose.keypoint_set_of(model)
        oks = pose.score(people, examples, keypoint_set, "oks", truth)
        pck = pose.score(people, examples, keypoint_set, "pck")
    return {
        "AP": oks["AP"],
        "PCK": pck["PCK"],
        "images_per_second": len(people.points) / seconds,
    }


def _evaluate_pair(model, finder, data_dir, output_dir, console):
    """Numbers of the poses in the boxes that a detector finds, and of these."""
    from hrnet_tf.data.formats import coco, coco_objects
    from hrnet_tf.data.object_sets import load_object_set
    from hrnet_tf.io import write_json
    from hrnet_tf.tasks.detection import evaluate as detection
    from hrnet_tf.tasks.pose import evaluate as pose

    truth = data_dir / "annotations" / "person_keypoints_val2017.json"
    images = data_dir / "val2017"
    pictures = coco_objects.load_detection(truth, images, load_object_set("people"))
    boxes_file = output_dir / "detector" / "val_boxes.json"
    found = []

    def keep(example, detections):
        best = detections.chosen(slice(BOXES_A_PICTURE))
        found.extend(best.to_coco(example.image_id))

    with _step(console, 6, "test with the boxes that it finds", len(pictures)) as tick:
        report = detection.evaluate(finder, pictures, progress=tick, on_found=keep)
        write_json(boxes_file, found)
        numbers = {"box_AP50": report.numbers["AP50"], "AP_detected": 0.0}
        if found:
            keypoint_set = pose.keypoint_set_of(model)
            examples = coco.load_detections(
                boxes_file, truth, images, keypoint_set=keypoint_set
            )
            people = pose.predict_people(model, examples, progress=tick)
            oks = pose.score(people, examples, keypoint_set, "oks", truth)
            numbers["AP_detected"] = oks["AP"]
    return numbers


def _export(model, finder, folder, console):
    """One SavedModel of both: from a photo to its people."""
    from hrnet_tf.export.saved_model import export_saved_model
    from hrnet_tf.tasks import make_inference

    with _step(console, 7, "export both as one SavedModel for TensorFlow Serving"):
        export_saved_model(
            model,
            folder,
            flip_test=True,
            overwrite=True,
            detector=make_inference(finder),
        )


def _predict(output_dir, console):
    """Pictures of what the exported pair finds in JPEG bytes, without any box."""
    from hrnet_tf.pictures import sheet, skeletons
    from hrnet_tf.predict import Predictor

    pictures = output_dir / PICTURES
    pictures.mkdir(exist_ok=True)
    examples = _load(output_dir / "data", "val")[:NUM_PICTURES]
    drawn = []
    with _step(console, 8, "predict through the SavedModel", len(examples)) as tick:
        predictor = Predictor.load(output_dir / "saved_model")
        for example in examples:
            keypoints = predictor.predict(example.image_path)
            drawn.append(skeletons.draw_keypoints(example.image_path, keypoints))
            name = Path(example.image_path).stem
            sheet.save_image(drawn[-1], pictures / f"{name}_keypoints.png")
            keypoints.save(pictures / f"{name}_keypoints.json")
            tick(len(drawn), len(examples))
        sheet.save_image(sheet.contact_sheet(drawn), pictures / ALL_PICTURES)
    return pictures


def _print_table(numbers, output_dir, goes_on, console):
    from rich.table import Table

    table = Table(title="HRNet-W18-small on drawn people, held-out pictures")
    table.add_column("what")
    table.add_column("value", overflow="fold")
    table.add_row("AP (OKS, ground-truth boxes)", f"{numbers['AP']:.3f}")
    table.add_row("AP (OKS, detected boxes)", f"{numbers['AP_detected']:.3f}")
    table.add_row("AP50 of the detected boxes", f"{numbers['box_AP50']:.3f}")
    table.add_row("PCK@0.2 of the torso", f"{numbers['PCK']:.3f}")
    speed = f"{numbers['images_per_second']:.0f} people/s"
    table.add_row("test speed with flip test", speed)
    part = "since it went on" if goes_on else "whole demo"
    table.add_row(part, f"{numbers['seconds'] / 60:.1f} min")
    table.add_row("pictures with skeletons", str(numbers["pictures"]))
    curves = [str(output_dir / run / "curves.png") for run in RUNS]
    table.add_row("training curves", "\n".join(curves))
    table.add_row("models, exported", str(output_dir / "saved_model"))
    console.print(table)
