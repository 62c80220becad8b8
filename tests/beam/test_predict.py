"""Bulk prediction against the plain predictors."""

import json
import re

import keras
import numpy as np
import pytest
from command_line import fail, run
from PIL import Image
from segmenters import draw_image, make_segmenter

from hrnet_tf.data.keypoint_sets import COCO
from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.models.classifier import HRNetClassifier
from hrnet_tf.models.pose import HRNetPose
from hrnet_tf.predict import Predictor

beam_predict = pytest.importorskip(
    "hrnet_tf.beam.predict",
    reason="Apache Beam is not installed: pip install 'hrnet_tf[beam]'",
    exc_type=ImportError,
)

SIZES = ((60, 80), (64, 64), (50, 90), (64, 64), (70, 40))
NAMES = ("ant", "bee", "cat", "dog", "elk", "fox")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of PNG and JPEG files of several sizes, and two that are damaged."""
    folder = tmp_path_factory.mktemp("images")
    for i, size in enumerate(SIZES):
        Image.fromarray(draw_image(*size, seed=i)).save(folder / f"{i}.png")
    whole = (folder / "1.png").read_bytes()
    (folder / "3.png").write_bytes(whole[: len(whole) // 2])
    (folder / "5.jpg").write_bytes(b"no image")
    Image.fromarray(draw_image(40, 50, seed=9)).save(folder / "6.jpg")
    return folder


@pytest.fixture(scope="module")
def pose_dir(tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = HRNetPose.from_preset(
        "hrnet_test",
        image_size=(64, 64),
        keypoint_set=COCO.to_dict(),
        kernel_initializer="he_normal",
    )
    return export_saved_model(model, tmp_path_factory.mktemp("pose")).parent


@pytest.fixture(scope="module")
def segmenter_dir(tmp_path_factory):
    return export_saved_model(make_segmenter(), tmp_path_factory.mktemp("segmenter"))


@pytest.fixture(scope="module")
def classifier_dir(tmp_path_factory):
    keras.utils.set_random_seed(0)
    model = HRNetClassifier.from_preset(
        "hrnet_test", num_classes=6, image_size=(64, 64), class_names=NAMES
    )
    return export_saved_model(model, tmp_path_factory.mktemp("classifier"))


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def good(images):
    return [
        images / f"{name}" for name in ("0.png", "1.png", "2.png", "4.png", "6.jpg")
    ]


def test_poses_are_those_of_the_predictor(pose_dir, images, tmp_path):
    predictor = Predictor.load(pose_dir)
    boxes = {
        "0.png": [[5, 5, 40, 50], [30, 2, 45, 55], [0, 0, 80, 60]],
        "1.png": [],
        "2.png": None,
        "4.png": [[1, 2, 30.5, 60.25]] * 17,
        "6.jpg": [[200, 0, 10, 10]],
    }
    items = [{"path": images / name, "boxes": boxes[name]} for name in boxes]
    items[0]["box_scores"] = [0.5, 0.25, 1.0]
    found = beam_predict.predict_images(
        pose_dir, items, tmp_path, {"task": "pose"}, images_per_file=2
    )
    files = [f"predictions-{i:05d}-of-00003.jsonl" for i in range(3)]
    assert [row["file"] for row in found["files"]] == files
    assert [row["images"] for row in found["files"]] == [1, 2, 1]
    assert [row["people"] for row in found["files"]] == [3, 1, 17]
    rows = [row for name in files for row in lines(tmp_path / name)]
    assert [row["image_path"] for row in rows] == [str(p) for p in good(images)[:4]]
    for item, row in zip(items, rows, strict=False):
        wanted = predictor.predict(
            item["path"], item["boxes"], item.get("box_scores")
        ).to_dict()
        assert set(row) == {"image_path", "people"}
        assert len(row["people"]) == len(wanted["people"])
        for person, expected in zip(row["people"], wanted["people"], strict=True):
            assert person["box"] == expected["box"]
            assert person["box_score"] == expected["box_score"]
            np.testing.assert_allclose(
                person["keypoints"], expected["keypoints"], atol=2e-3
            )
    (error,) = lines(tmp_path / "errors.jsonl")
    assert error["image_path"] == str(images / "6.jpg")
    assert "lies outside the image of 50 x 40 pixels" in error["error"]
    summary = json.loads((tmp_path / "predictions.json").read_text())
    assert summary == {
        "model": str(pose_dir),
        "task": "pose",
        "num_images": 4,
        "num_errors": 1,
        "files": found["files"],
    }


@pytest.mark.slow
def test_segmentations_and_their_labels(segmenter_dir, images, tmp_path):
    out = tmp_path / "out"
    result = run(
        "predict", "--model", segmenter_dir, "--beam", "--out", out, images, exit_code=1
    )
    assert "error: 2 of 7 images could not be used" in result.err
    assert "first: " + str(images / "3.png") in result.err
    assert re.search(r"found +5 images", result.out)
    predictor = Predictor.load(segmenter_dir)
    rows = lines(out / "predictions-00000-of-00001.jsonl")
    for path, row in zip(good(images), rows, strict=True):
        wanted = predictor.predict(path)
        assert row.pop("labels") == f"{path.stem}_labels.png"
        expected = wanted.to_dict()
        assert predictor.label_set.to_dict() == expected.pop("label_set")
        assert row == expected
        with Image.open(out / f"{path.stem}_labels.png") as picture:
            labels = np.asarray(picture)
        np.testing.assert_array_equal(
            labels, predictor.label_set.to_file_ids(wanted.labels)
        )
    errors = lines(out / "errors.jsonl")
    assert [row["image_path"] for row in errors] == [
        str(images / name) for name in ("3.png", "5.jpg")
    ]
    assert all("no complete JPEG or PNG file" in row["error"] for row in errors)
    summary = json.loads((out / "predictions.json").read_text())
    assert summary["label_set"] == predictor.label_set.to_dict()


@pytest.mark.slow
def test_classes_and_an_earlier_call_is_replaced(classifier_dir, images, tmp_path):
    for name in ("predictions-00001-of-00002.jsonl", "errors.jsonl"):
        (tmp_path / name).write_text("{}\n")
    (tmp_path / "thesis.txt").write_text("all of it")
    command = ("predict", "--model", classifier_dir, "--out", tmp_path, "--top", 3)
    result = run(*command, "--beam", *good(images), "--crop-fraction", 0.9)
    assert re.search(r"found +5 images", result.out)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "predictions-00000-of-00001.jsonl",
        "predictions.json",
        "thesis.txt",
    ]
    predictor = Predictor.load(classifier_dir, crop_fraction=0.9)
    rows = lines(tmp_path / "predictions-00000-of-00001.jsonl")
    for path, row in zip(good(images), rows, strict=True):
        expected = predictor.predict(path, top_k=3).to_dict()
        assert [c["name"] for c in row["classes"]] == [
            c["name"] for c in expected["classes"]
        ]
        np.testing.assert_allclose(
            [c["probability"] for c in row["classes"]],
            [c["probability"] for c in expected["classes"]],
            atol=2e-5,
        )


def test_nothing_readable_is_still_said(pose_dir, images, tmp_path):
    items = [{"path": images / "5.jpg"}, {"path": images / "none.png"}]
    found = beam_predict.predict_images(pose_dir, items, tmp_path)
    assert (found["num_images"], found["num_errors"], found["files"]) == (0, 2, [])
    assert lines(tmp_path / "errors.jsonl")[1] == {
        "image_path": str(images / "none.png"),
        "error": f"There is no image file {images / 'none.png'}.",
    }


def test_a_model_that_diverged_stops_the_pipeline(tmp_path, images, monkeypatch):
    class Diverged(Predictor):
        def __init__(self):
            self.image_size, self.crop_fraction = (8, 8), 0.9
            self.class_names = None
            self._crops = lambda x: {"probabilities": np.full((len(x), 2), np.nan)}

    monkeypatch.setattr(
        beam_predict.ExportedModelHandler, "load_model", lambda self: Diverged()
    )
    earlier = tmp_path / "predictions-00000-of-00001.jsonl"
    earlier.write_text("{}\n")
    with pytest.raises(ValueError, match="DirectRunner: .*A diverged model predicts"):
        beam_predict.predict_images("m", [{"path": images / "0.png"}], tmp_path)
    assert list(tmp_path.iterdir()) == [earlier]


class TestWrongCommands:
    @pytest.mark.parametrize(
        "flags, text",
        [
            (["--flip-test"], "--flip-test does not go with --beam"),
            (["--min-score", 0.5], "--min-score does not go with --beam"),
            (["--top", 2], "--top does not belong to human pose"),
        ],
    )
    def test_options_of_pictures(self, pose_dir, images, tmp_path, flags, text):
        arguments = ("predict", "--model", pose_dir, "--beam", "--out", tmp_path)
        assert text in fail(*arguments, images / "0.png", *flags)
        assert list(tmp_path.iterdir()) == []

    def test_a_model_that_is_not_exported(self, images, tmp_path):
        model = tmp_path / "best.keras"
        model.write_bytes(b"")
        error = fail("predict", "--model", model, "--beam", images / "0.png")
        assert f"hrnet export --model {model} --out DIR" in error

    def test_videos(self, pose_dir, tmp_path):
        (tmp_path / "a.mp4").write_bytes(b"")
        error = fail("predict", "--model", pose_dir, "--beam", tmp_path / "a.mp4")
        assert "a.mp4 is a video" in error
