"""What is told of networks before they are trained."""

import types

import pytest

from hrnet_tf.comparison import member
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.run import TrainingResult

NET = "unet_small:filters=2,depth=1"
USERS = """
import types

VARIANTS = {"one": {"crop_size": (32, 48)}}


def recipe(preset, variant="one"):
    return types.SimpleNamespace(protocol=None)
"""


def test_multiply_adds_are_of_the_size_that_is_trained_on(tmp_path):
    def count(**arguments):
        where = {"data_dir": str(tmp_path), **arguments}
        (facts,) = member.describe("cityscapes/seg_w18_small", [NET], where)
        assert facts["model"] == "UNetSegmenter" and facts["preset"] == NET
        return facts["multiply_adds"]

    # A variant's size, and one that is given in its place.
    assert count() == 32 * count(crop_size=(128, 128))


@pytest.mark.parametrize(
    ("epochs", "every", "wanted"), [(2, 1, 1), (39, 1, 2), (7200, 3, 360), (40, 9, 9)]
)
def test_many_epochs_of_a_few_images_do_not_drown_in_tests(
    epochs, every, wanted, monkeypatch
):
    def load(recipe, preset, **arguments):
        functions = dict.fromkeys(
            ("model", "train_data", "loss", "optimizer", "evaluate"), print
        )
        told = {"name": preset, "settings": {}, "batch_size": 1, **arguments}
        return Recipe(**functions, **told, evaluate_every=every)

    def train(recipe, out, seed):
        trained.append(recipe.evaluate_every)
        return TrainingResult(out, [], 0.5, "AP")

    trained = []
    monkeypatch.setattr("hrnet_tf.training.recipe.load_recipe", load)
    monkeypatch.setattr("hrnet_tf.training.run.train", train)
    found = member.train_member("one", "net", {"epochs": epochs}, "out", 0)
    assert trained == [wanted]
    assert found == {"best": 0.5, "history": [], "main_name": "AP"}


def test_the_size_of_a_users_recipe_may_stand_in_its_variants(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(USERS)
    loaded = types.SimpleNamespace(protocol=None)
    assert member._crop_size(loaded, path, {}) == (32, 48)
    path.write_text("def recipe(preset):\n    pass\n")
    with pytest.raises(ValueError, match="Give its protocol, or its variants, a crop"):
        member._crop_size(loaded, path, {})


def test_a_moment_of_other_work_does_not_change_the_speed(monkeypatch):
    # Tracing, caches that fill, and then a step that something else held up.
    lengths = [20.0, 2.0, 1.0, 1.0, *[0.25] * 5, 9.0, *[0.25] * 50]
    clock = [0.0]
    monkeypatch.setattr(member.time, "perf_counter", lambda: clock[0])

    def step(seconds):
        clock[0] += seconds

    def steps(count):
        return (lambda s=s: step(s) for s in lengths[:count])

    assert member._seconds_a_step(steps(60), 1.0) == 0.25
    assert clock[0] == 34.25
    # So long as is asked, and to the end of the data.
    assert member._seconds_a_step(steps(60), 15.0) == 0.25
    assert clock[0] == 34.25 + 24 + 15
    assert member._seconds_a_step(steps(5), 1.0) == 0.25
    with pytest.raises(ValueError, match="from step 5 on, and the data give only 4"):
        member._seconds_a_step(steps(4), 1.0)
