"""Training runs: outputs, exact resume after a kill, other runs' folders."""

import functools

import numpy as np
import pytest
from small_runs import ALWAYS, interrupt, same, states, train_until

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.models.loading import load_model
from hrnet_tf.tasks.pose.recipe import coco_pose_recipe, official_adam
from hrnet_tf.training.recipe import load_recipe
from hrnet_tf.training.run import train


def tiny_recipe(data_dir, epochs=3, settings=None, **kwargs):
    preset = {"preset": "hrnet_test", "batch_size": 8, "epochs": epochs}
    return coco_pose_recipe(
        name="tiny",
        settings={**preset, **(settings or {})},
        data_dir=data_dir,
        image_size=(64, 64),
        augmentation=PoseAugmentation(),
        optimizer=functools.partial(official_adam, learning_rate=1e-3),
        **{"sigma": 1.0, **kwargs},
    )


@pytest.fixture(scope="module")
def whole(people_dir, tmp_path_factory):
    from tensorflow.python.framework import config

    folder = tmp_path_factory.mktemp("whole")
    yield train(tiny_recipe(people_dir), folder, deterministic=True)
    # Public TensorFlow can only switch it on.
    config.disable_op_determinism()


def test_a_run_leaves_models_history_curves_and_events(whole):
    files = {path.name for path in whole.output_dir.iterdir()}
    assert {
        "best.keras",
        "last.keras",
        "history.csv",
        "curves.png",
        "run.json",
        "tensorboard",
        "state",
        ".lock",
    } == files
    assert [row["epoch"] for row in whole.history] == [1, 2, 3]
    assert {"loss", "AP", "AR", "score", "learning_rate"} <= set(whole.history[0])
    assert list((whole.output_dir / "tensorboard").glob("events*"))
    model = load_model(whole.output_dir / "last.keras")
    assert getattr(model, "optimizer", None) is None
    assert model.arguments["keypoint_set"]["name"] == "coco"


@pytest.mark.slow
def test_a_deterministic_run_resumes_bit_for_bit(
    whole, people_dir, tmp_path, monkeypatch
):
    recipe = tiny_recipe(people_dir)
    steps = recipe.train_data(0, 0)[1]
    assert steps > 1
    arguments = {"save_every": ALWAYS, "deterministic": True}
    train_until(monkeypatch, steps + 1, interrupt, recipe, tmp_path, **arguments)
    assert states(tmp_path)[-1] == "epoch-0001-step-000001"
    same(train(recipe, tmp_path, deterministic=True), whole)


def test_a_finished_run_is_not_trained_again(whole, people_dir):
    before = (whole.output_dir / "history.csv").read_text()
    again = train(tiny_recipe(people_dir), whole.output_dir)
    assert again.history == whole.history
    assert (whole.output_dir / "history.csv").read_text() == before


def test_another_runs_folder_is_refused(whole, people_dir):
    with pytest.raises(
        ValueError, match=r"epochs \(3 there, 2 now\).*`overwrite=True`"
    ):
        train(tiny_recipe(people_dir, epochs=2), whole.output_dir)


def test_unknown_loss_is_named(people_dir):
    with pytest.raises(ValueError, match="loss='huber'"):
        tiny_recipe(people_dir, loss="huber")


def test_damaged_image_is_explained(people_dir, tmp_path):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(people_dir, data)
    recipe = tiny_recipe(data)
    batches = recipe.train_data

    def damaged(seed, first_epoch):
        made = batches(seed, first_epoch)
        # Damaged after the annotations were checked, in the middle of a run.
        for image in (data / "train2017").iterdir():
            image.write_bytes(image.read_bytes()[:100])
        return made

    import dataclasses

    with pytest.raises(ValueError, match=r"\d+\.jpg cannot be read"):
        train(dataclasses.replace(recipe, train_data=damaged), tmp_path / "run")


def test_a_start_that_fails_leaves_another_run_alone(whole, people_dir, tmp_path):
    import shutil

    run = tmp_path / "run"
    shutil.copytree(whole.output_dir, run)
    before = sorted(path.name for path in run.rglob("*"))
    with pytest.raises(ValueError, match="hrnet_w33"):
        train(
            tiny_recipe(people_dir, settings={"preset": "hrnet_w33"}),
            run,
            overwrite=True,
        )
    with pytest.raises(ValueError, match="absent"):
        train(tiny_recipe(tmp_path / "absent"), run, overwrite=True)
    assert sorted(path.name for path in run.rglob("*")) == before
    # A folder that nothing was trained in is not claimed either.
    with pytest.raises(ValueError, match="absent"):
        train(tiny_recipe(tmp_path / "absent"), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_what_the_test_lacks_shows_before_training(people_dir, tmp_path):
    import shutil

    data = tmp_path / "data"
    shutil.copytree(people_dir, data)
    (data / "annotations" / "person_keypoints_val2017.json").unlink()
    with pytest.raises(ValueError, match="person_keypoints_val2017.json"):
        train(tiny_recipe(data), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"sigma": 2.0}, "sigma"),
        pytest.param(
            {"representation": "v2"}, "representation", marks=pytest.mark.slow
        ),
    ],
)
def test_a_changed_recipe_is_another_run(whole, people_dir, changes, name):
    with pytest.raises(ValueError, match=f"holds another run: it differs in {name}"):
        train(tiny_recipe(people_dir, **changes), whole.output_dir)


def test_history_has_the_learning_rate_of_its_epoch(whole):
    # 170 and 200 of 210 epochs are 2 and 3 of 3: only the last epoch is slower.
    rates = [row["learning_rate"] for row in whole.history]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4])


@pytest.mark.slow
def test_float16_is_trained_with_loss_scaling(people_dir, tmp_path):
    from hrnet_tf.training.run import _scaled

    recipe = tiny_recipe(people_dir, epochs=1, dtype="mixed_float16")
    optimizer = _scaled(recipe.optimizer(10), recipe.model())
    assert type(optimizer).__name__ == "LossScaleOptimizer"
    plain = tiny_recipe(people_dir)
    assert type(_scaled(plain.optimizer(10), plain.model())).__name__ == "Adam"
    result = train(recipe, tmp_path)
    assert np.isfinite(result.history[0]["loss"])
    assert result.history[0]["learning_rate"] == pytest.approx(1e-3)


def test_recipe_files_say_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="no recipe file.*missing.py"):
        load_recipe(tmp_path / "missing.py")
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match="defines no function `recipe`"):
        load_recipe(tmp_path / "empty.py")
    (tmp_path / "some.py").write_text("def recipe(epochs=1):\n    return epochs\n")
    assert load_recipe(tmp_path / "some.py", epochs=3, preset=None) == 3
    with pytest.raises(ValueError, match="no argument preset.*It takes: epochs"):
        load_recipe(tmp_path / "some.py", preset="hrnet_w32")
