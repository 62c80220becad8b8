"""What errors of detectors and of several people say leads to the next step."""

import json
from types import SimpleNamespace

import pytest
from command_line import run
from own_box_tools import label_studio, rectangle
from own_objects import coco
from own_people import draw_crowds


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, where a training ends before its first step."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hrnet_tf.training.run.train", _trains)
    return tmp_path


def _trains(recipe, out, **_):
    out.mkdir(exist_ok=True)
    return SimpleNamespace(history=[], output_dir=out, best=0.0)


def fail(*words):
    """The error that a command ends with, after its warnings."""
    error = run(*words, exit_code=1).err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    return error


def steps(words, path, elsewhere):
    """From a task alone to a file and the folder of its pictures."""
    assert "pass them as --data" in fail(*words)
    words += ["--data", path]
    assert "--images" in fail(*words)
    return [*words, "--images", elsewhere]


def spoil(path, number, **fields):
    content = json.loads(path.read_text())
    content["annotations"][number].update(fields)
    path.write_text(json.dumps(content))


def test_detectors(folder):
    coco(folder, "labels/fruit.json", count=8)
    (folder / "images").rename(folder / "elsewhere")
    spoil(folder / "labels" / "fruit.json", 0, bbox=[50, 40, -20, 20])
    words = ["train", "detection", "--out", "run"]
    words = steps(words, "labels/fruit.json", "elsewhere")
    error = fail(*words)
    assert "box without area" in error and error.endswith("counted with --skip-bad.")
    words.append("--skip-bad")
    error = fail(*words, "--set", "detector=yolo")
    assert "Pass one of fcos, " in error
    words += ["--set", "detector=fcos"]
    assert "divisible by 32" in fail(*words, "--set", "num_channels=8")
    error = fail(*words, "--set", "objects_=2")
    assert "no setting 'objects_'" in error and " objects," in error
    assert "metric='AP' alone" in fail(*words, "--set", "metric=mAP")
    (folder / "plum.json").write_text('{"classes": ["plum"]}')
    error = fail(*words, "--objects", "plum.json")
    assert "has the classes apple, pear" in error and "Name classes" in error
    (folder / "plum.json").write_text('{"classes": ["plum", "pear"]}')
    said = run(*words, "--objects", "plum.json").out
    assert "left out: apple" in said


def test_people_of_whole_pictures(folder):
    path = draw_crowds(folder / "mice", count=8)
    (folder / "mice" / "images").rename(folder / "elsewhere")
    words = steps(["train", "bottom_up", "--out", "run"], "mice/mice.json", "elsewhere")
    spoil(path, 2, segmentation={"size": [4, 4], "counts": [3, 3]})
    spoil(path, 3, bbox=["x", 1, 2, 3])
    error = fail(*words)
    assert "bbox" in error and error.endswith("counted with --skip-bad.")
    spoil(path, 3, bbox=[1, 1, 60, 60])
    error = fail(*words)
    assert "runs are of 6 pixels" in error and error.endswith("with --skip-bad.")
    words.append("--skip-bad")
    assert "divisible by 64" in fail(*words, "--set", "side=100")
    error = fail(*words, "--set", "metric=pck")
    assert "metric='oks' alone" in error
    error = fail(*words, "--keypoints", "coco")
    assert "has 3 keypoints" in error and "Pass the descriptor" in error
    run(*words)


def test_boxes_of_a_tool_and_a_test_of_them(folder):
    """Of tools' files, and as `hrnet evaluate` and `hrnet data check` say it."""
    regions = [
        rectangle("apple", [20, 30, 50, 60]),
        rectangle("pear", [90, 70, 99, 99]),
    ]
    path = label_studio(folder / "fruit", regions, count=8)
    content = json.loads(path.read_text())
    content[0]["annotations"][0]["result"][1]["value"]["x"] = 300
    path.write_text(json.dumps(content))
    words = ["train", "detection", "--data", path, "--out", "run"]
    error = fail(*words)
    assert "outside its image" in error and error.endswith("counted with --skip-bad.")
    result = run("data", "check", path, exit_code=1)
    assert "--skip-bad" in " ".join(result.out.split())
    result = run(*words, "--skip-bad")
    assert "skipped 1 bad example" in " ".join(result.err.split())
