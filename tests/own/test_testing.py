"""`hrnet evaluate --data DATA` tests on what `hrnet train TASK --data DATA` does."""

import json
import shutil

import keras
import numpy as np
import pytest
from command_line import fail, run
from drawn_tools import OUTLINES, PEOPLE, labelme_people, write
from own_folders import draw_classes, draw_masks
from own_people import NAMES, draw_people, write_people
from PIL import Image
from predictions import predict_people
from slow_params import cases

from hrnet_tf import tasks
from hrnet_tf.cli.train_own import read_own
from hrnet_tf.data.formats.tools import FORMATS, find_format
from hrnet_tf.own.choices import Machine, settings_of
from hrnet_tf.own.split import write_split
from hrnet_tf.tasks.options import TOOL_FORMATS

WRITTEN = ("cvat", "label_studio", "labelme", "yolo", "dlc")


def trained(name, data, folder, images=None, **given):
    """Saves the model that a run begins with; returns the test that the run makes."""
    task = tasks.task_named(name)
    own = task.parts.own_data
    where = {"data": str(data), "images": images and str(images), "format": None}
    where |= {"split": str(folder / "split.json"), "work": str(folder / "label_maps")}
    where["skip_bad"] = False
    found, content = read_own(task, where)
    given = {"preset": "hrnet_test", **given}
    choices = own.choose(found, Machine(4e9), given)
    recipe = own.recipe(**where, loaded=found, **settings_of(choices))
    keras.utils.set_random_seed(0)
    model = recipe.model()
    folder.mkdir(exist_ok=True)
    model.save(folder / "best.keras")
    if content is not None:
        write_split(folder / "split.json", content)
    return recipe.evaluate(model, None)


def report_of(folder, *arguments):
    """The report of `hrnet evaluate`, and what it said."""
    said = run(
        *("evaluate", "--model", folder / "best.keras", "--out", folder / "test.json"),
        *arguments,
    )
    return json.loads((folder / "test.json").read_text()), said


def check_equal(report, wanted):
    assert report["num_images"] == wanted.num_images
    assert set(report["numbers"]) == set(wanted.numbers)
    for name, value in wanted.numbers.items():
        found = report["numbers"][name]
        assert found is None if np.isnan(value) else found == pytest.approx(value)


def wide(names):
    """A keypoint set by which any prediction scores something."""
    return {"name": "wide", "names": list(names), "sigmas": [2.0] * len(names)}


def written(tool):
    def draw(folder):
        if tool == "dlc":
            pytest.importorskip("pandas")
        predictions = predict_people(folder / "pictures", video=False)
        # One of two of a name, whose folders not all tools tell.
        predictions["images"] = predictions["images"][:2]
        shutil.rmtree(folder / "pictures" / "y")
        find_format(folder / "out", tool).write(predictions, folder / "out")
        return folder / "out"

    return draw


DRAWN = {**PEOPLE, **{f"written {tool}": written(tool) for tool in WRITTEN}}


@pytest.mark.slow
@pytest.mark.parametrize(
    "tool",
    [t if t == "labelme" else pytest.param(t, marks=pytest.mark.slow) for t in DRAWN],
)
def test_people_of_every_tool(tmp_path, tool):
    data = DRAWN[tool](tmp_path / "data")
    where = []
    if tool == "written cvat":
        data = next(data.rglob("*.xml"))
    elif tool == "written label_studio":
        data = next(data.rglob("*.json"))
        # As if somebody had accepted them.
        content = data.read_text().replace('"predictions"', '"annotations"')
        data.write_text(content)
    if tool.startswith("written"):
        where = ["--images", tmp_path / "data" / "pictures"]
    wanted = trained("landmarks", data, tmp_path / "run", *where[1:])
    report, said = report_of(tmp_path / "run", "--data", data, *where)
    check_equal(report, wanted)
    assert "val: " in said.out


@pytest.mark.slow
@pytest.mark.parametrize("tool", OUTLINES)
def test_outlines_of_every_tool(tmp_path, tool):
    data = OUTLINES[tool](tmp_path / "data")
    wanted = trained("segmentation", data, tmp_path / "run")
    report, _ = report_of(tmp_path / "run", "--data", data)
    check_equal(report, wanted)


