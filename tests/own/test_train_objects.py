"""Detectors that are trained on boxes of the user's own, and tested on them."""

import json

import keras
import pytest
from command_line import fail, run
from own_box_tools import cvat
from own_objects import coco

from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe_files import load_recipe

SMALL = ("--preset", "hrnet_test", "--epochs", 1, "--batch-size", 2)
SMALL += ("--set", "image_size=(64,64)", "--set", "num_channels=32")


@pytest.mark.slow
@pytest.mark.parametrize("draw", [coco, cvat])
def test_training_writes_all_and_is_tested_alike(tmp_path, draw):
    """The report of `hrnet evaluate` is that of the run's last test."""
    path = draw(tmp_path / "data", count=8)
    out = tmp_path / "run"
    said = run(
        *("train", "detection", "--data", path, "--out", out),
        *("--recipe-out", tmp_path / "own.py", *SMALL),
    ).out
    assert "put aside, at random" in said and "best model" in said
    assert json.loads((out / "split.json").read_text())["val"]
    recipe = load_recipe(tmp_path / "own.py")
    found = json.loads((out / "run.json").read_text())
    identity = Identity.of(recipe, recipe.model(), 0).with_data(recipe)
    assert identity.differences(found) == ""
    told = run(
        *("evaluate", "--model", out / "best.keras", "--data", path),
        *("--out", tmp_path / "test"),
    ).out
    report = json.loads((tmp_path / "test" / "report.json").read_text())
    history = (out / "history.csv").read_text().splitlines()
    row = dict(zip(history[0].split(","), history[-1].split(","), strict=True))
    assert report["numbers"]["AP"] == pytest.approx(float(row["AP"]), abs=1e-6)
    assert "as in" in told and list((tmp_path / "test" / "pictures").iterdir())
    trains_from(path, out / "best.keras", tmp_path / "second")


def trains_from(path, weights, out):
    """A detector's weights tell the network; rows are carried by name."""
    objects = path.parent / "more.json"
    objects.write_text('{"name": "more", "classes": ["plum", "pear"]}')
    said = run(
        *("train", "detection", "--data", path, "--out", out, "--weights", weights),
        *("--epochs", 1, "--batch-size", 2, "--set", "image_size=(64,64)"),
        *("--objects", objects),
    ).out
    assert f"that of {weights}" in said and f"those of {weights}" in said
    assert "1 of 2 classes carried over by name: pear; fresh: plum" in said


def test_a_model_of_other_classes_is_refused(tmp_path):
    keras.utils.set_random_seed(0)
    from hrnet_tf import HRNetFCOS

    model = HRNetFCOS.from_preset(
        *("hrnet_test", False),
        num_classes=1,
        num_channels=32,
        class_names=("plum",),
        image_size=(64, 64),
    )
    model.save(tmp_path / "plum.keras")
    path = coco(tmp_path / "data", count=4)
    text = fail("evaluate", "--model", tmp_path / "plum.keras", "--data", path)
    assert (
        "has the classes apple, pear" in text and "plum.keras has none (plum)" in text
    )
