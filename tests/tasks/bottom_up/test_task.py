"""Bottom-up pose end to end: training, tests, predictions, exports."""

import json
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from drawn_people import NAMES, coco_content, coco_person, draw_pictures, write
from typer.testing import CliRunner

from hrnet_tf import Predictor, export_litert, export_saved_model
from hrnet_tf.data.formats.coco_people import load_people
from hrnet_tf.data.keypoint_sets import COCO, KeypointSet
from hrnet_tf.data.tags.grouping import GroupingRule, match_peaks
from hrnet_tf.data.tags.peaks import Peaks
from hrnet_tf.export import load_exported
from hrnet_tf.models.classifier import KAIMING_FAN_OUT
from hrnet_tf.models.higher_pose import HigherHRNetPose
from hrnet_tf.tasks.bottom_up import evaluate as evaluation
from hrnet_tf.tasks.bottom_up.inference import BottomUpInference
from hrnet_tf.tasks.bottom_up.picture import labelled_people
from hrnet_tf.tasks.bottom_up.recipe import coco_bottom_up_recipe
from hrnet_tf.training.run import train

BIRD = KeypointSet("bird", NAMES, (("left", "right"),), sigmas=(0.1, 0.1, 0.1))


@pytest.fixture(scope="module")
def model():
    """Random weights whose heatmaps have peaks above the threshold."""
    keras.utils.set_random_seed(5)
    made = HigherHRNetPose.from_preset(
        "hrnet_test",
        False,
        shorter_side=64,
        keypoint_set=COCO.to_dict(),
        kernel_initializer=KAIMING_FAN_OUT,
    )
    rng = np.random.default_rng(0)
    for name in ("head", "high_head"):
        kernel, bias = made.get_layer(name).get_weights()
        made.get_layer(name).set_weights([rng.normal(0, 1, kernel.shape), bias])
    return made


@pytest.fixture
def run():
    from hrnet_tf.cli.main import make_app

    def invoke(*arguments, exit_code=0):
        runner = CliRunner(env={"COLUMNS": "100", "HRNET_DEBUG": None})
        result = runner.invoke(make_app(), [str(a) for a in arguments])
        assert result.exit_code == exit_code, (result.output, result.exception)
        return " ".join(result.output.split())

    return invoke


def photo(height=70, width=100):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_models_own_threshold_counts(model):
    higher = HigherHRNetPose.from_config(
        {**model.get_config(), "detection_threshold": 0.5}
    )
    higher.set_weights(model.get_weights())
    usual, high = (BottomUpInference(x, refine=False) for x in (model, higher))
    assert usual.description["detection_threshold"] == 0.1
    assert high.description["detection_threshold"] == 0.5
    (many,), (few,) = usual.run([photo()]), high.run([photo()])
    assert 0 < few.scores[few.scores > 0].min() - 0.5 < 0.5 and len(few) < len(many)
    assert many.scores[many.scores > 0].min() < 0.5
    with pytest.raises(ValueError, match="detection_threshold is a height.*=1.5"):
        HigherHRNetPose.from_preset("hrnet_test", False, detection_threshold=1.5)


@pytest.mark.slow
def test_exports_find_the_same_people(model, tmp_path):
    direct = Predictor(model, flip_test=True, max_people=4).predict(photo())
    assert len(direct) > 1 and (np.diff(direct.box_scores) <= 0).all()
    folder = export_saved_model(model, tmp_path, flip_test=True, max_people=4)
    exported = load_exported(folder)
    assert exported.description["detection_threshold"] == 0.1
    again = Predictor(exported).predict(photo())
    np.testing.assert_allclose(again.xy, direct.xy, atol=1e-3)
    np.testing.assert_allclose(again.scores, direct.scores, atol=1e-5)
    encoded = tf.constant([tf.io.encode_png(photo()).numpy()])
    found = exported.signature("serving_default")(image_bytes=encoded)
    # In the graph there are four at the most.
    np.testing.assert_allclose(
        found["person_scores"][0][: len(direct)], direct.box_scores[:4], atol=1e-5
    )
    np.testing.assert_allclose(
        found["keypoints"][0][: len(direct)], direct.xy[:4], atol=1e-2
    )
    # A client that has peaks of files puts them together itself.
    found = exported.signature("peaks")(image_bytes=encoded)
    peaks = Peaks(*(found[k][0] for k in ("values", "points", "tags")))
    people, _ = match_peaks(peaks, GroupingRule(max_people=4))
    assert len(people) == len(direct)
    # Middles of cells: half a cell of the image at the most from the adjusted points.
    seen = people[:, :, 2] > 0
    nearest = np.abs(people[seen][:, None, :2] - direct.xy.reshape(-1, 2)).max(-1)
    assert nearest.min(1).max() < 0.3 * 100 / 64
    with pytest.raises(ValueError, match="exported with flip_test=True"):
        Predictor(exported, flip_test=False)