@pytest.mark.slow
@pytest.mark.parametrize(
    "task, draw",
    [
        ("segmentation", draw_masks),
        pytest.param("classification", draw_classes, marks=pytest.mark.slow),
    ],
)
def test_folders(tmp_path, task, draw):
    draw(tmp_path / "data")
    wanted = trained(task, tmp_path / "data", tmp_path / "run")
    report, said = report_of(tmp_path / "run", "--data", tmp_path / "data")
    check_equal(report, wanted)
    assert "as in" in said.out and "split.json" in said.out


class TestParts:
    """Poses whose parts a description tells, or nothing."""

    @pytest.fixture(scope="class")
    def described(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("described")
        for seed, (name, count) in enumerate((("train", 5), ("val", 3), ("test", 2))):
            stem = name + "{}_{}"
            write_people(folder, f"{name}.json", count=count, seed=seed, stem=stem)
        keypoints = {k: v for k, v in wide(NAMES).items() if k != "name"}
        lines = {f"{k}": f"{k}.json" for k in ("train", "val", "test")} | keypoints
        lines["images"] = "images"
        (folder / "data.yaml").write_text(json.dumps(lines))
        return folder, trained("pose", folder / "data.yaml", folder / "run")

    def test_the_default_is_what_training_tests_on(self, described):
        folder, wanted = described
        report, said = report_of(folder / "run", "--data", folder)
        check_equal(report, wanted)
        assert 0 < wanted.numbers["AP"]
        assert "val: 3 pictures" in said.out and "train" not in said.out

    @pytest.mark.parametrize(
        "split, count", cases([("test", 2), ("train", 5), ("all", 10)], quick=["train"])
    )
    def test_others_are_named(self, described, split, count):
        folder, _ = described
        # What is not tested may be elsewhere.
        other = folder / "test.json"
        content = other.read_text()
        if split == "train":
            other.write_text("x")
        try:
            report, said = report_of(folder / "run", "--data", folder, "--split", split)
        finally:
            other.write_text(content)
        assert report["num_images"] == count
        assert f"{split}: {count} pictures" in said.out

    def test_a_part_that_is_not_there(self, described):
        folder, _ = described
        command = ["evaluate", "--model", folder / "run" / "best.keras", "--data"]
        error = fail(*command, folder, "--split", "dev")
        assert "has train, val, test" in error and "--split" in error
        error = fail(*command, folder / "val.json", "--split", "val")
        assert "is not divided" in error and "split.json" in error
        error = fail(*command, folder / "val.json", "--split", "none.json")
        assert "no file none.json" in error

    @pytest.mark.slow
    def test_data_of_one_part_are_tested_whole(self, described):
        folder, wanted = described
        pictures = ["--images", folder / "images"]
        report, said = report_of(
            folder / "run", "--data", folder / "val.json", *pictures
        )
        check_equal(report, wanted)
        assert "all: 3 pictures" in said.out and "not divided" in said.out

    def test_a_division_of_other_pictures_is_not_followed(self, described, tmp_path):
        folder, _ = described
        names = [f"val0_{i}.png" for i in range(2)]
        content = {"val": names[:1], "train": ["other1.png", "other2.png"]}
        (tmp_path / "split.json").write_text(json.dumps(content))
        arguments = ["--data", folder / "val.json", "--images", folder / "images"]
        error = fail(
            *("evaluate", "--model", folder / "run" / "best.keras", *arguments),
            *("--split", tmp_path / "split.json"),
        )
        assert "divides other pictures" in error
        content["train"] = names[1:]
        (tmp_path / "split.json").write_text(json.dumps(content))
        report, _ = report_of(
            folder / "run", *arguments, "--split", tmp_path / "split.json"
        )
        assert report["num_images"] == 1


@pytest.mark.slow
def test_names_in_another_order_are_put_in_the_models(tmp_path):
    content = draw_people(tmp_path, 6)
    write(tmp_path / "a.json", content)
    wanted = trained(
        "pose", tmp_path / "a.json", tmp_path / "run", keypoints=wide(NAMES)
    )
    for annotation in content["annotations"]:
        points = np.reshape(annotation["keypoints"], (3, 3))
        annotation["keypoints"] = points[[2, 0, 1]].ravel().tolist()
    names = [NAMES[i] for i in (2, 0, 1)]
    content["categories"][0]["keypoints"] = names
    write(tmp_path / "b.json", content)
    report, said = report_of(tmp_path / "run", "--data", tmp_path / "b.json")
    check_equal(report, wanted)
    assert "another order" in said.err
    # Of what nobody has labelled the tool's files have no name.
    content["categories"][0]["keypoints"] = names[:2]
    for annotation in content["annotations"]:
        annotation["keypoints"] = annotation["keypoints"][:6]
    write(tmp_path / "c.json", content)
    report, said = report_of(tmp_path / "run", "--data", tmp_path / "c.json")
    assert "has no left_paw" in said.err
    content["categories"][0]["keypoints"] = ["x", "y"]
    write(tmp_path / "d.json", content)
    command = ["evaluate", "--model", tmp_path / "run" / "best.keras", "--data"]
    error = fail(*command, tmp_path / "d.json")
    assert "finds 3 keypoints" in error and "has 2 (x, y)" in error


@pytest.mark.slow
def test_classes_in_another_order(tmp_path):
    draw_classes(tmp_path / "data")
    wanted = trained("classification", tmp_path / "data", tmp_path / "run")
    # The names of a part alone: "thin" is now the first one there.
    (tmp_path / "data" / "thick").rename(tmp_path / "thick")
    report, _ = report_of(
        tmp_path / "run", "--data", tmp_path / "data", "--split", "all"
    )
    assert report["class_names"] == ["thick", "thin"]
    assert report["confusion"][0] == [0, 0]
    assert wanted.class_names == ("thick", "thin")
    (tmp_path / "data" / "thin").rename(tmp_path / "data" / "wide")
    command = ["evaluate", "--model", tmp_path / "run" / "best.keras", "--data"]
    assert "has the classes wide" in fail(*command, tmp_path / "data")


@pytest.mark.slow
def test_classes_of_pixels_are_found_by_name(tmp_path):
    """A description may have its own order of the classes that the tool names."""
    data = OUTLINES["coco"](tmp_path / "data")
    page = tmp_path / "data" / "data.yaml"
    for number, classes in enumerate((["background", "bird"], ["bird", "background"])):
        page.write_text(json.dumps({"train": data.name, "classes": classes}))
        trained("segmentation", page, tmp_path / f"run{number}")
        report, _ = report_of(tmp_path / f"run{number}", "--data", page)
        pixels = {k: v["labelled_pixels"] for k, v in report["classes"].items()}
        assert pixels["bird"] < pixels["background"]
    labels = {"classes": ["ground", "bird"]}
    page.write_text(json.dumps({"train": data.name, **labels}))
    command = ["train", "segmentation", "--data", page, "--out", tmp_path / "run"]
    assert "has the classes background" in fail(*command)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "Pass --data"),
        (
            ["--images", "x", "--format", "labelme"],
            "--format labelme belongs to --data",
        ),
        (
            ["--data", "x", "--annotations", "y"],
            "--annotations does not go with --data",
        ),
        (["--data", "absent"], "no file or folder absent"),
    ],
)
def test_wrong_words_are_explained(model, arguments, message):
    assert message in fail("evaluate", "--model", model, *arguments)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    trained("pose", labelme_people(folder / "data"), folder)
    return folder / "best.keras"


def test_all_formats_can_be_named():
    assert set(TOOL_FORMATS) == {known.name for known in FORMATS}


def test_damaged_pictures_are_left_out_as_in_training(model, tmp_path):
    data = labelme_people(tmp_path / "data")
    with Image.open(data / "b.jpg") as image:
        image.resize((20, 10)).save(data / "b.jpg")
    command = ["evaluate", "--model", model, "--data", data]
    assert "b.jpg" in fail(*command)
    said = run(*command, "--skip-bad")
    assert "1 bad example" in said.err and "all: 1 picture" in said.out
