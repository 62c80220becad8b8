"""Every option that a task adds to a command does something, on tiny data."""

import json
import shutil

import keras
import pytest
from command_line import run
from drawn_faces import draw_faces, write_json
from drawn_labels import draw_labels
from drawn_shapes import draw_data_set
from test_recipes import lsp_layout

import hrnet_tf
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.tasks import TASKS

pytestmark = pytest.mark.slow
# What takes a file that was damaged is run with --skip-bad.
RECIPES = {
    "pose": "lspet_pose",
    "bottom_up": "coco_bottom_up/w32_512",
    "landmarks": "face68",
    "segmentation": "camvid",
    "classification": "digits",
    "detection": "synthetic_objects/faster_rcnn",
}


class Place:
    """Data and a model of a task.

    `values` are what options are given, by command and name: lists of arguments that go
    with the flag, and others that it needs; None where another test has it.
    """

    def __init__(self, folder):
        self.folder = folder
        self.values = {}

    def damage(self, path):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])


# What tests of detectors, and of videos, have.
DETECTED = {"detector": None, "detect_class": None, "track": None}
DETECTED_EXPORT = {"detector": None, "detect_class": None, "min_box_score": None}


def pose(folder, people_dir):
    place = Place(folder)
    place.data = lsp_layout(people_dir, folder / "lsp")
    place.images = place.data / "images"
    place.damaged = sorted((people_dir / "train2017").iterdir())[0].name
    annotations = place.data / "annotations" / "person_keypoints_val.json"
    place.annotations = ["--annotations", annotations]
    keypoints = load_keypoint_set("lsp")
    place.model = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test",
        load_weights=False,
        num_keypoints=14,
        image_size=(64, 64),
        keypoint_set=keypoints.to_dict(),
    )
    contents = json.loads(annotations.read_text())
    place.image = place.images / contents["images"][0]["file_name"]
    place.values = {
        "train": {"loss": ["mse"], "keypoints": ["lsp"]},
        "evaluate": {
            "annotations": [annotations],
            "format": ["coco"],
            "batch_size": [2],
            "keypoints": ["lsp"],
            "boxes": ["ground-truth"],
            "metric": ["pck"],
            # MPII's, which tests of its format have.
            "ground_truth_mat": None,
            # Of --data, which tests of data of the user's own have.
            "split": None,
        },
        "predict": {
            "boxes": [annotations],
            "min_score": [0.5],
            "min_box_score": [0.1, "--boxes", annotations],
            **DETECTED,
        },
        "export": dict(DETECTED_EXPORT),
        "records": {
            "annotations": [annotations],
            "keypoints": ["lsp"],
            "format": ["coco", "--keypoints", "lsp"],
        },
    }
    return place


def landmarks(folder, people_dir):
    place = Place(folder)
    keypoints = load_keypoint_set("300w")
    place.data = folder / "faces"
    (place.data / "annotations").mkdir(parents=True)
    place.images = place.data / "images"
    for seed, (split, count) in enumerate((("train", 5), ("val", 3))):
        drawn = draw_faces(place.images, keypoints, count, seed)
        path = place.data / "annotations" / f"face_landmarks_{split}.json"
        write_json(path, drawn)
    place.damaged = "0_0.png"
    place.annotations = ["--annotations", path]
    place.model = hrnet_tf.HRNetLandmarks.from_preset(
        "hrnet_test",
        load_weights=False,
        num_keypoints=68,
        image_size=(64, 64),
        keypoint_set=keypoints.to_dict(),
    )
    place.image = place.images / "1_0.png"
    place.values = {
        "train": {"loss": ["mse"], "keypoints": ["300w"]},
        "evaluate": {
            "annotations": [path],
            "format": ["coco"],
            "batch_size": [2],
            "keypoints": ["300w"],
            "reference": ["0,16"],
            "split": None,
        },
        "predict": {
            "boxes": [path],
            "min_score": [0.5],
            "min_box_score": [0.1, "--boxes", path],
            **DETECTED,
        },
        "export": dict(DETECTED_EXPORT),
    }
    return place