def test_a_limit_is_told_once_and_scales_are_averaged(model):
    with pytest.warns(UserWarning, match="beyond the limit of 1 left out"):
        predictor = Predictor(model, limit=1, scales=(0.5, 1.0))
        assert len(predictor.predict(photo())) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictor.predict(photo(100, 70))
    for wrong, text in (
        ({"scales": (0.5, 2)}, "Of several scales one is 1"),
        ({"scales": (0, 1)}, "positive factors"),
        ({"scales": ()}, r"positive factors.*\(\)"),
        ({"max_people": 0}, "1 or more.*max_people=0"),
        ({"shorter_side": 50}, "divisible by 32.*50"),
        ({"limit": 0}, "1 or more.*limit=0"),
    ):
        with pytest.raises(ValueError, match=text):
            BottomUpInference(model, **wrong)


def test_a_model_of_one_size_sees_all_of_an_image():
    keras.utils.set_random_seed(5)
    made = HigherHRNetPose.from_preset(
        "hrnet_test", False, num_keypoints=3, image_size=(64, 64)
    )
    inference = BottomUpInference(made)
    found = inference.images(tf.constant(photo()[None]))
    assert found["heatmaps"].shape == (1, 64, 64, 3)
    matrix = found["matrix"].numpy()
    # The longer side fills the map.
    np.testing.assert_allclose(matrix[0], [100 / 64, 0, 0], atol=1e-4)
    with pytest.raises(ValueError, match="made for images of"):
        BottomUpInference(made, scales=(0.5, 1))


@pytest.mark.slow
def test_litert_finds_peaks(tmp_path):
    arguments = {"num_keypoints": 3, "image_size": (64, 64)}
    made = HigherHRNetPose.from_preset("hrnet_test", False, **arguments)
    path = export_litert(made, tmp_path / "people.tflite")
    lite = Interpreter(str(path)).get_signature_runner()
    image = photo(64, 64)[None]
    found = lite(images=image)
    direct = BottomUpInference(made).inputs(tf.constant(image))
    for name in ("heatmaps", "values", "cells"):
        np.testing.assert_allclose(found[name], direct[name], atol=1e-4)


def crowded_file(tmp_path):
    """A COCO file with a person, a crowd, someone unlabelled and an empty image."""
    draw_pictures(tmp_path, "a.png", "b.png", "c.png")
    content = coco_content("a.png", "b.png", "c.png")
    runs = {"size": [30, 40], "counts": [0, 300, 900]}
    crowd = {"iscrowd": 1, "segmentation": runs, "keypoints": [0] * 9}
    ring = [[20, 10, 30, 10, 30, 20, 20, 20]]
    unlabelled = {"segmentation": ring, "keypoints": [0] * 9, "num_keypoints": 0}
    content["annotations"] = [
        coco_person(1, 1),
        coco_person(2, 1, **crowd),
        coco_person(3, 2, **unlabelled),
    ]
    return write(tmp_path / "people.json", content)


def test_crowds_and_unlabelled_people_are_masked(tmp_path):
    path = crowded_file(tmp_path)
    with pytest.warns(
        UserWarning, match="1 image without an annotation .such as c.png"
    ):
        train_examples = load_people(path, tmp_path, BIRD)
    assert [example.num_people for example in train_examples] == [1, 0]
    crowd, unlabelled = (example.ignored for example in train_examples)
    # Runs go by columns: ten of them.
    assert crowd.sum() == 300 and crowd[:, :10].all()
    assert unlabelled.sum() == 100 and unlabelled[10:20, 20:30].all()
    with pytest.warns(UserWarning, match="crowds"):
        examples = load_people(path, tmp_path, BIRD, "val")
    assert len(examples) == 3 and not examples[2].ignored.any()
    # All that is labelled, found: nothing is missed, and nothing is too much.
    exact = [labelled_people(example, BIRD) for example in examples]
    numbers = evaluation.score(exact, examples, BIRD, ground_truth=path)
    assert numbers["AP"] == pytest.approx(1)
    nobody = [labelled_people(examples[2], BIRD)] * 3
    assert evaluation.score(nobody, examples, BIRD)["AP"] == 0
    broken = json.loads(path.read_text())
    broken["annotations"][1]["segmentation"]["counts"] = [0, 5]
    write(path, broken)
    with pytest.raises(ValueError, match="annotation 1.*its runs are of 5 pixels"):
        load_people(path, tmp_path, BIRD)


