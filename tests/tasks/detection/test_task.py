"""Detection end to end: training, tests, predictions, exports, records."""

import json
from contextlib import nullcontext
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from drawn_objects import (
    APPLE,
    FRUIT,
    annotation,
    coco_file,
    drawn_examples,
    outline,
    two_objects,
)
from typer.testing import CliRunner

from hrnet_tf import Predictor, export_litert, export_saved_model
from hrnet_tf.export import load_exported
from hrnet_tf.models.faster_rcnn import HRNetFasterRCNN
from hrnet_tf.models.fcos import HRNetFCOS
from hrnet_tf.tasks.detection import evaluate as evaluation
from hrnet_tf.tasks.detection import labelled
from hrnet_tf.tasks.detection.evaluate import evaluate
from hrnet_tf.tasks.detection.pasting import mask_runs, paste_masks
from hrnet_tf.tasks.detection.picture import labelled_objects

SMALL = {"num_classes": 2, "class_names": FRUIT.classes, "num_channels": 32}


def model(kind=HRNetFasterRCNN, **arguments):
    keras.utils.set_random_seed(1)
    arguments = {**SMALL, "image_size": (64, 64), **arguments}
    return kind.from_preset("hrnet_test", load_weights=False, **arguments)


@pytest.fixture(scope="module")
def detector():
    return model(with_masks=True)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return drawn_examples(tmp_path_factory.mktemp("fruit"), count=4)


@pytest.fixture
def run():
    from hrnet_tf.cli.main import make_app

    def invoke(*arguments, exit_code=0):
        runner = CliRunner(env={"COLUMNS": "100", "HRNET_DEBUG": None})
        result = runner.invoke(make_app(), [str(a) for a in arguments])
        assert result.exit_code == exit_code, (result.output, result.exception)
        return result.output

    return invoke


def test_boxes_are_in_pixels_of_images_of_any_size(detector):
    predictor = Predictor(detector, score_threshold=0.0, max_detections=5)
    image = np.random.default_rng(0).integers(0, 256, (90, 130, 3), np.uint8)
    found = predictor.predict(image)
    assert len(found) == 5 and (np.diff(found.scores) <= 0).all()
    assert (found.boxes >= 0).all() and (found.boxes <= [130, 90, 130, 90]).all()
    view = tf.round(tf.image.resize(image, (44, 64)))[None]
    direct = detector.detect(view, [[44, 64]], 0.0, 5)
    scaled = direct["boxes"][0] * np.tile([130 / 64, 90 / 44], 2)
    np.testing.assert_allclose(found.boxes, scaled, atol=1e-3)
    assert found.mask(0).shape == (90, 130)
    both = predictor.predict_batch([image[:, ::-1], image])
    np.testing.assert_allclose(both[1].boxes, found.boxes, atol=1e-3)


def test_a_frozen_detector_finds_the_same_in_images_of_any_size(detector):
    options = {"score_threshold": 0.0, "max_detections": 5}
    predictor = Predictor(detector, **options)
    frozen = Predictor(detector, frozen=True, **options)
    for shape in ((90, 130, 3), (64, 40, 3)):
        image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        wanted, found = (p.predict(image) for p in (predictor, frozen))
        np.testing.assert_allclose(found.boxes, wanted.boxes, atol=1e-3)
        np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-5)
        assert found.classes.tolist() == wanted.classes.tolist()


def test_masks_are_pasted_where_their_boxes_are():
    masks = np.ones((2, 28, 28), np.float32)
    masks[1, :, 14:] = 0
    boxes = np.array([[3, 2, 13, 8], [-4, 0, 16, 40]], np.float32)
    drawn = paste_masks(masks, boxes, tf.constant((20, 30))).numpy()
    assert drawn[0].sum() == 60 and drawn[0, 2:8, 3:13].all()
    assert drawn[1].sum() == 20 * 6 and drawn[1, :, :6].all()
    runs = mask_runs(masks, boxes, (20, 30))
    assert runs[0]["size"] == [20, 30]


@pytest.mark.slow
def test_the_official_test_runs_on_masks_too(detector, examples, tmp_path):
    report = evaluate(detector, examples)
    assert {"AP", "mask_AP", "mAP"} < set(report.numbers)
    assert report.num_images == 4 and report.images_per_second > 0


