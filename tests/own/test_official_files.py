"""MPII, 300W, WFLW, AFLW and COFW as they are published, without a recipe."""

import json

import numpy as np
import pytest
from command_line import run
from drawn_faces import cofw_arrays, draw_faces, write_csv, write_mat73
from PIL import Image

from hrnet_tf import tasks
from hrnet_tf.cli.data import chosen_task
from hrnet_tf.data.formats.tools import read_labelled
from hrnet_tf.data.keypoint_sets import MPII, load_keypoint_set
from hrnet_tf.own.choices import Machine
from hrnet_tf.own.layout import kind_of
from hrnet_tf.own.reading import read_data
from hrnet_tf.own.split import with_validation

TABLES = {
    "300w": ("train", "valid", "test"),
    "wflw": ("train", "test"),
    "aflw": ("train", "test"),
}
PARTS = {"train": "train", "valid": "val", "test": "test"}


def table(folder, name):
    """The layout of a table's recipe, with a table of a subset beside the others."""
    known = load_keypoint_set(name)
    for seed, part in enumerate((*TABLES[name], "test_frontal")):
        drawn = draw_faces(folder / "images", known, 8, seed)
        sizes = [60.0] * 8 if name == "aflw" else None
        write_csv(folder / f"face_landmarks_{name}_{part}.csv", drawn, sizes)
    return folder


def cofw(folder):
    drawn = draw_faces(folder / "drawn", load_keypoint_set("cofw"), 8)
    images, shapes = cofw_arrays(folder / "drawn", drawn)
    write_mat73(folder / "COFW_train_color.mat", images, shapes)
    write_mat73(folder / "COFW_test_color.mat", images, shapes, ("IsT", "phisT"))
    return folder


def mpii(folder):
    from scipy.io import savemat

    (folder / "images").mkdir(parents=True)
    (folder / "annot").mkdir()
    rng = np.random.default_rng(0)
    for part in ("train", "valid"):
        people = []
        for i in range(8):
            name = f"{part}{i}.jpg"
            picture = Image.new(
                "RGB", (96, 80), tuple(rng.integers(0, 255, 3).tolist())
            )
            picture.save(folder / "images" / name)
            joints = rng.uniform((20, 10), (70, 70), (16, 2)).round(1).tolist()
            person = {"image": name, "center": [48, 38], "scale": 0.35}
            people.append({**person, "joints": joints, "joints_vis": [1] * 16})
        (folder / "annot" / f"{part}.json").write_text(json.dumps(people))
    boxes = np.tile(np.array([[30.0, 40.0], [10.0, 30.0]])[..., None], 8)
    savemat(folder / "annot" / "gt_valid.mat", {"headboxes_src": boxes})
    return folder


def chosen(task, data):
    own = tasks.task_named(task).parts.own_data
    return {c.name: c for c in own.choose(data, Machine(8e9), {})}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_faces(tmp_path, name):
    folder = table(tmp_path / "faces", name)
    assert kind_of(folder) == ("landmarks", "pose")
    assert chosen_task(folder).name == "landmarks"
    data = read_data(folder, "pose")
    assert list(data.splits) == sorted(PARTS[p] for p in TABLES[name])
    assert data.train.format == name and len(data.train.examples) == 8
    data, _ = with_validation(data)
    found = chosen("landmarks", data)
    assert found["keypoints"].value["name"] == name
    assert found["flips"].value is True
    known = load_keypoint_set(name)
    if known.pck_reference is None:
        assert (data.val.examples[0].head_sizes == 60).all()
    one = read_labelled(folder / f"face_landmarks_{name}_train.csv", task="pose")
    assert (one.format, one.names) == (name, known.names)


def test_faces_in_mat_files(tmp_path):
    folder = cofw(tmp_path / "faces")
    assert kind_of(folder) == ("landmarks", "pose")
    data = read_data(folder, "pose")
    assert list(data.splits) == ["test", "train"] and data.train.format == "cofw"
    assert data.train.names == load_keypoint_set("cofw").names
    assert data.train.examples[0].image_path.startswith(str(folder / "images"))


def test_people_of_mpii(tmp_path):
    folder = mpii(tmp_path / "mpii")
    assert kind_of(folder) == (None, "pose") and chosen_task(folder).name == "pose"
    data = read_data(folder, "pose")
    assert set(data.splits) == {"train", "val"} and data.train.format == "mpii"
    found = chosen("pose", data)
    assert found["keypoints"].value["name"] == MPII.name
    # Whose head sizes are in gt_valid.mat.
    assert found["metric"].value == "pckh"
    (folder / "annot" / "valid.json").unlink()
    data, _ = with_validation(read_data(folder, "pose"))
    assert chosen("pose", data)["metric"].value == "pck"
    file = read_data(folder / "annot" / "train.json", "pose")
    assert len(file.train.examples) == 8


def test_the_check_says_what_it_is(tmp_path):
    folder = table(tmp_path / "faces", "wflw")
    said = run("data", "check", folder, "--no-decode").out
    assert "wflw" in said and "put aside" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "draw"),
    [("pose", mpii), ("landmarks", cofw), ("landmarks", lambda f: table(f, "wflw"))],
    ids=["mpii", "cofw", "wflw"],
)
def test_they_train_and_are_tested_alike(tmp_path, task, draw):
    folder = draw(tmp_path / "data")
    if task == "landmarks":
        # The drawn file of the test holds the same pictures.
        for path in folder.glob("COFW_test*"):
            path.unlink()
    out = tmp_path / "run"
    said = run(
        *("train", task, "--data", folder, "--out", out, "--epochs", 1),
        *("--preset", "hrnet_test", "--set", "image_size=(64,64)", "--batch-size", 2),
    ).out
    assert "best model" in said
    report = tmp_path / "report.json"
    words = ("evaluate", "--model", out / "best.keras", "--data", folder)
    run(*words, "--split", "val", "--out", report)
    numbers = json.loads(report.read_text())["numbers"]
    lines = [line.split(",") for line in (out / "history.csv").open()]
    row = dict(zip(lines[0], lines[-1], strict=True))
    name = next(iter(set(numbers) & set(row)))
    assert numbers[name] == pytest.approx(float(row[name]), abs=1e-6)
