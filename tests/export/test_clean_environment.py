"""What is exported needs TensorFlow and nothing else."""

import json
import subprocess
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tensorflow as tf
from segmenters import LABELS, make_segmenter

from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.predict import Predictor

SCRIPT = """
import importlib.util, json, sys
import tensorflow as tf

assert importlib.util.find_spec("hrnet_tf") is None
loaded = tf.saved_model.load(sys.argv[1])
found = loaded.signatures["serving_default"](
    image_bytes=tf.constant([open(sys.argv[2], "rb").read()]),
    boxes=tf.constant([json.loads(sys.argv[3])], tf.float32),
)
print(json.dumps(found["keypoints"][0].numpy().tolist()))
"""


SEGMENTATION = """
import importlib.util, json, sys
import tensorflow as tf

assert importlib.util.find_spec("hrnet_tf") is None
loaded = tf.saved_model.load(sys.argv[1])
contents = [open(path, "rb").read() for path in sys.argv[2:]]
found = loaded.signatures["serving_default"](image_bytes=tf.constant(contents))
maps = [tf.io.decode_png(png)[..., 0] for png in found["png_bytes"]]
answer = {"sizes": found["sizes"].numpy().tolist()}
answer["maps"] = [values.numpy().tolist() for values in maps]
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def clean_python():
    """The interpreter of an environment with this TensorFlow alone."""
    # pytest keeps its own temporary folders, and this one has 1.5 GB.
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        install = [python, "-m", "pip", "install", "-q"]
        # Not every version and machine has the smaller package.
        for package in ("tensorflow-cpu", "tensorflow"):
            done = subprocess.run(
                [*install, f"{package}=={tf.__version__}"],
                capture_output=True,
                text=True,
            )
            if done.returncode == 0:
                break
        else:
            pytest.fail(f"TensorFlow could not be installed: {done.stderr[-2000:]}")
        yield python


@pytest.mark.slow
def test_the_saved_model_runs_with_tensorflow_alone(
    clean_python, pose_model, photo, encode, evaluate_by_hand, tmp_path
):
    folder = export_saved_model(pose_model, tmp_path / "pose")
    image = tmp_path / "photo.jpg"
    image.write_bytes(encode(photo(100, 140), "JPEG"))
    boxes = [[10, 12, 50, 60], [61, 20, 40, 79.5]]
    done = subprocess.run(
        [clean_python, "-I", "-c", SCRIPT, folder, image, json.dumps(boxes)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    for box, points in zip(boxes, found, strict=True):
        expected, _ = evaluate_by_hand(image.read_bytes(), box)
        np.testing.assert_allclose(points, expected, atol=1e-3)
    shown = subprocess.run(
        [clean_python.with_name("saved_model_cli"), "show", "--dir", folder, "--all"],
        capture_output=True,
        text=True,
    )
    assert "signature_def['serving_default']" in shown.stdout, shown.stderr[-2000:]
    # As bytes objects: NumPy's own texts lose zeros at their ends.
    np.save(tmp_path / "files.npy", np.array([image.read_bytes()], object))
    np.save(tmp_path / "boxes.npy", np.array([boxes], np.float32))
    command = ["run", "--dir", folder, "--tag_set", "serve", "--outdir", tmp_path]
    command += ["--signature_def", "serving_default", "--inputs"]
    command.append("image_bytes=files.npy;boxes=boxes.npy")
    done = subprocess.run(
        [clean_python.with_name("saved_model_cli"), *command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    points = np.load(tmp_path / "keypoints.npy")
    np.testing.assert_allclose(points, [found], atol=1e-3)


@pytest.mark.slow
def test_a_segmenter_runs_with_tensorflow_alone(clean_python, photo, encode, tmp_path):
    model = make_segmenter()
    folder = export_saved_model(model, tmp_path / "shapes", flip_test=True)
    images = [photo(40, 56), photo(33, 70, 1)]
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    for path, image in zip(paths, images, strict=True):
        path.write_bytes(encode(image, "PNG"))
    done = subprocess.run(
        [clean_python, "-I", "-c", SEGMENTATION, folder, *paths],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["sizes"] == [[40, 56], [33, 70]]
    predictor = Predictor(model)
    for image, values in zip(images, found["maps"], strict=True):
        expected = LABELS.to_file_ids(predictor.predict(image, flip_test=True).labels)
        assert (np.array(values) == expected).mean() > 0.999
