"""The official test: boxes, flips, metrics, reports."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from hrnet_tf import HRNetPose
from hrnet_tf.data.formats import coco
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import KeypointSet, load_keypoint_set
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.metrics import coco_stats
from hrnet_tf.tasks.pose import evaluate as pose

COCO = load_keypoint_set("coco")


@pytest.fixture(scope="module")
def truth(people_dir):
    return people_dir / "annotations" / "person_keypoints_val2017.json"


@pytest.fixture(scope="module")
def examples(people_dir, truth):
    return coco.load_pose(truth, people_dir / "val2017", COCO, "val")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return HRNetPose.from_preset(
        "hrnet_test",
        image_size=(256, 192),
        keypoint_set=COCO.to_dict(),
        kernel_initializer="he_normal",
    )


def oracle(model, examples):
    """An inference function that answers with the targets of the labels."""
    from hrnet_tf.data.augment import affine
    from hrnet_tf.tasks.pose import stream as pipeline

    codec = HeatmapCodec.for_model(model)
    keypoints = np.concatenate([e.keypoints for e in examples])
    boxes = np.concatenate([e.boxes for e in examples])
    centers, sizes = affine.box_regions(boxes, 0.75)
    matrices = codec.crop_matrix(centers, sizes, 0.0)
    points = affine.apply_matrix(matrices, keypoints[..., :2])
    heatmaps = codec.encode(points, keypoints[..., 2])[0].numpy()
    batches = list(
        pipeline.test_batches(pipeline.people_stream(examples, 17), codec, 4)
    )
    answers = {}
    for batch in batches:
        for image, index in zip(batch["images"], batch["index"], strict=True):
            answers.setdefault(image.numpy().tobytes(), heatmaps[int(index)])

    def infer(images):
        return np.stack([answers[np.asarray(image).tobytes()] for image in images])

    return infer


def test_a_perfect_network_scores_perfectly(model, examples, truth):
    report = pose.evaluate(
        model,
        examples,
        ground_truth=truth,
        flip_test=False,
        batch_size=4,
        infer=oracle(model, examples),
    )
    assert report.main_number == report.numbers["AP"] > 0.95
    assert report.num_people == sum(e.num_people for e in examples)
    assert report.boxes == "ground truth"


@pytest.mark.parametrize(
    ("convention", "limit"),
    [("official", 0.51), ("dark", 0.02), ("udp", 0.02), ("face", 0.51)],
)
def test_what_was_encoded_is_found_in_the_image(model, examples, convention, limit):
    model = HRNetPose.from_config(
        {**model.get_config(), "heatmap_convention": convention}
    )
    people = pose.predict_people(
        model, examples, flip_test=False, batch_size=4, infer=oracle(model, examples)
    )
    labels = np.concatenate([e.keypoints for e in examples])
    cells = np.abs(people.points - labels[..., :2]) / people.sizes[:, None] * [48, 64]
    # Away from the border, where no convention finds a Gaussian's middle.
    inside = np.abs(labels[..., :2] - people_centers(examples)[:, None])
    inside = (inside / people.sizes[:, None]).max(-1) < 0.4
    shown = (labels[..., 2] > 0) & inside
    assert shown.sum() > 20
    assert cells[shown].max() < limit


def people_centers(examples):
    boxes = np.concatenate([e.boxes for e in examples])
    return boxes[:, :2] + boxes[:, 2:] / 2


def test_the_flip_test_reads_the_mirrored_image(model, examples):
    plain = pose.predict_people(model, examples, flip_test=False, batch_size=4)
    seen = []

    def infer(images):
        seen.append(np.asarray(images))
        return model(images, training=False)

    flipped = pose.predict_people(model, examples, batch_size=4, infer=infer)
    np.testing.assert_array_equal(seen[1], seen[0][:, :, ::-1])
    assert np.abs(flipped.scores - plain.scores).max() > 0


def test_padding_of_the_last_batch_changes_nothing(model, examples):
    small = pose.predict_people(model, examples, flip_test=False, batch_size=3)
    large = pose.predict_people(model, examples, flip_test=False, batch_size=64)
    np.testing.assert_allclose(small.scores, large.scores, rtol=1e-4, atol=1e-6)


def test_report_is_written_and_has_no_nan(tmp_path):
    report = pose.make_report(
        {"Mean": 50.0, "Head": float("nan")},
        9.0,
        metric="pckh",
        boxes="ground truth",
        flip_test=True,
        num_people=2,
        num_images=1,
        num_unscored=0,
    )
    report.save(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["numbers"] == {"Mean": 50.0, "Head": None}
    assert found["boxes"] == "ground truth" and found["flip_test"] is True


def test_errors_name_metric_and_set(model, examples):
    with pytest.raises(ValueError, match="metric must be one of.*'map'"):
        pose.evaluate(model, examples, metric="map")
    with pytest.raises(ValueError, match="needs a keypoint set with sigmas.*'pck'"):
        pose.checked_metric("oks", dataclasses.replace(COCO, sigmas=None))
    bare = HRNetPose.from_preset("hrnet_test", image_size=(64, 64))
    with pytest.raises(ValueError, match="does not say which keypoints"):
        pose.evaluate(bare, examples)


def test_default_metrics():
    assert pose.default_metric(COCO) == "oks"
    assert pose.default_metric(load_keypoint_set("mpii")) == "pckh"
    assert pose.default_metric(load_keypoint_set("lsp")) == "pck"
    without = dataclasses.replace(COCO, sigmas=None)
    assert pose.default_metric(without) == "pck"


def _people_of(names, **fields):
    """Labelled examples, and predictions of which half are 9 px off."""
    keypoint_set = KeypointSet("mouse", names, **fields)
    found, points = [], []
    for i in range(4):
        labels = np.full((1, len(names), 3), (20.0 + i, 30.0, 2))
        labels[0, :, 0] += 10 * np.arange(len(names))
        box = [[10.0, 10.0, 60.0, 80.0]]
        example = PoseExample(f"{i}.png", i, 96, 128, box, labels, [4800.0], [i])
        found.append(example)
        points.append(labels[..., :2] + (9.0 if i % 2 else 0.0, 0.0))
    points = np.concatenate(points).astype("float32")
    sizes = np.full((4, 2), 90, "float32")
    people = pose.PeoplePredictions(points, np.ones(points.shape[:2], "f4"), sizes)
    return keypoint_set, found, people


def test_names_alone_are_tested_by_the_box():
    keypoint_set, examples, people = _people_of(("nose", "tail"))
    numbers = pose.score(people, examples, keypoint_set, "pck")
    # 9 px are more than a tenth of 80.
    assert numbers == {"PCK": 0.5, "nose": 0.5, "tail": 0.5}
    assert "0.1 of the box's longer side" in pose.metric_text("pck", keypoint_set)
    pair = dataclasses.replace(keypoint_set, pck_reference=("nose", "tail"))
    assert "0.2 of the distance nose - tail" in pose.metric_text("pck", pair)


def test_oks_needs_no_file():
    keypoint_set, examples, people = _people_of(("nose", "tail"), sigmas=(0.1, 0.1))
    truth = coco_stats.ground_truth(examples)
    numbers = pose.score(people, examples, keypoint_set, "oks", truth)
    assert 0.5 < numbers["AP"] < 1 and numbers["Ap .5"] == 1


def test_pictures_left_out_are_not_scored(model, examples, truth):
    # Nobody is found, so that only the count of people shows.
    def infer(images):
        return np.zeros((len(images), 64, 48, 17), np.float32)

    def evaluate(**options):
        return pose.evaluate(
            model, examples[1:], ground_truth=truth, infer=infer, **options
        )

    assert evaluate().num_images == len(examples) - 1
    people, first = examples[0].num_people, examples[0].image_id
    said = (
        rf"{people} (person|people) in 1 picture \(the first has the id {first}\) are"
    )
    with pytest.warns(UserWarning, match=said):
        evaluate(skip_bad=True)
    kept = pose._without_left_out(truth, examples[1:], COCO)
    scored = [a for a in kept["annotations"] if a["num_keypoints"]]
    assert len(scored) == sum(example.num_people for example in examples[1:])
    assert len(kept["images"]) == len(examples) - 1
