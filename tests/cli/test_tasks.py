"""`hrnet evaluate`, `predict` and `export` find the task by the model's class."""

import json
import sys

import keras
import numpy as np
import pytest
from command_line import fail, run
from drawn_labels import draw_labels
from drawn_video import write_video
from PIL import Image

import hrnet_tf
from hrnet_tf.data.formats.tools import read_labelled
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.pictures.video import VideoReader


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with small random models, and drawn data."""
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(0)
    (folder / "data").mkdir()
    draw_labels(folder / "data")
    label_set = load_label_set(folder / "data" / "labels.json").to_dict()
    size = {"image_size": (64, 64)}
    made = {
        "pose": hrnet_tf.HRNetPose.from_preset("hrnet_test", **size),
        "faces": hrnet_tf.HRNetLandmarks.from_preset("hrnet_test", **size),
        "segments": hrnet_tf.HRNetSegmenter.from_preset(
            "hrnet_test", num_classes=3, label_set=label_set
        ),
        "classes": hrnet_tf.HRNetClassifier.from_preset(
            "hrnet_test", num_classes=3, class_names=("cat", "dog", "hen"), **size
        ),
        "body": hrnet_tf.HRNetBackbone.from_preset("hrnet_test", **size),
    }
    for name, model in made.items():
        model.save(folder / f"{name}.keras")
    for name in ("cat", "dog", "hen"):
        (folder / "animals" / name).mkdir(parents=True)
        pixels = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "animals" / name / "1.png")
    write_video(folder / "video" / "walk.mp4", 3, (48, 64))
    return folder


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("pose", "keypoints"),
        ("faces", "keypoints"),
        ("segments", "segmentation"),
        ("classes", "classes"),
    ],
)
class TestPredict:
    def test_takes_folders(self, models, tmp_path, name, suffix):
        command = ["predict", "--model", models / f"{name}.keras", "--out", tmp_path]
        text = run(*command, models / "data" / "val").out
        assert "2 images" in text
        # Nothing tells where people are.
        said = text.count("each whole picture was one")
        assert said == (suffix == "keypoints")
        content = json.loads((tmp_path / "predictions.json").read_text())
        assert len(content["images"]) == 2
        for image in content["images"]:
            assert image["picture"].endswith(f"_{suffix}.png")
            assert (tmp_path / image["picture"]).is_file()

    def test_takes_videos(self, models, tmp_path, name, suffix):
        command = ["predict", "--model", models / f"{name}.keras", "--out", tmp_path]
        text = run(*command, models / "video" / "walk.mp4").out
        assert "3 frames" in text
        (video,) = json.loads((tmp_path / "predictions.json").read_text())["videos"]
        assert [frame["time"] for frame in video["frames"]] == [0, 0.08, 0.16]
        assert video["picture"] == f"walk_{suffix}.mp4"
        with VideoReader(tmp_path / video["picture"]) as frames:
            assert len(list(frames)) == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pose", "faces"])
def test_people_of_videos_keep_their_numbers(models, tmp_path, name):
    # One moves to the right, 8 px a frame; the boxes are those of all frames.
    boxes = tmp_path / "boxes.json"
    boxes.write_text('{"walk.mp4": [[2, 4, 24, 40], [36, 4, 24, 40]]}')
    video = models / "video" / "walk.mp4"
    command = ["predict", "--model", models / f"{name}.keras", "--boxes", boxes]
    run(*command, "--out", tmp_path / "tracked", "--track", video)
    content = json.loads((tmp_path / "tracked" / "predictions.json").read_text())
    ids = [[p["id"] for p in f["people"]] for f in content["videos"][0]["frames"]]
    assert ids == [[1, 2]] * 3
    photo = models / "data" / "val" / "0.png"
    command = ["predict", "--model", models / f"{name}.keras", "--out", tmp_path]
    assert "no video among the 1 input" in fail(*command, "--track", photo)


def test_segments_are_written_as_label_maps_too(models, tmp_path):
    command = ["predict", "--model", models / "segments.keras", "--out", tmp_path]
    run(*command, models / "data" / "val" / "0.png")
    with Image.open(tmp_path / "0_labels.png") as image:
        labels = np.array(image)
    assert labels.shape == (64, 96) and labels.max() <= 2


def test_label_maps_are_written_beside_inputs_of_that_name(models, tmp_path):
    source = models / "data" / "val" / "0.png"
    for name in ("a.png", "a_labels.png"):
        (tmp_path / name).write_bytes(source.read_bytes())
    command = ["predict", "--model", models / "segments.keras", "--out", tmp_path]
    run(*command, tmp_path)
    assert (tmp_path / "a_labels.png").read_bytes() == source.read_bytes()
    names = {path.name for path in tmp_path.glob("*.png")}
    assert {"a_2_labels.png", "a_2_segmentation.png"} <= names
    assert "a_labels_labels.png" in names


@pytest.mark.slow
def test_predict_refuses_options_of_other_tasks(models, tmp_path):
    image = models / "data" / "val" / "0.png"
    command = ["predict", image, "--out", tmp_path / "out"]
    text = fail(*command, "--model", models / "pose.keras", "--tile", 64)
    assert "--tile does not belong to human pose" in text
    text = fail(*command, "--model", models / "pose.keras", "--top", 3)
    assert "--top does not belong to human pose" in text
    text = fail(*command, "--model", models / "classes.keras", "--flip-test")
    assert "--flip-test does not belong to classification" in text
    text = fail(*command, "--model", models / "body.keras")
    assert "holds a HRNetBackbone, which is no model of one of these tasks" in text
    text = fail(*command, "--model", models / "segments.keras", "--scales", "1,x")
    assert "--scales takes numbers" in text
    assert not (tmp_path / "out").exists()


def test_evaluates_segments(models, tmp_path):
    data = models / "data"
    command = ["evaluate", "--model", models / "segments.keras"]
    command += ["--images", data / "val", "--out", tmp_path / "test"]
    assert "needs --labels" in fail(*command)
    text = fail(*command, "--labels", data / "valannot", "--split", "test")
    assert "--split belongs to a data set's own folders" in text
    text = run(*command, "--labels", data / "valannot", "--flip-test").out
    assert "square" in text and "with flip test" in text
    report = json.loads((tmp_path / "test" / "report.json").read_text())
    assert report["num_images"] == 2 and 0 <= report["numbers"]["mIoU"] <= 1
    assert (tmp_path / "test" / "confusion.png").is_file()


def test_evaluates_classes(models, tmp_path):
    command = ["evaluate", "--model", models / "classes.keras"]
    command += ["--images", models / "animals", "--out", tmp_path / "report.json"]
    assert "top-1" in run(*command).out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["num_images"] == 3


def test_evaluate_refuses_options_of_other_tasks(models):
    command = ["evaluate", "--images", models / "data" / "val"]
    text = fail(*command, "--model", models / "pose.keras")
    assert "--annotations is missing" in text and "people" in text
    text = fail(*command, "--model", models / "classes.keras", "--protocol", "lip")
    assert "--protocol does not belong to classification" in text
    text = fail(*command, "--model", models / "segments.keras", "--format", "wflw")
    # A format of faces, which `--data` reads for other tasks.
    assert "format must be one of ('folder', " in text and "'cityscapes'" in text
    assert "Received: 'wflw'" in text
    text = fail(*command, "--model", models / "pose.keras", "--format", "lip")
    assert "expected one of coco, mpii" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "suffix", "signature"),
    [
        ("segments", "segmentation", "images uint8 [B, H, W, 3]"),
        pytest.param(
            *("classes", "classes", "images uint8 [B, 64, 64, 3]"),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_exported_models_predict_the_same(models, tmp_path, name, suffix, signature):
    model, image = models / f"{name}.keras", models / "data" / "val" / "0.png"
    text = run("export", "--model", model, "--out", tmp_path / "exported").out
    assert "serving_default  image_bytes [B]\n" in text and signature in text
    for source, out in ((model, "a"), (tmp_path / "exported", "b")):
        run("predict", "--model", source, "--out", tmp_path / out, image)
    pictures = [tmp_path / out / f"0_{suffix}.png" for out in "ab"]
    pixels = [np.array(Image.open(picture)).astype(int) for picture in pictures]
    assert abs(pixels[0] - pixels[1]).mean() < 0.5


def test_predictions_are_written_as_annotations(models, tmp_path, monkeypatch):
    # Fresh weights find nothing, and what is not found is not written.
    model = keras.saving.load_model(models / "pose.keras")
    (bias,) = (v for v in model.variables if v.path.endswith("head/bias"))
    bias.assign(keras.ops.full(bias.shape, 0.5))
    model.save(tmp_path / "sure.keras")
    command = ["predict", "--model", tmp_path / "sure.keras", "--out", tmp_path]
    command += ["--min-score", "0", "--annotate-every", "2", models / "data" / "val"]
    formats = ["--write-annotations", "coco", "--write-annotations", "cvat"]
    text = run(*command, models / "video" / "walk.mp4", *formats).out
    assert "for CVAT" in text and "annotations_cvat/annotations.xml" in text
    for name, file in {
        "coco": "annotations/person_keypoints_default.json",
        "cvat": "annotations.xml",
    }.items():
        data = read_labelled(tmp_path / f"annotations_{name}" / file)
        assert len(data.examples) == 4 and len(data.names) == 17
    assert "not written as 'via'. Expected one of coco, " in fail(
        *command, "--write-annotations", "via"
    )
    # They may be corrected by now.
    corrected = tmp_path / "annotations_coco" / "corrected.txt"
    corrected.touch()
    assert "is not written over: choose another --out" in fail(
        *command, "--write-annotations", "coco"
    )
    assert corrected.is_file()
    monkeypatch.setitem(sys.modules, "sleap_io", None)
    expected = "Writing files of SLEAP needs sleap-io"
    assert expected in fail(*command, "--write-annotations", "sleap")
    command[2] = models / "classes.keras"
    assert "Predictions of classification are not written as 'coco'" in fail(
        *command, "--write-annotations", "coco"
    )


def test_segments_are_written_as_annotations(models, tmp_path):
    command = ["predict", "--model", models / "segments.keras", "--out", tmp_path]
    command += ["--write-annotations", "coco", models / "data" / "val"]
    text = run(*command).out
    path = tmp_path / "annotations_coco" / "annotations" / "instances_default.json"
    assert "for COCO's json" in text and str(path) in text.replace("\n", "")
    data = read_labelled(path, work=tmp_path / "work")
    assert data.task == "segmentation" and len(data.examples) == 2
    for example in data.examples:
        name = example.image_path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        written = np.asarray(Image.open(tmp_path / f"{name}_labels.png"))
        again = np.asarray(Image.open(example.label_path))
        assert written.shape == again.shape
    assert "Expected one of coco, " in fail(*command, "--write-annotations", "sleap")