def test_texts_for_numbers_and_repeated_names_score_the_same(tmp_path, monkeypatch):
    """What is found where the labels are is right, however the file names it."""
    more = annotation(3, 2, APPLE, segmentation=outline(APPLE))
    path = coco_file(tmp_path, *two_objects(), more)
    content = json.loads(path.read_text())
    for image in content["images"]:
        del image["height"], image["width"]
        image["id"] = f"cam/{image['id']}"
    for entry in content["annotations"]:
        entry["image_id"] = f"cam/{entry['image_id']}"
        entry["category_id"] = str(entry["category_id"])
    content["categories"].append({"id": 8, "name": "apple"})
    content["annotations"][2]["category_id"] = 8
    path.write_text(json.dumps(content))

    def exact(model, examples, *_, **__):
        return [labelled_objects(example, FRUIT) for example in examples]

    monkeypatch.setattr(evaluation, "predict_examples", exact)
    fields = {"num_classes": 2, "with_masks": True}
    named = SimpleNamespace(arguments={"class_names": FRUIT.classes}, **fields)
    report = labelled.test_files(
        named, tmp_path, lambda *_: nullcontext(), annotations=[path]
    )["report"]
    assert report.numbers["AP"] == report.numbers["mask_AP"] == pytest.approx(1)
    assert report.facts["num_objects"] == 3


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["two_stage", "fcos"])
def test_an_export_finds_the_same(detector, examples, tmp_path, kind):
    made = detector if kind == "two_stage" else model(HRNetFCOS)
    options = {"score_threshold": 0.0, "max_detections": 4}
    exported = load_exported(export_saved_model(made, tmp_path, **options))
    paths = [example.image_path for example in examples[:2]]
    plain = Predictor(made, **options).predict_batch(paths)
    again = Predictor(exported).predict_batch(paths)
    files = [open(path, "rb").read() for path in paths]
    served = exported.signature("serving_default")(image_bytes=tf.constant(files))
    assert served["sizes"].tolist() == [[48, 64]] * 2
    for i in range(2):
        np.testing.assert_allclose(again[i].boxes, plain[i].boxes, atol=1e-3)
        np.testing.assert_allclose(served["boxes"][i], plain[i].boxes, atol=1e-3)
        assert again[i].names == plain[i].names
        if kind == "two_stage":
            assert again[i].masks == plain[i].masks
            masks = served["masks"][i].astype(bool)
            assert np.array_equal(masks[0], plain[i].mask(0))
    names = (exported.path / "assets" / "classes.txt").read_text()
    assert names.split() == ["apple", "pear"]
    with pytest.raises(ValueError, match="exported with max_detections=4"):
        Predictor(exported, max_detections=9)


@pytest.mark.slow
def test_a_litert_file_finds_the_same(detector, tmp_path):
    made = model(HRNetFCOS)
    options = {"score_threshold": 0.0, "max_detections": 4}
    path = export_litert(made, tmp_path / "fruit.tflite", **options)
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)
    interpreter = tf.lite.Interpreter(str(path))
    found = interpreter.get_signature_runner()(images=image)
    direct = made.detect(image, None, 0.0, 4)
    np.testing.assert_allclose(found["boxes"], direct["boxes"], atol=1e-2)
    np.testing.assert_allclose(found["scores"], direct["scores"], atol=1e-4)
    assert np.array_equal(found["classes"], direct["classes"])
    with pytest.raises(ValueError, match="train an HRNetFCOS"):
        export_litert(detector, tmp_path / "no.tflite")
    with pytest.raises(ValueError, match="image_size, such as"):
        export_litert(model(HRNetFCOS, image_size=None), tmp_path / "no.tflite")


@pytest.mark.slow
def test_training_goes_through_the_house(run, examples, tmp_path, monkeypatch):
    """From examples to a report, with a recipe that has no loss of its own."""
    from hrnet_tf.data.augment.detection import DetectionAugmentation
    from hrnet_tf.tasks.detection.recipe import detection_recipe, official_sgd
    from hrnet_tf.training.run import train

    def recipe():
        return detection_recipe(
            name="fruit",
            settings={"preset": "hrnet_test", "batch_size": 2, "epochs": 2},
            objects=FRUIT,
            load_train=lambda objects: examples[:2],
            load_val=lambda objects: examples[2:],
            make_model=HRNetFCOS.from_preset,
            augmentation=DetectionAugmentation(scales=((64, 48),)),
            optimizer=official_sgd,
            image_size=(64, 64),
            num_channels=32,
        )

    result = train(recipe(), tmp_path / "run")
    assert [row["epoch"] for row in result.history] == [1, 2]
    assert all(np.isfinite(row["loss"]) for row in result.history)
    assert "AP50" in result.history[0] and (tmp_path / "run" / "best.keras").is_file()
    # It is finished, and knows itself.
    assert len(train(recipe(), tmp_path / "run").history) == 2


