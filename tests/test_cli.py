"""The console command, on a tiny drawn data set and an untrained network."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import fail, run

from hrnet_tf.extras import MissingExtra
from hrnet_tf.tasks.exported import Exported

COMMANDS = (
    "train",
    "evaluate",
    "predict",
    "export",
    "compare",
    "benchmark",
    "convert",
    "inspect",
    "records",
    "data-service",
    "serve",
    "serving-kit",
    "serve-check",
    "presets",
    "recipes",
    "demo",
)
# Trains in a second; real recipes are tested with the training.
RECIPE = """
from types import SimpleNamespace

import keras
import tensorflow as tf

from hrnet_tf.training.recipe import Recipe


def recipe(preset="hrnet_w32", epochs=1, data_dir="drawn_people"):
    def model():
        image = keras.Input((8, 8, 3))
        return keras.Model(image, keras.layers.Conv2D(1, 1)(image))

    def train_data(seed, first_epoch):
        batch = tf.zeros((2, 8, 8, 3)), tf.zeros((2, 8, 8, 1))
        return tf.data.Dataset.from_tensors(batch).repeat(), 2

    return Recipe(
        name="tiny",
        settings={"preset": preset, "epochs": epochs, "data_dir": data_dir},
        model=model,
        train_data=train_data,
        loss=keras.losses.MeanSquaredError,
        optimizer=lambda steps: keras.optimizers.SGD(),
        evaluate=lambda *_: SimpleNamespace(numbers={"AP": 0.5}, main_number=0.5),
        epochs=epochs,
        batch_size=2,
    )
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("models") / "tiny.keras", "coco")


def save_model(path, keypoints):
    from hrnet_tf.data.keypoint_sets import load_keypoint_set
    from hrnet_tf.models.pose import HRNetPose

    keypoint_set = load_keypoint_set(keypoints)
    HRNetPose.from_preset(
        "hrnet_test",
        num_keypoints=keypoint_set.num_keypoints,
        image_size=(64, 64),
        keypoint_set=keypoint_set.to_dict(),
        kernel_initializer="he_normal",
    ).save(path)
    return path


