"""A task of its own, in this file alone: the brightness of images.

Whatever a new task would have to edit in the package fails here.
"""

import functools
import json
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from typer.testing import CliRunner

from hrnet_tf import Predictor, load_model, tasks
from hrnet_tf.data import stream
from hrnet_tf.export.litert import export_litert
from hrnet_tf.io import decode_image, write_bytes
from hrnet_tf.models.base import HRNetModel
from hrnet_tf.models.loading import inference_function
from hrnet_tf.pictures.sheet import contact_sheet
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.base import Option, Parts, Report, Table, Task
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.training.recipe import Recipe

SIDE = 16


@keras.saving.register_keras_serializable(package="toys")
class Photometer(HRNetModel):
    """One number for an image, from its mean colour."""

    def __init__(self, unit="lux", name="photometer"):
        pixels = keras.Input((SIDE, SIDE, 3), name="image")
        mean = keras.layers.GlobalAveragePooling2D()(pixels / 255)
        outputs = keras.layers.Dense(1, kernel_initializer="zeros", name="head")(mean)
        policy = keras.config.dtype_policy()
        arguments = {"unit": unit, "dtype": policy, "kernel_initializer": None}
        super().__init__(pixels, outputs, arguments, name=name)

    def get_config(self):
        return {"unit": self.arguments["unit"], "name": self.name}


class Reading:
    """What the toy finds."""

    def __init__(self, value, image_path):
        self.value, self.image_path = float(value), image_path

    def to_dict(self):
        return {"image_path": self.image_path, "brightness": round(self.value, 4)}


class PhotometerInference:
    portable = "crops"
    per_image = ()
    built_in = ()
    assets = {}

    def __init__(self, model, gain=None, infer=None):
        self.model = model
        if isinstance(model, Exported):
            self.unit, self.gain = (model.description[k] for k in ("unit", "gain"))
            self._read = model.signature("crops")
            return
        self.unit, self.gain = model.arguments["unit"], gain or 1.0
        self._infer = infer or inference_function(model)

    @functools.cached_property
    def signatures(self):
        files = tf.TensorSpec((None,), tf.string, "image_bytes")
        crops = tf.TensorSpec((None, SIDE, SIDE, 3), tf.uint8, "images")
        return {
            "serving_default": graphs.signature(self.files, files),
            "crops": graphs.signature(self.crops, crops),
        }

    @property
    def description(self):
        return {"task": "photometry", "gain": self.gain, **self.header}

    @property
    def header(self):
        return {"unit": self.unit}

    @functools.cached_property
    def _read(self):
        return self.crops

    def cut(self, pixels):
        return tf.cast(tf.image.resize(pixels, (SIDE, SIDE)), tf.uint8)

    def crops(self, images):
        return {"brightness": self.gain * self._infer(images)[:, 0]}

    def files(self, image_bytes):
        spec = tf.TensorSpec((SIDE, SIDE, 3), tf.uint8)
        cut = tf.map_fn(
            lambda encoded: self.cut(decode_image(encoded)),
            image_bytes,
            fn_output_signature=spec,
        )
        return self.crops(cut)

    def run(self, images, names=None):
        found = self._read(images=tf.stack([self.cut(image) for image in images]))
        names = names or [None] * len(images)
        return list(map(Reading, np.asarray(found["brightness"]), names))


def load_examples(folder):
    """Pairs of a file and its brightness, which is in its name."""
    return [(str(p), float(p.stem.split("_")[1])) for p in sorted(folder.glob("*.png"))]


def examples_stream(examples):
    paths, values = zip(*examples, strict=True)
    columns = {"path": paths, "value": np.float32(values)}
    return stream.from_table(columns, "images", paths)


def evaluate(model, examples, infer=None, progress=None, gain=None):
    started = time.perf_counter()
    inference = PhotometerInference(model, gain, infer)
    paths, values = zip(*examples, strict=True)
    images = [decode_image(Path(path).read_bytes()) for path in paths]
    found = [reading.value for reading in inference.run(images)]
    error = float(np.abs(np.subtract(found, values)).mean())
    if progress is not None:
        progress(len(values), len(values))
    return Report(
        numbers={"error": error},
        main_name="error",
        images_per_second=len(values) / (time.perf_counter() - started),
        facts={"num_images": len(values), "unit": inference.unit},
        lower_is_better=True,
        shown=(Table(("metric", inference.unit), (("error", f"{error:.4f}"),)),),
        plots={"error.txt": lambda path: write_bytes(path, f"{error}")},
    )


def evaluate_files(model, images, progress, source, out, **options):
    with progress("reading meters", "images") as tick:
        report = evaluate(model, load_examples(Path(images)), progress=tick, **options)
    return {"report": report}


def draw(image, result, video=False, mark=None):
    return contact_sheet([image], captions=[f"{result.value:.2f} {mark or ''}"])


def make_recipe(epochs=3, batch_size=4, data_dir=None, gain=1.0):
    folder = Path(data_dir)

    def train_data(seed, first_epoch, first_step=0):
        examples = examples_stream(load_examples(folder))

        def make(example, draw, read):
            image = decode_image(read(example["path"]))
            image = tf.image.resize(image, (SIDE, SIDE))
            return tf.ensure_shape(image, (SIDE, SIDE, 3)), gain * example["value"]

        place = {"first_epoch": first_epoch, "first_step": first_step}
        batches = examples.batches(make, batch_size, seed, epochs=epochs, **place)
        return batches, examples.steps_per_epoch(batch_size)

    return Recipe(
        name="photometer",
        settings={"epochs": epochs, "data_dir": str(data_dir)},
        model=Photometer,
        train_data=train_data,
        loss=keras.losses.MeanSquaredError,
        optimizer=lambda steps: keras.optimizers.Adam(0.1),
        evaluate=lambda model, infer: evaluate(model, load_examples(folder), infer),
        epochs=epochs,
        batch_size=batch_size,
    )


