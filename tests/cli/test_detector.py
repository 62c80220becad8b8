"""From photos and videos to poses by a detection model of this package."""

import json

import keras
import numpy as np
import pytest
from command_line import fail, run
from drawn_video import write_video
from PIL import Image

import hrnet_tf
from hrnet_tf.predict import Predictor

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="graphs of TensorFlow"
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A pose model, a detector that finds people anywhere, a photo and a video."""
    folder = tmp_path_factory.mktemp("pair")
    keras.utils.set_random_seed(3)
    pose = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", load_weights=False, image_size=(64, 64), num_keypoints=3
    )
    pose.save(folder / "pose.keras")
    detector = hrnet_tf.HRNetFCOS.from_preset(
        "hrnet_test",
        load_weights=False,
        image_size=(64, 64),
        num_channels=32,
        num_classes=2,
        class_names=("cat", "person"),
    )
    for variable in detector.variables:
        # So that untrained, it is sure of something.
        if variable.path.endswith("head/classes/bias"):
            variable.assign(keras.ops.zeros(variable.shape))
    detector.save(folder / "detector.keras")
    pixels = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "photo.png")
    write_video(folder / "walk.mp4", 3, (48, 64))
    return folder


def people_of(found, number):
    """Boxes `[N, 4]` x, y, width, height and scores of a class's detections."""
    rows = found.classes == number
    boxes = np.concatenate(
        [found.boxes[:, :2], found.boxes[:, 2:] - found.boxes[:, :2]], 1
    )
    return boxes[rows], found.scores[rows]


@pytest.mark.slow
def test_predict_finds_people_first(models, tmp_path):
    command = ["predict", "--model", models / "pose.keras", "--out", tmp_path]
    command += ["--detector", models / "detector.keras", "--min-box-score", "0"]
    photo = models / "photo.png"
    run(*command, "--detect-class", "person", photo)
    content = json.loads((tmp_path / "predictions.json").read_text())
    people = content["images"][0]["people"]
    boxes, scores = people_of(
        Predictor.load(models / "detector.keras").predict(photo), 1
    )
    assert len(people) == len(boxes) > 0
    np.testing.assert_allclose([p["box"] for p in people], boxes, atol=2e-3)
    np.testing.assert_allclose([p["box_score"] for p in people], scores, atol=1e-4)
    text = fail(*command, "--boxes", models / "absent.json", photo)
    assert "Both --boxes and --detector say where" in text
    text = fail(*command, "--detect-class", "dog", photo)
    assert "does not find --detect-class dog. Expected one of cat, person" in text
    command[-3] = models / "pose.keras"
    assert "a model of human pose, which finds no boxes" in fail(*command, photo)


@pytest.mark.slow
def test_people_are_found_and_followed_in_videos(models, tmp_path):
    command = ["predict", "--model", models / "pose.keras", "--out", tmp_path]
    command += ["--detector", models / "detector.keras", "--min-box-score", "0"]
    run(*command, models / "walk.mp4", "--track")
    content = json.loads((tmp_path / "predictions.json").read_text())
    frames = content["videos"][0]["frames"]
    assert len(frames) == 3 and all(frame["people"] for frame in frames)
    assert all("id" in p for frame in frames for p in frame["people"])


@pytest.mark.slow
def test_objects_of_videos_keep_their_numbers(models, tmp_path):
    command = ["predict", "--model", models / "detector.keras", "--out", tmp_path]
    run(*command, models / "walk.mp4", "--track", "--min-score", "0.1")
    content = json.loads((tmp_path / "predictions.json").read_text())
    frames = content["videos"][0]["frames"]
    ids = [{o["id"] for o in f["objects"] if o["score"] >= 0.1} for f in frames]
    assert len(frames) == 3 and ids[0] and ids[0] & ids[2]
    assert "no video among the 1 input" in fail(
        *command, "--track", models / "photo.png"
    )


@pytest.mark.slow
def test_export_takes_a_detector_along(models, tmp_path):
    command = ["export", "--model", models / "pose.keras", "--out", tmp_path / "pair"]
    detector = ["--detector", models / "detector.keras", "--min-box-score", "0"]
    text = run(*command, *detector).out
    assert "image_bytes [B]" in text and "boxes" in text
    photo = models / "photo.png"
    found = Predictor.load(tmp_path / "pair").predict(photo)
    boxes, scores = people_of(
        Predictor.load(models / "detector.keras").predict(photo), 1
    )
    np.testing.assert_allclose(found.boxes, boxes[scores > 0], atol=1e-3)
    out = ["--out", tmp_path / "found"]
    command = ["predict", "--model", tmp_path / "pair", *out, photo]
    assert "each whole picture was" not in run(*command).out
    error = fail(*command, "--min-box-score", "0.5")
    assert "neither --boxes nor --detector" in error
    content = json.loads((tmp_path / "found" / "predictions.json").read_text())
    assert len(content["images"][0]["people"]) == len(found)
    command = ["export", "--model", models / "pose.keras", "--out", tmp_path / "pair"]
    other = ["--detector", models / "pose.keras", "--overwrite"]
    assert "Received a model of pose; expected" in fail(*command, *other)
    litert = ["--format", "litert", "--out", tmp_path / "pose.tflite"]
    text = fail(*command[:3], *litert, *detector)
    assert "belongs to --format saved_model" in text
