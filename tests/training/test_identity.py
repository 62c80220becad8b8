"""What makes a run this run: the same in every process, and told where it differs."""

import dataclasses
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from drawn_labels import draw_labels
from small_runs import interrupt, small_recipe, train_until

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.fingerprint import files_fingerprint, fingerprint
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.optimizers.adam import Adam
from hrnet_tf.optimizers.schedules import adjust_rate
from hrnet_tf.tasks.pose.recipe import coco_pose_recipe, official_adam
from hrnet_tf.training.describe import Describer
from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe_files import package_recipes
from hrnet_tf.training.run import train

ROOT = Path(__file__).parents[2]
# Most variants differ from their recipe's first one in constants alone.
RECIPES = [
    f"{name}/{variant}"
    for name, file in package_recipes().items()
    for variant in file.variants
]


def python(*arguments, hash_seed="0"):
    """Starts Python with this package and the tests' modules."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process):
    out, error = process.communicate(timeout=600)
    assert process.returncode == 0, error
    return out


@pytest.fixture(scope="module")
def identities(request):
    """Of the recipes under test, in two processes that did other things before."""
    script = ROOT / "tests" / "identities.py"
    names = [
        item.callspec.params["recipe"]
        for item in request.session.items
        if item.name.startswith("test_is_the_same_in_every_process[")
    ]
    runs = [
        python(script, others, *names, hash_seed=seed)
        for others, seed in ((0, "1"), (3, "2"))
    ]
    return [json.loads(output(run).splitlines()[-1]) for run in runs]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_is_the_same_in_every_process(identities, recipe):
    first, second = (found[recipe] for found in identities)
    assert first == second
    assert first["optimizer"]["class"] in ("Adam", "AdamW", "Muon", "TorchSGD")
    # An address would be another one in the next process.
    assert " at 0x" not in json.dumps(first)


@pytest.mark.slow
def test_a_recipe_with_an_initializer_goes_on_in_another_process(tmp_path):
    folder = draw_labels(tmp_path)
    command = [
        *("-c", "from hrnet_tf.cli import app; app()", "train", "camvid"),
        *("--data-dir", folder, "--labels", folder / "labels.json"),
        *("--preset", "hrnet_test", "--batch-size", 4, "--epochs", 1),
        *("--out", tmp_path / "run"),
    ]
    output(python(*command))
    assert "the run is finished: 1 epoch is done" in output(python(*command))
    parts = json.loads((tmp_path / "run" / "run.json").read_text())
    initializer = parts["model"]["kernel_initializer"]
    assert initializer["class"] == "VarianceScaling" and initializer["scale"] == 2.0


def pose_recipe(data_dir, optimizer=None, **changes):
    arguments = {
        "name": "tiny",
        "settings": {"preset": "hrnet_test", "batch_size": 8, "epochs": 3},
        "data_dir": data_dir,
        "image_size": (64, 64),
        "sigma": 1.0,
        "augmentation": PoseAugmentation(),
        "optimizer": optimizer or functools.partial(official_adam, learning_rate=1e-3),
    }
    return coco_pose_recipe(**{**arguments, **changes})


def identity(recipe, seed=0, with_data=False):
    found = Identity.of(recipe, recipe.model(), seed)
    return found.with_data(recipe) if with_data else found


def stored(found):
    return json.loads(json.dumps(found.to_json()))


@pytest.fixture(scope="module")
def before(people_dir):
    """The `run.json` of a run on drawn people."""
    return stored(identity(pose_recipe(people_dir), with_data=True))


def test_the_same_recipe_is_the_same_run(before, people_dir):
    found = identity(pose_recipe(people_dir), with_data=True)
    assert found.differences(before) == ""


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"image_size": (64, 96)}, "image_size of the protocol ([64, 64] there, [64, "),
        ({"sigma": 2.0}, "sigma of the protocol (1.0 there, 2.0 now), heatmap_sigma"),
        ({"convention": "udp"}, "convention of the protocol ('official' there, 'udp'"),
        ({"loss": "cross_entropy"}, "loss of the protocol ('mse' there, 'cross_entr"),
        ({"weights": "w32.pth"}, "weights of the protocol (None there, 'w32.pth' now)"),
        (
            {"augmentation": PoseAugmentation(rotation=10)},
            "rotation of the augmentation (45.0 there, 10 now)",
        ),
        (
            {"optimizer": lambda steps, epochs: Adam(1e-4)},
            "epsilon of the optimizer (1e-08 there, 1e-07 now)",
        ),
        (
            {"optimizer": lambda steps, epochs: keras.optimizers.SGD(0.1)},
            "class of the optimizer ('Adam' there, 'SGD' now)",
        ),
        (
            {"optimizer": functools.partial(official_adam, milestones=(100, 200))},
            "boundaries of the optimizer's learning_rate ([19999, 29999] there, [9999,",
        ),
        (
            {"optimizer": functools.partial(official_adam, learning_rate=1e-2)},
            "values of the optimizer's learning_rate ([0.001, 0.0001, ",
        ),
        (
            {"keypoints": "lsp"},
            "name of the data's keypoint_set ('coco' there, 'lsp' now)",
        ),
        ({"dtype": "mixed_bfloat16"}, "dtype of the model ('float32' there, 'mixed_bf"),
        ({"representation": "v2"}, "representation of the model ('v1' there, 'v2' now"),
    ],
)
def test_a_change_is_told(before, people_dir, monkeypatch, changes, text):
    if "weights" in changes:
        monkeypatch.setattr("hrnet_tf.weights.transfer.start_from", lambda *_: "read")
    told = identity(pose_recipe(people_dir, **changes)).differences(before)
    assert text in told
    assert len(told) < 600


def test_a_changed_preset_is_told_in_short(before, people_dir):
    settings = {"preset": "hrnet_w18", "batch_size": 8, "epochs": 3}
    told = identity(pose_recipe(people_dir, settings=settings)).differences(before)
    assert told.startswith("preset ('hrnet_test' there, 'hrnet_w18' now), width of the")
    assert told.endswith(" more") and told.count("there") <= 6


def test_the_seed_and_an_adjusted_rate_are_told(before, people_dir):
    recipe = adjust_rate(pose_recipe(people_dir), warmup_epochs=1, say=pytest.fail)
    told = identity(recipe, seed=1).differences(before)
    assert told.startswith("seed (0 there, 1 now), warmup_epochs (None there, 1 now)")


def test_what_wraps_an_optimizer_does_not_count(before, people_dir):
    def wrapped(steps, epochs):
        inner = official_adam(steps, epochs, learning_rate=1e-3)
        return keras.optimizers.LossScaleOptimizer(inner)

    found = identity(pose_recipe(people_dir, optimizer=wrapped))
    assert found.differences(before) == ""


def test_changed_annotations_are_told(before, people_dir, tmp_path):
    for split in ("train", "val"):
        (tmp_path / f"{split}2017").symlink_to(people_dir / f"{split}2017")
        name = f"person_keypoints_{split}2017.json"
        contents = json.loads((people_dir / "annotations" / name).read_text())
        if split == "train":
            contents["annotations"][0]["keypoints"][0] += 1
        (tmp_path / "annotations").mkdir(exist_ok=True)
        (tmp_path / "annotations" / name).write_text(json.dumps(contents))
    found = identity(pose_recipe(tmp_path), with_data=True)
    told = found.differences(before)
    # The folder is another one, and in it one annotation.
    assert told.count("there") == 2 and told.startswith("data_dir (")
    digest = before["examples"]["train"]["content"]
    assert f"content of the examples' train ('{digest}' there" in told


def test_a_changed_loss_is_told():
    def hinge():
        return keras.losses.Hinge()

    before = stored(identity(small_recipe(), with_data=True))
    after = identity(small_recipe(loss=hinge), with_data=True)
    told = after.differences(before)
    assert told == "class of the loss ('MeanSquaredError' there, 'Hinge' now)"


class TestRuns:
    def test_another_optimizer_is_refused(self, monkeypatch, tmp_path):
        train_until(monkeypatch, 6, interrupt, small_recipe(), tmp_path)
        adam = functools.partial(keras.optimizers.Adam, beta_1=0.5)
        text = r"it differs in beta_1 of the optimizer \(0.9 there, 0.5 now\)\. Choose"
        with pytest.raises(ValueError, match=text):
            train(small_recipe(optimizer=adam), tmp_path)
        questions = []

        def confirm(question):
            questions.append(question)
            return True

        train(small_recipe(optimizer=adam), tmp_path, confirm=confirm)
        assert "beta_1" in questions[0]

    def test_an_earlier_versions_run_goes_on(self, monkeypatch, tmp_path, capsys):
        train_until(monkeypatch, 6, interrupt, small_recipe(), tmp_path)
        file = tmp_path / "run.json"
        file.write_text('{"epochs": 3, "seed": 0, "kernel": "<X object at 0x7f>"}')
        assert len(train(small_recipe(), tmp_path).history) == 3
        said = " ".join(capsys.readouterr().out.split())
        assert said.count("was begun by an earlier version") == 1
        assert json.loads(file.read_text())["optimizer"]["class"] == "Adam"
        file.write_text('{"epochs": 4, "seed": 0}')
        with pytest.raises(ValueError, match=r"epochs \(4 there, 3 now\)\. Choose"):
            train(small_recipe(), tmp_path)

    def test_an_argument_that_is_new_makes_no_difference(self, before, people_dir):
        found = identity(pose_recipe(people_dir))
        earlier = json.loads(json.dumps(before))
        # Of a version that did not have these yet.
        del earlier["model"]["heatmap_convention"]
        del earlier["augmentation"]["distribution"]
        del earlier["optimizer"]["amsgrad"]
        assert found.differences(earlier) == ""
        # It is not at its default.
        del earlier["model"]["image_size"]
        assert found.differences(earlier) == (
            "image_size of the model (None there, [64, 64] now)"
        )


class Unknown:
    """An object that nothing tells from another."""


@dataclasses.dataclass(frozen=True)
class Pair:
    first: int = 1
    second: object = None


class TestDescriber:
    def test_values(self):
        describe = Describer("x")
        assert describe({"a": (1, np.float32(0.5)), 2: {"b", "a"}}) == {
            "a": [1, 0.5],
            "2": ["a", "b"],
        }
        assert describe(float("nan")) == "nan"
        assert describe(Path("a") / "b") == os.path.join("a", "b")
        assert describe(np.arange(3)) == [0, 1, 2]
        large = describe(np.arange(1000))
        assert large["shape"] == [1000] and large != describe(np.arange(1, 1001))
        assert describe(Pair(second=Pair)) == {
            "class": "Pair",
            "first": 1,
            "second": f"{__name__}.Pair",
        }
        assert describe.defaults == {("x", "first")}
        types = {"a": np.dtype("int8"), "b": keras.DTypePolicy("mixed_float16")}
        assert describe(types) == {"a": "int8", "b": "mixed_float16"}

    def test_functions_without_names_are_told_by_their_code(self):
        def scaled(factor):
            return lambda x: x * factor

        describe = Describer("x")
        assert describe(scaled(2)) == describe(scaled(2)) != describe(scaled(3))
        assert describe(lambda x: x + 1) != describe(lambda x: x - 1)
        assert describe(len) == "builtins.len"
        assert describe(functools.cache(scaled(2))) == describe(scaled(2))

        def again(x):
            return again(x)

        assert describe(again)["closure"] == [{"function": describe(again)["function"]}]

    def test_keras_lambdas_are_told_by_their_code(self, recwarn):
        def model(function):
            inputs = keras.Input((2,))
            return keras.Model(inputs, keras.layers.Lambda(function)(inputs))

        first, second = (Describer("model")(model(lambda x: x * 2)) for _ in range(2))
        assert first == second
        assert first != Describer("model")(model(lambda x: x * 3))
        assert not recwarn.list

    def test_what_nothing_describes_is_named(self):
        text = r"settings\.a\[1\] is <.*Unknown object at .*Give Unknown a get_config"
        with pytest.raises(ValueError, match=text):
            Describer("settings")({"a": [0, Unknown()]})

        class Model(keras.Model):
            def __init__(self, unknown):
                super().__init__()

        with pytest.raises(ValueError, match="is a Model, whose get_config fails"):
            Describer("model")(Model(Unknown()))

    def test_names_are_numbered_anew(self):
        def model():
            inputs = keras.Input((2,))
            hidden = keras.layers.Dense(2)(inputs)
            return keras.Model(inputs, keras.layers.Dense(2)(hidden))

        first, second = (Describer("model")(model()) for _ in range(2))
        assert first == second
        assert [layer["name"] for layer in first["layers"]][1:] == ["dense", "dense_1"]


class TestFingerprint:
    def people(self, folder, keypoint=1.0):
        return [
            PoseExample(
                image_path=f"{folder}/images/{i}.jpg",
                image_id=i,
                height=4,
                width=4,
                boxes=[[0, 0, 4, 4]],
                keypoints=np.full((1, 2, 3), keypoint),
                areas=[16],
                ids=[i],
            )
            for i in range(3)
        ]

    def test_is_of_names_and_labels_wherever_they_are(self):
        found = fingerprint(self.people("/a"))
        assert found == fingerprint(self.people("/elsewhere/b"))
        assert found["examples"] == 3
        assert found != fingerprint(self.people("/a", keypoint=2.0))
        assert found != fingerprint(self.people("/a")[::-1])
        assert found != fingerprint(self.people("/a"), pixels=np.arange(3))
        assert fingerprint([])["examples"] == 0

    def test_of_files(self, tmp_path):
        (tmp_path / "a").write_text("12")
        found = files_fingerprint([tmp_path / "a"], people=3)
        assert (found["people"], found["files"]) == (3, 1)
        (tmp_path / "a").write_text("123")
        assert files_fingerprint([tmp_path / "a"], people=3) != found