GAIN = Option("gain", float, "Factor of all numbers.", metavar="FACTOR", min=0.0)
PHOTOMETRY = Task(
    name="photometry",
    title="photometry",
    noun=("image", "images"),
    verb="reading meters",
    suffix="brightness",
    load=lambda: Parts(
        models=(Photometer,),
        inference=PhotometerInference,
        evaluate=evaluate,
        test=evaluate_files,
        recipe=make_recipe,
        stream=examples_stream,
        draw=draw,
        summary=lambda rows, noun: f"{rows[0]['brightness']:.2f} first",
        files={"_value.txt": lambda found, path: write_bytes(path, str(found.value))},
    ),
    carries=("unit",),
    options={
        "train": (GAIN,),
        "evaluate": (GAIN,),
        "predict": (GAIN, Option("mark", str, "Text beside the number.")),
        "export": (GAIN,),
    },
)


@pytest.fixture
def run(monkeypatch):
    """Runs a command of an app with the toy's options; returns what it printed."""
    from hrnet_tf.cli.main import make_app

    monkeypatch.setattr(tasks, "TASKS", (*tasks.TASKS, PHOTOMETRY))
    app = make_app()

    def invoke(*arguments, exit_code=0):
        runner = CliRunner(env={"COLUMNS": "100", "HRNET_DEBUG": None})
        result = runner.invoke(app, [str(a) for a in arguments])
        assert result.exit_code == exit_code, (result.output, result.exception)
        return result.output

    return invoke


@pytest.fixture
def data(tmp_path):
    """Grey pictures, whose names say how bright they are."""
    folder = tmp_path / "data"
    folder.mkdir()
    for i in range(8):
        picture = Image.new("RGB", (20 + i, 30), (30 * i,) * 3)
        picture.save(folder / f"{i}_{30 * i / 255:.4f}.png")
    return folder


@pytest.fixture
def trained(run, data, tmp_path):
    recipe = tmp_path / "meter.py"
    recipe.write_text(
        f"import sys\nrecipe = sys.modules[{__name__!r}].make_recipe\n", "utf-8"
    )
    run(
        *("train", recipe, "--data-dir", data, "--out", tmp_path / "run"),
        *("--epochs", 6, "--gain", 1.0),
    )
    return tmp_path / "run" / "best.keras"


def test_a_task_goes_through_all_commands(run, data, trained, tmp_path):
    assert isinstance(load_model(trained), Photometer)
    history = (trained.parent / "history.csv").read_text().splitlines()
    assert "error" in history[0] and len(history) == 7

    text = run("evaluate", "--model", trained, "--images", data, "--out", tmp_path)
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["numbers"]["error"] < 0.2 and report["num_images"] == 8
    assert f"{report['numbers']['error']:.4f}" in text
    assert float((tmp_path / "error.txt").read_text()) == report["numbers"]["error"]

    exported = tmp_path / "exported"
    text = run("export", "--model", trained, "--out", exported, "--gain", 2)
    assert "images uint8 [B, 16, 16, 3]" in text
    picture = data / "7_0.8235.png"
    found = {}
    for name, model in (("plain", trained), ("twice", exported)):
        options = ("--mark", "here", "--out", tmp_path / name)
        text = run("predict", "--model", model, picture, *options)
        content = json.loads((tmp_path / name / "predictions.json").read_text())
        assert content["unit"] == "lux"
        (row,) = content["images"]
        assert (tmp_path / name / row["picture"]).is_file()
        assert row["value"] == "7_0.8235_value.txt"
        assert f"{row['brightness']:.2f} first" in text
        found[name] = row["brightness"]
    assert found["twice"] == pytest.approx(2 * found["plain"], abs=1e-3)

    direct = Predictor.load(trained).predict(picture)
    assert direct.value == pytest.approx(found["plain"], abs=1e-3)
    lite = export_litert(load_model(trained), tmp_path / "meter.tflite")
    assert lite.stat().st_size > 0


def test_options_stay_with_their_tasks(run, data, trained, tmp_path):
    command = ("predict", "--model", trained, data, "--out", tmp_path / "out")
    text = run(*command, "--top", 3, exit_code=1)
    assert "--top does not belong to photometry" in " ".join(text.split())
    assert "Photometry" in run("predict", "--help")
    assert not (tmp_path / "out").exists()


def test_no_command_and_no_export_names_a_task():
    """Whoever adds a task looks for its name in vain outside of its folder."""
    package = Path(sys.modules["hrnet_tf"].__file__).parent
    named = []
    for folder in ("cli", "export", "beam", "launch", "distribution", "layers"):
        for path in (package / folder).glob("*.py"):
            text = path.read_text("utf-8")
            for task in tasks.TASKS:
                if f"tasks.{task.name}" in text or f'task == "{task.name}"' in text:
                    named.append(f"{path.name}: {task.name}")
    assert not named