def test_the_commands(run, detector, tmp_path):
    detector.save(tmp_path / "fruit.keras")
    annotations = coco_file(tmp_path / "data", *two_objects())
    common = ("--model", tmp_path / "fruit.keras")
    text = run(
        *("evaluate", *common, "--images", tmp_path / "data"),
        *("--annotations", annotations, "--out", tmp_path / "test"),
    )
    assert "2 images, 2 labelled objects" in text and "mask AP" in text
    names = {path.name for path in (tmp_path / "test").iterdir()}
    assert {"report.json", "pictures", "detections.json"} < names
    assert len(list((tmp_path / "test" / "pictures").glob("*.jpg"))) == 2
    picture = tmp_path / "data" / "1.png"
    options = ("--score-threshold", 0, "--max-detections", 3, "--limits", "64x48")
    text = run("predict", *common, picture, *options, "--out", tmp_path / "found")
    content = json.loads((tmp_path / "found" / "predictions.json").read_text())
    (row,) = content["images"]
    assert len(row["objects"]) == 3 and (tmp_path / "found" / row["picture"]).is_file()
    assert content["object_set"]["classes"] == ["apple", "pear"]
    text = run(
        *("records", "--task", "detection", "--images", tmp_path / "data", "--masks"),
        *("--annotations", annotations, "--out", tmp_path / "records"),
    )
    assert "objects" in text and (tmp_path / "records" / "metadata.json").is_file()
    text = run(
        *("records", "--task", "nothing", "--images", tmp_path / "data"),
        *("--out", tmp_path / "others"),
        exit_code=1,
    )
    assert "no records of 'nothing'" in " ".join(text.split())


@pytest.mark.slow
def test_an_export_is_tested_beside_its_model(run, tmp_path, monkeypatch):
    """By the task's own metric, with the options that the file was made with."""
    from hrnet_tf.cli import export_check

    tested = []
    report = SimpleNamespace(main_name="AP", numbers={"AP": 0.5})

    def test_own(task, one, source, data, images, out, options):
        tested.append((type(one).__name__, options))
        if len(tested) > 2:
            return real(task, one, source, data, images, out, options)
        return {"report": report}

    real = export_check.test_own
    monkeypatch.setattr(export_check, "test_own", test_own)
    monkeypatch.setattr(export_check.common, "show_report", lambda *a, **k: None)
    model(HRNetFCOS).save(tmp_path / "fruit.keras")
    annotations = coco_file(tmp_path / "data", *two_objects())
    command = ("export", "--model", tmp_path / "fruit.keras", "--check", annotations)
    limits = {"limits": (64, 48)}
    text = run(*command, "--limits", "64x48", "--out", tmp_path / "limits")
    assert tested == [("HRNetFCOS", limits), ("Exported", limits)]
    assert "AP of the file" in text and "0.5000 (+0.0000)" in text
    # Files for other runtimes too, and really.
    text = run(*command, "--format", "litert", "--out", tmp_path / "fruit.tflite")
    assert len(tested) == 4 and "AP of the file" in text


def test_detections_are_boxes_of_people_for_poses(tmp_path, people_dir):
    """What a test of a detector writes, a test of poses reads."""
    from hrnet_tf.data.formats import coco, coco_objects
    from hrnet_tf.data.keypoint_sets import load_keypoint_set
    from hrnet_tf.data.object_sets import PEOPLE
    from hrnet_tf.tasks.detection.picture import labelled_objects
    from hrnet_tf.tasks.detection.scoring import make_report

    annotations = people_dir / "annotations" / "person_keypoints_val2017.json"
    images = people_dir / "val2017"
    people = coco_objects.load_detection(annotations, images, PEOPLE, masks=True)
    found = [labelled_objects(example, PEOPLE) for example in people]
    report = make_report(people, found, PEOPLE)
    assert report.numbers["AP"] == report.numbers["mask_AP"] == 1.0
    report.save(tmp_path)
    poses = coco.load_detections(
        tmp_path / "detections.json",
        annotations,
        images,
        keypoint_set=load_keypoint_set("coco"),
    )
    assert sum(e.num_people for e in poses) == sum(e.num_objects for e in people)
