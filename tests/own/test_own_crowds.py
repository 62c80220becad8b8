"""Pictures of several people of the user's own, for bottom-up training."""

import dataclasses
import json

import numpy as np
import pytest
from command_line import fail, run
from own_people import CROWD, NAMES, draw_crowds

from hrnet_tf import tasks
from hrnet_tf.data.repeated_labels import RepeatedLabels
from hrnet_tf.own.choices import Machine, settings_of
from hrnet_tf.own.examine import examine
from hrnet_tf.own.reading import read_data
from hrnet_tf.own.split import with_validation
from hrnet_tf.tasks.bottom_up.own_people import scenes_of
from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe_files import load_recipe

TASK = tasks.task_named("bottom_up")


@pytest.fixture(scope="module")
def mice(tmp_path_factory):
    return draw_crowds(tmp_path_factory.mktemp("mice"))


def chosen(path, machine=None, **given):
    """What is chosen, by its name."""
    data, _ = with_validation(read_data(path, "pose"))
    choices = TASK.parts.own_data.choose(data, machine or Machine(8e9), given)
    return {choice.name: choice for choice in choices}


def test_each_setting_has_a_reason_and_an_option(mice):
    found = chosen(mice)
    assert all(choice.reason and choice.option for choice in found.values())
    assert found["side"].value == 128 and "96x128 px" in found["side"].reason
    assert found["flips"].value is True and found["metric"].value == "oks"
    assert found["keypoints"].value["sigmas"] == [0.1] * 3
    assert "nothing tells its sigmas" in found["metric"].reason
    assert "(OKS 0.5) with all keypoints 24% of" in found["metric"].reason


@pytest.mark.parametrize("task", ["bottom_up", "pose"])
def test_sigmas_are_those_of_several_labels(mice, task):
    data, _ = with_validation(read_data(mice, "pose"))
    rng = np.random.default_rng(0)
    labels = np.concatenate(
        [rng.normal(0, 5, (50, 2, 3, 2)), np.ones((50, 2, 3, 1))], -1
    )
    repeats = tuple(RepeatedLabels(points, 10_000.0) for points in labels)
    train = dataclasses.replace(data.train, repeats=repeats)
    data = dataclasses.replace(data, splits={**data.splits, "train": train})
    own = tasks.task_named(task).parts.own_data
    found = {c.name: c for c in own.choose(data, Machine(8e9), {})}
    # The root of two squares of 5 px, of 100 px.
    sigmas = found["keypoints"].value["sigmas"]
    np.testing.assert_allclose(sigmas, 0.0707, rtol=0.15)
    assert "by 50 people that several people labelled" in found["keypoints"].reason
    assert found["metric"].value == "oks"
    assert "nothing tells" not in found["metric"].reason


def test_sigmas_and_sides_of_the_user_win(mice):
    told = {"name": "mouse", "names": list(NAMES), "sigmas": [0.05, 0.02, 0.02]}
    found = chosen(mice, keypoints=told, side=64)
    assert found["keypoints"].value["sigmas"] == [0.05, 0.02, 0.02]
    assert "nothing tells" not in found["metric"].reason
    assert found["side"].value == 64
    with pytest.raises(ValueError, match="divisible by 64.*side=100"):
        chosen(mice, side=100)
    with pytest.raises(ValueError, match="tested by metric='oks' alone"):
        settings = settings_of(chosen(mice, metric="pck").values())
        data, _ = with_validation(read_data(mice, "pose"))
        TASK.parts.own_data.recipe(mice, loaded=data, **settings)


def test_crowds_are_masked_and_people_are_not(mice):
    scene = scenes_of(read_data(mice, "pose").train)[0]
    x, y, w, h = CROWD
    assert scene.num_people == 2
    assert scene.ignored[y + 1 : y + h - 1, x + 1 : x + w - 1].all()
    assert scene.ignored.sum() == pytest.approx(w * h, rel=0.15)


def test_outlines_that_cannot_be_drawn_stop_or_are_counted(tmp_path):
    path = draw_crowds(tmp_path, count=2)
    content = json.loads(path.read_text())
    runs = {"size": [4, 4], "counts": [3, 3]}
    content["annotations"][2]["segmentation"] = runs
    path.write_text(json.dumps(content))
    data = read_data(path, "pose").train
    with pytest.raises(ValueError, match="annotation 2 .*runs are of 6 pixels"):
        scenes_of(data)
    with pytest.warns(UserWarning, match="skipped 1 bad example"):
        first, second = scenes_of(data, skip_bad=True)
    assert not first.ignored.any() and second.ignored.any()


@pytest.mark.parametrize(
    "people, text",
    [(1, "100% of the pictures show one person"), (31, "A picture has 31 people")],
)
def test_one_and_too_many_people_are_told(tmp_path, people, text):
    path = draw_crowds(tmp_path, count=4, people=people, crowd=False)
    found = examine(TASK, {"data": str(path)}, decode=False)
    assert text in " ".join(f.text for f in found.findings)
    assert found.facts["People in a picture"].rows[0][1] == str(people)


@pytest.mark.slow
def test_training_writes_all_and_is_tested_alike(mice, tmp_path):
    """The report of `hrnet evaluate` is that of the run's last test."""
    out = tmp_path / "run"
    said = run(
        *("train", "bottom_up", "--data", mice, "--out", out, "--epochs", 1),
        *("--recipe-out", tmp_path / "own.py", "--preset", "hrnet_test"),
        *("--batch-size", 2, "--set", "side=64"),
    ).out
    assert "put aside, at random" in said and "best model" in said
    recipe = load_recipe(tmp_path / "own.py")
    found = json.loads((out / "run.json").read_text())
    identity = Identity.of(recipe, recipe.model(), 0).with_data(recipe)
    assert identity.differences(found) == ""
    run(
        *("evaluate", "--model", out / "best.keras", "--data", mice),
        *("--out", tmp_path / "test"),
    )
    report = json.loads((tmp_path / "test" / "report.json").read_text())
    history = (out / "history.csv").read_text().splitlines()
    row = dict(zip(history[0].split(","), history[-1].split(","), strict=True))
    assert report["numbers"]["AP"] == pytest.approx(float(row["AP"]), abs=1e-6)
    assert list((tmp_path / "test" / "pictures").iterdir())
    words = ("--data", mice, "--metric", "crowdpose")
    text = fail("evaluate", "--model", out / "best.keras", *words)
    assert "tested by metric='oks' alone" in text


def test_every_task_trains_on_data_of_ones_own():
    """An error of `hrnet train --data` lists all tasks."""
    assert all(task.parts.own_data is not None for task in tasks.TASKS)
