"""`hrnet train TASK --data DATA`."""

import json
from types import SimpleNamespace

import pytest
from command_line import fail, run
from own_folders import draw_classes, draw_masks
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
    assert "best model" in said


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
        (("coco_pose", "--data", "x"), "name of a task: pose, bottom_up, landmarks"),
        (("coco_pose", "--images", "x"), "--images belongs to --data"),
        (("pose", "--data", "x", "--data-dir", "y"), "Leave out --data-dir"),
        (("pose", "--data", "absent"), "no file or folder absent"),
        (("pose", "--data", "x", "--labels", "y"), "--labels does not belong"),
    ],
)
def test_wrong_words_are_explained(tmp_path, arguments, message):
    assert message in fail("train", *arguments, "--out", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "task, draw, size, said",
    [
        ("segmentation", draw_masks, "crop_size", "values 0, 255, without names"),
        ("classification", draw_classes, "image_size", "at random in each class"),
    ],
)
def test_folders_train(tmp_path, task, draw, size, said):
    draw(tmp_path / "data")
    result = run(
        *("train", task, "--data", tmp_path / "data", "--out", tmp_path / "run"),
        *("--preset", "hrnet_test", "--epochs", 1, "--set", f"{size}=(64,64)"),
        *("--recipe-out", tmp_path / "own.py", "--batch-size", 2),
    )
    assert said in result.out and "best model" in result.out
    recipe = load_recipe(tmp_path / "own.py")
    found = json.loads((tmp_path / "run" / "run.json").read_text())
    identity = Identity.of(recipe, recipe.model(), 0).with_data(recipe)
    assert identity.differences(found) == ""


class TestTheWayThroughErrors:
    """Doing what an error says leads to the next step, and in the end to training."""

    @pytest.fixture
    def folder(self, tmp_path):
        write_people(tmp_path / "mice", "labels/mice.json")
        (tmp_path / "mice" / "images").rename(tmp_path / "elsewhere")
        return tmp_path

    def test_leads_on(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        monkeypatch.setattr("hrnet_tf.training.run.train", _trains)
        words = ["train", "pose", "--out", "run"]
        assert "pass them as --data" in fail(*words)
        words += ["--data", "mice"]
        assert "mice" in fail(*words)
        words[-1] = "mice/labels/mice.json"
        assert "--images" in fail(*words)
        words += ["--images", "elsewhere"]
        error = fail(*words, "--set", "sigmma=1")
        assert "no setting 'sigmma'" in error and " sigma," in error
        error = fail(*words, "--keypoints", "coco")
        assert "has 3 keypoints" in error and "Pass the descriptor" in error
        error = fail(*words, "--weights", "hrnet_w18_imagenett")
        assert "Did you mean hrnet_w18_imagenet?" in error
        assert run(*words, "--set", "sigma=1", exit_code=0).out.count("sigma") >= 1

    def test_leads_through_a_description(self, folder, monkeypatch):
        monkeypatch.chdir(folder)
        monkeypatch.setattr("hrnet_tf.training.run.train", _trains)
        page = folder / "data.yaml"
        words = ["train", "pose", "--out", "run", "--data", "data.yaml"]
        steps = [
            ("test: x\n", "Add a line such as 'train: train.json'"),
            ("train: mice.json\n", "relative to 'path', or to the file itself"),
            ("train: mice.json\npath: mouse\n", "correct it, or leave it out"),
            (
                "train: mice.json\npath: mice/labels\nimage: x\n",
                "Did you mean 'images'",
            ),
            (
                "train: mice.json\npath: mice/labels\nimages: ../../elsewhere\n"
                "val: mice.json\n",
                "leave val out",
            ),
            (
                "train: mice.json\npath: mice/labels\nimages: ../../elsewhere\n"
                "task: landmark\n",
                "change the line 'task: landmark'",
            ),
        ]
        for text, advice in steps:
            page.write_text(text)
            assert advice in run(*words, exit_code=1).err.splitlines()[-1]
        page.write_text(steps[-1][0].replace("task: landmark\n", ""))
        run(*words)


def _trains(recipe, out, **_):
    """What the run itself would do, but for the training."""
    out.mkdir(exist_ok=True)
    return SimpleNamespace(history=[], output_dir=out, best=0.0)