class TestHelp:
    def test_lists_the_commands(self):
        text = run("--help").out
        assert all(re.search(rf"│ {name} ", text) for name in COMMANDS)

    @pytest.mark.parametrize("name", COMMANDS)
    def test_gives_an_example(self, name):
        text = run(name, "--help").out
        assert re.search(rf"Examples?:\s+hrnet {name}", text), text

    @pytest.mark.parametrize("name", COMMANDS)
    def test_describes_every_option(self, name):
        rows = re.findall(r"│ \*?\s*(--[a-z-]+)([^│]*)│", run(name, "--help").out)
        assert rows
        for option, rest in rows:
            assert len(rest.split()) > 3, option

    @pytest.mark.parametrize("name", [(), ("data",), ("data", "check"), ("train",)])
    def test_shows_flags_without_a_type(self, name):
        text = run(*name, "--help").out
        assert re.search(r"--help +-h +Show this message", text), text

    def test_is_quick_because_it_imports_nothing_heavy(self):
        code = (
            "import sys, hrnet_tf.cli;"
            "heavy = {'tensorflow', 'keras', 'numpy', 'matplotlib', 'PIL', 'scipy'};"
            "print(sorted(heavy & set(sys.modules)))"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        found = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout.strip() == "[]"

    def test_prints_the_version(self):
        from hrnet_tf import __version__

        assert run("--version").out == f"hrnet_tf {__version__}\n"

    def test_says_which_option_is_missing(self):
        assert "--model" in run("evaluate", exit_code=2).err


class TestTrain:
    @pytest.fixture(scope="class")
    def command(self, tmp_path_factory, drawn_people):
        folder = tmp_path_factory.mktemp("training")
        (folder / "tiny.py").write_text(RECIPE)
        arguments = [
            folder / "tiny.py",
            "--data-dir",
            drawn_people,
            "--preset",
            "hrnet_test",
        ]
        return ["train", *arguments, "--out", folder / "run"]

    def test_trains_and_goes_on_with_the_same_run_only(self, command):
        text = run(*command).out
        assert "epoch 1/1" in text
        assert re.search(r"best score +0\.5000 \(epoch 1\)", text)
        for name in ("best.keras", "history.csv", "curves.png"):
            assert str(command[-1] / name) in text
            assert (command[-1] / name).is_file()
        again = run(*command).out
        assert "the run is finished: 1 epoch is done" in again
        assert re.search(r"to go on +a larger --epochs", again)
        error = fail(*command, "--seed", 1)
        assert "seed (0 there, 1 now)" in error and "--overwrite" in error

    def test_says_how_to_go_on_after_a_stop(self, command, monkeypatch):
        def stop(*_, **__):
            raise KeyboardInterrupt

        monkeypatch.setattr("hrnet_tf.training.run.train", stop)
        assert "same command again" in run(*command, exit_code=130).err

    def test_says_what_the_recipe_does_not_take(self, command):
        assert "no argument dtype" in fail(*command, "--dtype", "float32")

    def test_names_the_recipe_that_is_absent(self, tmp_path):
        assert "absent.py" in fail("train", "absent.py", "--out", tmp_path)

    def test_checks_the_loss(self, command):
        assert "cross_entropy" in run(*command, "--loss", "mae", exit_code=2).err


class TestEvaluate:
    def test_prints_and_writes_the_numbers(self, model, people, tmp_path):
        report = tmp_path / "report.json"
        text = run("evaluate", "--model", model, *people, "--out", report).out
        assert re.search(r"AP \(M\) +│ +\d\.\d{4}", text)
        assert "in 4 images, boxes: ground truth, with flip test" in text
        assert json.loads(report.read_text())["metric"] == "oks"

    def test_takes_boxes_of_a_detector(self, model, people, tmp_path):
        contents = json.loads(Path(people[1]).read_text())
        image = contents["images"][0]["id"]
        box = {"image_id": image, "category_id": 1, "bbox": [1, 2, 50, 60]}
        detections = tmp_path / "detections.json"
        detections.write_text(json.dumps([{**box, "score": 0.9}] * 3))
        command = ["evaluate", "--model", model, *people, "--boxes", detections]
        text = run(*command, "--no-flip-test").out
        assert f"3 people in 1 image, boxes: {detections}, without flip test" in text
        assert "tested by --metric oks" in fail(*command, "--metric", "pck")

    def test_warns_of_what_it_leaves_out(self, model, people, drawn_people, tmp_path):
        images = tmp_path / "images"
        shutil.copytree(drawn_people / "val2017", images)
        broken = min(images.iterdir())
        broken.write_bytes(broken.read_bytes()[:-200])
        command = ["evaluate", "--model", model, *people[:2], "--images", images]
        command += ["--keypoints", "coco", "--metric", "oks", "--no-flip-test"]
        assert broken.name in fail(*command)
        result = run(*command, "--skip-bad")
        assert re.match(r"warning: .*1 x truncated image.*" + broken.name, result.err)
        assert "in 3 images" in result.out

    def test_names_an_image_that_is_damaged_in_the_middle(
        self, model, people, drawn_people, tmp_path
    ):
        images = tmp_path / "images"
        shutil.copytree(drawn_people / "val2017", images)
        broken = max(images.iterdir())
        content = bytearray(broken.read_bytes())
        content[400:-2] = bytes(len(content) - 402)
        broken.write_bytes(content)
        command = ["evaluate", "--model", model, *people[:2], "--images", images]
        assert broken.name in fail(*command, "--no-flip-test")

    @pytest.mark.slow
    def test_takes_any_category(self, model, people, tmp_path):
        contents = json.loads(Path(people[1]).read_text())
        for entry in contents["annotations"]:
            entry["category_id"] = 5
        for category in contents["categories"]:
            category["id"] = 5
        other = tmp_path / "other.json"
        other.write_text(json.dumps(contents))
        command = ["evaluate", "--model", model, "--annotations", other, *people[2:]]
        text = run(*command, "--no-flip-test").out
        assert re.search(r"AP \(M\) +│", text)

    def test_refuses_what_a_metric_cannot_do_before_all_work(self, model, people):
        command = ["evaluate", "--model", model, *people]
        assert "needs annotations of --format mpii" in fail(*command, "--metric=pckh")
        assert "not those of 'coco'" in fail(*command, "--format", "mpii")
        assert "lsp has 14 keypoints" in fail(*command, "--keypoints", "lsp")

    def test_needs_head_sizes_for_pckh(self, drawn_people, tmp_path):
        image = min((drawn_people / "val2017").iterdir())
        entry = {
            "image": image.name,
            "center": [80, 60],
            "scale": 0.5,
            "joints": [[80, 60]] * 16,
            "joints_vis": [1] * 16,
        }
        annotations = tmp_path / "valid.json"
        model = save_model(tmp_path / "mpii.keras", "mpii")
        command = ["evaluate", "--model", model, "--annotations", annotations]
        command += ["--images", image.parent, "--format", "mpii"]
        annotations.write_text(json.dumps([entry]))
        assert "--ground-truth-mat" in fail(*command)
        annotations.write_text(json.dumps([{**entry, "headbox": [60, 40, 70, 50]}]))
        text = run(*command, "--no-flip-test").out
        assert re.search(r"Mean +│ +\d+\.\d\d ", text)
        assert "needs annotations of --format coco" in fail(*command, "--metric", "oks")


class TestPredict:
    def test_writes_keypoints_and_pictures(self, model, people, drawn_people, tmp_path):
        images = sorted((drawn_people / "val2017").iterdir())
        command = ["predict", "--model", model, *images, "--boxes", people[1]]
        result = run(*command, "--out", tmp_path, "--min-score", 0, "--draw-boxes")
        written = json.loads((tmp_path / "predictions.json").read_text())
        assert written["keypoint_set"]["name"] == "coco"
        assert [i["image_path"] for i in written["images"]] == [str(i) for i in images]
        for image in written["images"]:
            assert (tmp_path / image["picture"]).is_file()
            assert all(len(person["keypoints"]) == 17 for person in image["people"])
        number = sum(len(image["people"]) for image in written["images"])
        assert f"{number} people in 4 images" in result.out

    def test_runs_an_exported_model_and_keeps_the_images(
        self, model, drawn_people, tmp_path
    ):
        exported = tmp_path / "an export"
        text = run("export", "--model", model, "--out", exported).out
        assert str(exported / "1") in text
        # What can be copied into a shell.
        assert f"hrnet predict --model '{exported}' IMAGE" in text
        assert "images uint8 [B, 64, 64, 3]" in text
        source = min((drawn_people / "val2017").iterdir())
        images = [tmp_path / "a.jpg", tmp_path / "a_keypoints.png"]
        for image in images:
            shutil.copy(source, image)
        content = images[1].read_bytes()
        command = ["predict", "--model", exported, *images]
        assert "2 people in 2 images" in run(*command, "--out", tmp_path).out
        assert images[1].read_bytes() == content
        assert (tmp_path / "a_2_keypoints.png").is_file()
        assert "flip_test=False" in fail(*command, "--flip-test", "--out", tmp_path)

    def test_names_what_is_no_image(self, model, drawn_people, tmp_path):
        command = ["predict", "--model", model, "--out", tmp_path / "out"]
        assert "absent.jpg does not exist" in fail(*command, "absent.jpg")
        assert "holds no image or video" in fail(*command, tmp_path)
        (tmp_path / "a.jpg").write_text("no image")
        assert "a.jpg" in fail(*command, tmp_path / "a.jpg")
        # Before the good one is worked on.
        good = min((drawn_people / "val2017").iterdir())
        (tmp_path / "b.jpg").write_bytes(good.read_bytes()[:-200])
        assert "b.jpg is cut short" in fail(*command, good, tmp_path / "b.jpg")
        assert not (tmp_path / "out").exists()


class TestExport:
    def test_refuses_what_exists_and_other_options(self, model, tmp_path):
        command = ["export", "--model", model, "--out", tmp_path]
        (tmp_path / "3").mkdir()
        assert "--overwrite" in fail(*command, "--version", 3)
        assert "belongs to --format litert or openvino or onnx" in fail(
            *command, "--precision", "float16"
        )
        whole = ["--format", "onnx", "--precision", "int8"]
        assert "Pass --calibrate with a folder" in fail(*command, *whole)
        assert "--calibrate is for --precision int8" in fail(
            *command, "--format", "onnx", "--calibrate", tmp_path
        )
        assert "belongs to --format saved_model" in fail(
            *command, "--format", "litert", "--version", 1
        )

    def test_names_places_that_nothing_can_be_written_to(self, model, tmp_path):
        command = ["export", "--model", model, "--out"]
        (tmp_path / "file").write_text("x")
        for out in ("file", "file/deeper"):
            assert "file is a file, and nothing can be" in fail(
                *command, tmp_path / out
            )
        assert "ends as the files of --format onnx" in fail(
            *command, tmp_path / "pose.onnx", "--format", "litert"
        )
        absent = tmp_path / "absent"
        assert "absent. Check the path of --check" in fail(
            *command, tmp_path / "out", "--check", absent
        )
        assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]

    def test_names_the_litert_file(self, model, tmp_path, monkeypatch):
        def export(model, path, precision, batch_size, **options):
            assert (precision, batch_size) == ("float16", 2)
            assert options == {"flip_test": True}
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(bytes(1500))

        def load(path):
            return Exported(path, {}, "litert")

        monkeypatch.setattr("hrnet_tf.export.litert.export_litert", export)
        monkeypatch.setattr("hrnet_tf.export.load_exported", load)
        monkeypatch.setattr("hrnet_tf.export.compare.differences", lambda *args: [])
        command = ["export", "--model", model, "--flip-test", "--batch-size", 2]
        command += ["--format", "litert", "--precision", "float16", "--out"]
        assert "tiny.tflite (1.5 kB)" in run(*command, tmp_path / "phone").out
        assert "exists" in fail(*command, tmp_path / "phone" / "tiny.tflite")
        run(*command, tmp_path / "phone", "--overwrite")

        def missing(path):
            raise MissingExtra("It needs LiteRT.")

        monkeypatch.setattr("hrnet_tf.export.load_exported", missing)
        said = run(*command, tmp_path / "phone", "--overwrite").out
        assert "not compared" in said and "It needs LiteRT." in said


class TestDemo:
    def test_runs_the_demo(self, monkeypatch):
        called = []
        monkeypatch.setattr(
            "hrnet_tf.demo.run_demo",
            lambda out, console, overwrite: called.append((out, overwrite)),
        )
        run("demo")
        run("demo", "--out", "elsewhere", "--overwrite")
        assert called == [(Path("demo"), False), (Path("elsewhere"), True)]
