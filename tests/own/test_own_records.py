"""Records of data of the user's own: written, trained on, and tested on."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from command_line import fail, run
from own_box_tools import cvat
from own_people import draw_crowds, write_people

from hrnet_tf.own.reading import read_data
from hrnet_tf.own.split import with_validation

SMALL = ("--preset", "hrnet_test", "--epochs", 1, "--batch-size", 2)
SIZE = ("--set", "image_size=(64,64)")


def _same(one, other, fields):
    """Whether two parts have the same pictures and labels."""
    assert len(one.examples) == len(other.examples) > 0
    for a, b in zip(one.examples, other.examples, strict=True):
        assert a.image_path.split("/")[-1].endswith(b.image_path.split("/")[-1])
        for field in fields:
            np.testing.assert_array_equal(getattr(a, field), getattr(b, field))


@pytest.fixture
def mice(tmp_path):
    path = write_people(tmp_path / "mice")
    out = tmp_path / "records"
    said = run("records", "--data", path, "--out", out, "--num-shards", 2).out
    assert "train, images" in said and "put aside" in said
    return path, out


def test_people_are_the_same_as_in_the_file(mice):
    path, out = mice
    wanted, _ = with_validation(read_data(path, "pose"))
    found = read_data(out, "pose")
    assert found.train.names == wanted.train.names and found.name == "mice"
    fields = ("boxes", "keypoints", "areas", "ids", "height", "width")
    for split in ("train", "val"):
        _same(found.splits[split], wanted.splits[split], fields)
    assert found.train.records == out / "train" and found.val.records is None
    assert len(list((out / "train").glob("*.tfrecord"))) == 2
    assert not any(e.image_path in found.paths("train") for e in found.val.examples)


def test_objects_are_the_same_as_in_the_file(tmp_path):
    path = cvat(tmp_path / "fruit", count=8)
    run("records", "--data", path, "--out", tmp_path / "records")
    wanted, _ = with_validation(read_data(path, "detection"))
    found = read_data(tmp_path / "records", "detection")
    assert found.train.names == wanted.train.names
    for split in ("train", "val"):
        fields = ("boxes", "classes", "areas", "height", "width")
        _same(found.splits[split], wanted.splits[split], fields)


def test_the_command_trains_on_the_folder(mice, monkeypatch, tmp_path):
    recipes = []

    def trains(recipe, out, **_):
        recipes.append(recipe)
        out.mkdir(exist_ok=True)
        return SimpleNamespace(history=[], output_dir=out, best=0.0)

    monkeypatch.setattr("hrnet_tf.training.run.train", trains)
    words = ("--out", tmp_path / "run", *SMALL, *SIZE)
    for data in mice:
        run("train", "pose", "--data", data, *words, "--overwrite")
    files, records = recipes
    assert records.data["records"] and not files.data["records"]
    assert records.fingerprint()["train"] != {}
    batches, steps = records.train_data(seed=0, first_epoch=0)
    assert steps == files.train_data(seed=0, first_epoch=0)[1]
    pictures, heatmaps, _ = next(iter(batches))
    assert pictures.shape == (2, 64, 64, 3) and heatmaps.shape == (2, 16, 16, 3)


def test_what_needs_files_says_so(mice, tmp_path):
    _, out = mice
    assert "pass the data that the records were" in fail("data", "check", out)
    error = fail("train", "bottom_up", "--data", out, "--out", tmp_path / "run")
    assert "a bottom-up training needs their files" in error
    error = fail("train", "detection", "--data", out, "--out", tmp_path / "run")
    assert "records of pose, and detection is wanted" in error
    (out / "train.npz").write_bytes(b"PK")
    error = fail("train", "pose", "--data", out, "--out", tmp_path / "run")
    assert "train.npz cannot be read" in error and "Copy it again" in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Pass --data"),
        (("--images", "x", "--format", "cvat"), "--format cvat belongs to --data"),
        (("--data", "DATA", "--masks"), "--masks does not go with --data and pose"),
        (("--data", "DATA", "--annotations", "x"), "--annotations does not go with"),
        (("--data", "DATA", "--task", "bottom_up"), "no records of 'bottom_up'"),
        (("--data", "DATA", "--task", "segmentation"), "no records of 'segmentation'"),
        (("--data", "DATA", "--beam"), "Leave it out"),
    ],
)
def test_wrong_words_are_explained(tmp_path, words, message):
    path = write_people(tmp_path / "mice")
    words = [path if word == "DATA" else word for word in words]
    assert message in fail("records", *words, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_pictures_are_left_out_of_both(tmp_path):
    path = write_people(tmp_path / "mice", count=30)
    data, _ = with_validation(read_data(path, "pose"))
    for split in ("train", "val"):
        damaged = data.paths(split)[0]
        with open(damaged, "r+b") as file:
            content = bytearray(file.read())
            # Its header and its end are right: only decoding tells.
            content[60:-12] = bytes(len(content) - 72)
            file.seek(0)
            file.write(content)
    words = ("records", "--data", path, "--out", tmp_path / "records")
    assert "--skip-bad" in fail(*words)
    assert not (tmp_path / "records").exists()
    run(*words, "--skip-bad")
    found = read_data(tmp_path / "records", "pose")
    assert len(found.train.examples) == len(data.train.examples) - 1
    assert len(found.val.examples) == len(data.val.examples) - 1
    assert "already holds" in fail(*words)
    run(*words, "--skip-bad", "--overwrite")


def _trained(words, folder, *more):
    """The history of a training in processes of its own."""
    start = "from hrnet_tf.cli import app; app()"
    command = [sys.executable, "-c", start, "train", *words, "--out", folder, *more]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([str(word) for word in command], check=True, env=environment)
    lines = [line.split(",") for line in (folder / "history.csv").open()]
    return dict(zip(lines[0], lines[-1], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("task", ["pose", "detection", "bottom_up"])
def test_two_workers_train_as_one(tmp_path, task):
    """Each reads the data on its own, chooses the same, and one writes the division."""
    if task == "detection":
        path = cvat(tmp_path / "data", count=10)
        size = [*SIZE, "--set", "num_channels=32", "--set", "max_boxes=8"]
    elif task == "pose":
        path, size = write_people(tmp_path / "data"), SIZE
    else:
        path, size = draw_crowds(tmp_path / "data"), ["--set", "side=64"]
    words = [task, "--data", path, *SMALL, *size]
    one = _trained(words, tmp_path / "one")
    two = _trained(words, tmp_path / "two", "--workers", 2)
    files = [tmp_path / run / "split.json" for run in ("one", "two")]
    assert json.loads(files[0].read_text()) == json.loads(files[1].read_text())
    assert float(two["loss"]) == pytest.approx(float(one["loss"]), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["pose", "landmarks", "detection"])
def test_records_train_and_are_tested(tmp_path, task):
    draw = cvat if task == "detection" else write_people
    path, records = draw(tmp_path / "data"), tmp_path / "records"
    run("records", "--data", path, "--out", records, "--task", task)
    size = [*SIZE, "--set", "num_channels=32"] if task == "detection" else SIZE
    out = tmp_path / "run"
    said = run("train", task, "--data", records, "--out", out, *SMALL, *size).out
    assert "best model" in said and not (out / "split.json").exists()
    run("evaluate", "--model", out / "best.keras", "--data", records)
    error = fail(
        *("evaluate", "--model", out / "best.keras", "--data", records),
        *("--split", "train"),
    )
    assert "a test needs their files" in error