def segmentation(folder, people_dir):
    place = Place(folder)
    (folder / "shapes").mkdir()
    place.data = draw_labels(folder / "shapes", num_train=5, num_val=3)
    labels = place.data / "labels.json"
    # As CamVid names its splits.
    place.images, place.damaged = place.data / "val", "0.png"
    place.annotations = ["--labels", place.data / "valannot"]
    place.model = hrnet_tf.HRNetSegmenter.from_preset(
        "hrnet_test",
        load_weights=False,
        num_classes=3,
        label_set=load_label_set(labels).to_dict(),
    )
    place.image = place.images / "1.png"
    pairs = "".join(f"val/{i}.png valannot/{i}.png\n" for i in range(1, 3))
    (place.data / "pairs.txt").write_text(pairs)
    listed = ["--list", place.data / "pairs.txt", "--images", place.data]
    place.values = {
        "train": {"labels": [labels]},
        "evaluate": {
            "format": ["folder"],
            "batch_size": [2],
            "labels": [place.data / "valannot"],
            "split": None,
            "label_set": [labels],
            "list_file": [place.data / "pairs.txt", "--format", "list", *listed[2:]],
            "protocol": ["whole"],
            "scales": ["0.75,1"],
        },
        "predict": {"scales": ["0.75,1"], "tile": [96], "alpha": [0.3]},
        # For LiteRT, whose tests have it.
        "export": {"image_size": None},
    }
    return place


def classification(folder, people_dir):
    place = Place(folder)
    place.data = draw_data_set(folder / "shapes", num_train=4, num_val=2)
    place.images, place.damaged = place.data / "val", "circle/000.jpg"
    place.annotations = []
    place.model = hrnet_tf.HRNetClassifier.from_preset(
        "hrnet_test",
        load_weights=False,
        num_classes=3,
        image_size=(64, 64),
        class_names=("circle", "square", "stripes"),
    )
    place.image = place.images / "square" / "000.jpg"
    names = place.data / "names.txt"
    names.write_text("circle circle\nsquare square\nstripes stripes\n")
    listed = place.data / "labels.txt"
    listed.write_text("square/000.jpg square\nstripes/001.jpg stripes\n")
    place.values = {
        "train": {},
        "evaluate": {
            "batch_size": [2],
            "labels": [listed, "--class-names", names],
            "split": None,
            "format": None,
            "crop_fraction": [0.9],
            "image_size": [64],
            "class_names": [names],
        },
        "predict": {"top_k": [2], "crop_fraction": [0.9]},
        "export": {"crop_fraction": [0.9]},
    }
    return place


def detection(folder, people_dir):
    place = Place(folder)
    place.data, place.images = people_dir, people_dir / "val2017"
    place.damaged = "../train2017/" + next((people_dir / "train2017").iterdir()).name
    annotations = people_dir / "annotations" / "person_keypoints_val2017.json"
    place.annotations = ["--annotations", annotations]
    place.model = hrnet_tf.HRNetFasterRCNN.from_preset(
        "hrnet_test",
        load_weights=False,
        num_classes=1,
        num_channels=32,
        image_size=(64, 96),
        class_names=("person",),
    )
    place.image = next(place.images.iterdir())
    place.values = {
        "train": {"objects": ["people"]},
        "evaluate": {
            "annotations": [annotations],
            "format": ["coco"],
            # Of other formats, whose readers have tests.
            "split": None,
            "objects": ["people"],
            "limits": ["96x64"],
            "batch_size": [2],
        },
        "predict": {
            "limits": ["96x64"],
            "score_threshold": [0.1],
            "max_detections": [5],
            "min_score": [0.5],
            "track": None,
        },
        "export": {
            "limits": ["96x64"],
            "score_threshold": [0.1],
            "max_detections": [5],
        },
        "records": {
            "annotations": [annotations],
            "format": ["coco"],
            "split": None,
            "objects": ["people"],
        },
    }
    return place