def small_recipe(data_dir, preset="hrnet_test", **arguments):
    return coco_bottom_up_recipe(
        name="small",
        settings={"preset": preset, "batch_size": 2, "epochs": 1},
        data_dir=data_dir,
        side=64,
        **arguments,
    )


def test_what_a_metric_needs_is_asked_for_first(model, drawn_people):
    """Not after an epoch, nor when all images have been looked at."""
    with pytest.raises(ValueError, match="crowdIndex of each image, which 4 of 4"):
        small_recipe(drawn_people, metric="crowdpose").train_data(0, 0)
    path = drawn_people / "annotations" / "person_keypoints_val2017.json"
    examples = load_people(path, drawn_people / "val2017", COCO, "val")
    looked_at = []

    def look(images):
        looked_at.append(images)
        raise AssertionError

    with pytest.raises(ValueError, match="crowdIndex"):
        evaluation.evaluate(model, examples, "crowdpose", infer=look)
    assert not looked_at


def test_arguments_of_the_network_stand_behind_the_preset(tmp_path):
    made = small_recipe(tmp_path, "hrnet_test:exchanges=final").model()
    assert made.arguments["exchanges"] == "final" and made.shorter_side == 64


def test_batches_are_drawn_again_the_same(drawn_people):
    recipe = small_recipe(drawn_people)
    images, labels, weights = next(iter(recipe.train_data(0, 0)[0]))
    assert images.shape == (2, 64, 64, 3) and images.dtype == tf.uint8
    assert labels["tags"].shape == (2, 30, 17) and (labels["tags"] >= 0).numpy().any()
    assert weights["heatmaps_half"].shape == (2, 32, 32)
    again, labels_again, _ = next(iter(recipe.train_data(0, 0)[0]))
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(labels["tags"], labels_again["tags"])
    built = recipe.model()
    assert built.shorter_side == 64 and built.arguments["keypoint_set"]


@pytest.mark.slow
def test_it_trains_and_goes_through_the_commands(drawn_people, people, run, tmp_path):
    out = tmp_path / "run"
    train(small_recipe(drawn_people), out)
    model = out / "best.keras"
    history = (out / "history.csv").read_text().splitlines()
    assert "AP" in history[0] and "tags_loss" in history[0]

    text = run("evaluate", "--model", model, *people, "--out", tmp_path / "test")
    assert "4 images with" in text and "64 px, scales 1, with flip test" in text
    report = json.loads(
        (tmp_path / "test" / "person_keypoints_val2017.json").read_text()
    )
    assert 0 <= report["numbers"]["AP"] < 1 and report["num_images"] == 4
    assert len(list((tmp_path / "test" / "pictures").glob("*.jpg"))) == 4

    folder = drawn_people / "val2017"
    command = ("predict", "--model", model, folder, "--out", tmp_path / "found")
    run(*command, "--limit", 3, "--write-annotations", "coco")
    content = json.loads((tmp_path / "found" / "predictions.json").read_text())
    assert len(content["images"]) == 4
    file = tmp_path / "found/annotations_coco/annotations/person_keypoints_default.json"
    sure = [p for i in content["images"] for p in i["people"] if p["box_score"] >= 0.1]
    assert len(json.loads(file.read_text())["annotations"]) == len(sure)
    assert (tmp_path / "found" / content["images"][0]["picture"]).is_file()
    boxes = tmp_path / "boxes.json"
    boxes.write_text("[[0, 0, 10, 10]]")
    command = ("predict", "--model", model, folder, "--out", tmp_path / "no")
    text = run(*command, "--boxes", boxes, exit_code=1)
    assert "--boxes does not belong to bottom-up human pose" in text
