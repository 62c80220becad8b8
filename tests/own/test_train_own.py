"""`hrnet train TASK --data DATA`."""

import json

import pytest
from command_line import fail, run
from own_people import write_people

from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe_files import load_recipe

SMALL = ("--preset", "hrnet_test", "--epochs", 1, "--set", "image_size=(64,64)")


@pytest.fixture(scope="module")
def mice(tmp_path_factory):
    """An annotation file with pictures beside it."""
    return write_people(tmp_path_factory.mktemp("mice"))


@pytest.fixture(scope="module")
def trained(mice):
    """A run on it; what it said, its folder and its recipe file."""
    out, file = mice.parent / "run", mice.parent / "mice.py"
    result = run(
        *("train", "pose", "--data", mice, "--images", mice.parent / "images"),
        *("--out", out, "--recipe-out", file, *SMALL),
    )
    return result.out, out, file


def test_names_alone_train_and_are_tested(trained):
    said, out, _ = trained
    assert (out / "best.keras").exists()
    assert "PCK, keypoints within 0.1 of the box's longer side" in said
    assert "pairs change places, by their names: left_paw - right_paw" in said
    assert "best score" in said


def test_each_choice_has_a_reason_and_an_option(trained):
    said, _, _ = trained
    for setting, option in (
        ("batch_size", "--batch-size N"),
        ("preset", "--preset NAME"),
        ("loss", "--loss"),
        ("learning_rate", "--set learning_rate="),
    ):
        (line,) = [ln for ln in said.splitlines() if ln.startswith(f"{setting} ")]
        assert option in line


def test_the_division_is_written_and_followed(trained):
    _, out, _ = trained
    content = json.loads((out / "split.json").read_text())
    assert content["val"] and content["train"]
    assert not set(content["val"]) & set(content["train"])


def test_the_recipe_file_is_the_same_run(trained):
    """The folder takes it for its own run, which is done."""
    _, out, file = trained
    recipe = load_recipe(file)
    found = json.loads((out / "run.json").read_text())
    identity = Identity.of(recipe, recipe.model(), 0).with_data(recipe)
    assert identity.differences(found) == ""
    assert "# " in file.read_text()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("pose",), "pass them as --data"),
        (("coco_pose", "--data", "x"), "name of a task: pose, landmarks"),
        (("coco_pose", "--images", "x"), "--images belongs to --data"),
        (("pose", "--data", "x", "--data-dir", "y"), "Leave out --data-dir"),
        (("pose", "--data", "absent"), "no file or folder absent"),
        (("pose", "--data", "x", "--labels", "y"), "--labels does not belong"),
    ],
)
def test_wrong_words_are_explained(tmp_path, arguments, message):
    assert message in fail("train", *arguments, "--out", tmp_path)