def bottom_up(folder, people_dir):
    place = Place(folder)
    place.data = folder / "people"
    shutil.copytree(people_dir, place.data)
    place.images = place.data / "val2017"
    damaged = sorted((place.data / "train2017").iterdir())[0]
    place.damaged = f"../train2017/{damaged.name}"
    annotations = place.data / "annotations" / "person_keypoints_val2017.json"
    place.annotations = ["--annotations", annotations]
    place.model = hrnet_tf.HigherHRNetPose.from_preset(
        "hrnet_test",
        load_weights=False,
        shorter_side=64,
        keypoint_set=load_keypoint_set("coco").to_dict(),
    )
    place.image = sorted(place.images.iterdir())[0]
    seen = {"scales": ["0.5,1"], "shorter_side": [96]}
    place.values = {
        "train": {"keypoints": ["coco"]},
        "evaluate": {
            "annotations": [annotations],
            "format": ["coco"],
            "keypoints": ["coco"],
            "metric": ["oks"],
            # Of --data, which tests of data of the user's own have.
            "split": None,
            "limit": [3],
            **seen,
        },
        "predict": {
            **{"limit": [3], "min_score": [0.5], "min_person_score": [0.3]},
            **{"track": None, **seen},
        },
        "export": {"max_people": [5], **seen},
    }
    return place


MAKE = {
    f.__name__: f
    for f in (pose, bottom_up, landmarks, segmentation, classification, detection)
}


@pytest.fixture(scope="module")
def places(tmp_path_factory, people_dir):
    made = {}
    for task in TASKS:
        keras.utils.set_random_seed(0)
        place = MAKE[task.name](tmp_path_factory.mktemp(task.name), people_dir)
        place.model.save(place.folder / "model.keras")
        made[task.name] = place
    return made


def arguments_of(task, command, option, place):
    """What the option is tried with; None where another test has it."""
    values = place.values.get(command, {})
    if option.name in values:
        value = values[option.name]
        return value and [option.flag, *value]
    # What has no value is known by its type; a new option with one is to be added.
    assert option.type is bool, f"{task.name} {command} {option.flag} was never tried"
    return [option.flag]


def cases(*commands):
    return [
        pytest.param(task, command, option, id=f"{task.name}-{command}{option.flag}")
        for task in TASKS
        for command in commands
        for option in task.options.get(command, ())
    ]


@pytest.mark.parametrize(
    ("task", "command", "option"), cases("evaluate", "predict", "export", "records")
)
def test_options(places, tmp_path, task, command, option):
    place = places[task.name]
    given = arguments_of(task, command, option, place)
    if given is None:
        return
    model = ["--model", place.folder / "model.keras"]
    out = ["--out", tmp_path / "out"]
    needed = place.annotations if given[0] not in place.annotations else []
    if command == "evaluate":
        images = [] if "--images" in given else ["--images", place.images]
        needed = [] if "--list" in given else needed
        # Label maps are written into a folder.
        report = out if option.name == "save_labels" else []
        run(command, *model, *images, *given, *needed, *report)
    elif command == "predict":
        run(command, *model, *out, *given, place.image)
        assert (tmp_path / "out" / "predictions.json").is_file()
    elif command == "export":
        run(command, *model, *out, *given)
    else:
        own = ["--task", task.name]
        if task.name == "pose" and "--keypoints" not in given:
            own += ["--keypoints", "lsp"]
        run(command, "--images", place.images, *needed, *own, *given, *out)


@pytest.mark.parametrize(("task", "command", "option"), cases("train"))
def test_options_of_training(places, tmp_path, task, command, option):
    place = places[task.name]
    given = arguments_of(task, command, option, place)
    labels = place.values["train"].get("labels")
    if labels and option.name != "labels":
        given = [*given, "--labels", *labels]
    small = ["--preset", "hrnet_test", "--epochs", 1, "--batch-size", 2]
    damaged = place.images / place.damaged
    if task.name == "segmentation":
        damaged = place.data / "train" / place.damaged
    content = damaged.read_bytes()
    try:
        if option.name == "skip_bad":
            place.damage(damaged)
        data = ["--data-dir", place.data, "--out", tmp_path / "run"]
        result = run("train", RECIPES[task.name], *data, *small, *given)
    finally:
        damaged.write_bytes(content)
    said = " ".join(result.err.split())
    assert ("1 bad example" in said) == (option.name == "skip_bad"), said
    assert (tmp_path / "run" / "best.keras").is_file()
