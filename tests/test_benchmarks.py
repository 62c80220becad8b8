"""The benchmarks run, and their peers do the same work as ours."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import coco
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.synthetic import generate_people
from hrnet_tf.tasks.pose import stream as pipeline

ROOT = Path(__file__).parent.parent
# They import each other.
sys.path.insert(0, str(ROOT / "benchmarks"))
COCO = load_keypoint_set("coco")


def load(name):
    spec = importlib.util.spec_from_file_location(
        f"benchmark_{name}", ROOT / "benchmarks" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(name, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    result = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = generate_people(tmp_path_factory.mktemp("drawn") / "people", 4, 1)
    annotations = folder / "annotations" / "person_keypoints_train2017.json"
    return annotations, folder / "train2017"


class TestDataPipeline:
    @pytest.mark.slow
    def test_runs(self, drawn):
        annotations, images = (str(path) for path in drawn)
        output = run(
            "data_pipeline",
            *("--annotations", annotations, "--images", images),
            *("--rounds", "1", "--people", "8", "--batch-size", "4"),
        )
        for row in ("official (cv2)", "hrnet_tf, files", "hrnet_tf, records"):
            assert row in output
        assert "1 rounds of 8" in output

    def test_official_side_makes_our_crops_and_targets(self, drawn):
        benchmark = load("data_pipeline")
        examples = coco.load_pose(*drawn, COCO)
        official = benchmark.OfficialPipeline(examples, COCO, augment=False)
        codec = HeatmapCodec((256, 192))
        plain = PoseAugmentation(
            scale=0.0,
            rotation_probability=0.0,
            flip_probability=0.0,
            half_body_probability=0.0,
        )
        stream = pipeline.people_stream(examples, COCO.num_keypoints)
        people = stream.count
        batches = pipeline.training_batches(stream, codec, COCO, people, plain)
        ours = [tensor.numpy() for tensor in next(iter(batches))]
        left = list(range(people))
        for person in official.people:
            crop, heatmaps, weights = official.example(*person)
            # Ours are shuffled.
            errors = [np.abs(ours[0][i] - crop.astype(np.float32)) for i in left]
            nearest = int(np.argmin([error.mean() for error in errors]))
            assert np.mean(errors[nearest] <= 2) > 0.99
            i = left.pop(nearest)
            np.testing.assert_allclose(
                ours[1][i].transpose(2, 0, 1), heatmaps, atol=1e-6
            )
            np.testing.assert_array_equal(ours[2][i], weights)

    def test_official_side_augments(self, drawn):
        benchmark = load("data_pipeline")
        examples = coco.load_pose(*drawn, COCO)
        official = benchmark.OfficialPipeline(examples, COCO, seed=1)
        images, heatmaps, weights = next(official.batches(16))
        assert images.shape == (16, 256, 192, 3) and images.dtype == np.uint8
        assert heatmaps.shape == (16, 17, 64, 48) and heatmaps.max() == 1
        assert weights.shape == (16, 17) and 0 < weights.mean() <= 1

    def test_annotations_need_images(self, capsys):
        with pytest.raises(SystemExit):
            load("data_pipeline").parse_arguments(["--images", "somewhere"])
        assert "--annotations and --images belong together" in capsys.readouterr().err


class TestInference:
    def test_runs_each_file_beside_the_others(self, tmp_path):
        sides = ("saved_model float32", "litert float32", "Keras inference")
        output = run(
            "inference",
            *("--preset", "hrnet_test", "--image-size", "64", "64"),
            *("--rounds", "1", "--seconds", "0.01", "--sides", *sides),
            *("--files", str(tmp_path / "files")),
        )
        assert "hrnet_test (44,429 weights), 64x64" in output
        assert all(f"│ {side} " in output for side in sides)
        assert "GFLOP/s" in output
        assert (tmp_path / "files" / "litert_float32" / "model.tflite").is_file()

    def test_a_ratio_is_the_median_of_the_rounds_own(self):
        found = {
            "ours": {"rounds": [{"wall": w} for w in (1.0, 2.0, 10.0)]},
            "peer": {"rounds": [{"wall": w} for w in (2.0, 4.0, 10.0)]},
        }
        assert load("inference").ratio(found, "ours", "peer") == 2.0
        assert load("inference").ratio(found, "ours", "absent") is None

    def test_peers_are_those_that_are_offered(self):
        pytest.importorskip("torch")
        assert set(load("torch_inference").KINDS) == set(load("inference").PEERS)


class TestWholeJob:
    @pytest.mark.slow
    def test_runs_each_side_beside_the_others(self, tmp_path):
        sides = ("saved_model float32", "litert float32", "Keras")
        output = run(
            "whole_job",
            *("--preset", "hrnet_test", "--people", "2", "--photos", "1"),
            *("--rounds", "1", "--seconds", "0.01", "--sides", *sides),
            *("--files", str(tmp_path / "files"), "--before", str(ROOT)),
        )
        assert "people a photo: 2" in output
        assert all(f"│ {side} " in output for side in (*sides, "before"))
        assert (tmp_path / "files" / "litert_float32" / "model.tflite").is_file()

    def test_the_published_pipeline_finds_what_ours_finds(self, drawn):
        from hrnet_tf import HRNetPose, Predictor

        benchmark, ours = load("official_job"), load("keras_job")
        size, (path, *_) = (128, 96), sorted(drawn[1].glob("*.jpg"))
        options = {"load_weights": False, "keypoint_set": COCO.to_dict()}
        model = HRNetPose.from_preset("hrnet_test", image_size=size, **options)
        draw = np.random.default_rng(0)
        for variable in model.trainable_variables:
            if len(variable.shape) == 4:
                bound = np.prod(variable.shape[:3]) ** -0.5
                variable.assign(draw.uniform(-bound, bound, variable.shape))

        def network(crops):
            pixels = crops.transpose(0, 2, 3, 1) * benchmark.DEVIATION + benchmark.MEAN
            return np.asarray(model(pixels * 255)).transpose(0, 3, 1, 2)

        pairs = [(i, j) for i, j in enumerate(COCO.flip_indices) if i < j]
        job = benchmark.OfficialJob(network, size, pairs)
        ((content, boxes),) = ours.read_photos([str(path)], 6)
        points, scores = job.predict(content, boxes)
        found = Predictor(model, flip_test=True).predict(content, boxes=boxes)
        # Crops may differ by a grey level, and so cells that are nearly the largest.
        apart = np.abs(points - found.xy).max(-1)
        assert np.mean(apart < 0.05) > 0.9 and np.median(apart) < 1e-3
        np.testing.assert_allclose(scores, found.scores, rtol=0.02)
        assert job.network_seconds > 0

    def test_settings_must_be_positive(self, capsys):
        with pytest.raises(SystemExit):
            load("whole_job").parse_arguments(["--people", "0"])
        assert "must be positive" in capsys.readouterr().err


@pytest.mark.slow
def test_video_runs_at_the_same_time_and_one_after_another():
    pytest.importorskip("av")
    output = run("video", "--frames", "6", "--size", "96", "128", "--rounds", "1")
    lines = output.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "at the same time",
        "one after another",
    ]
    assert "it is 1.00x as fast" in lines[0]


class TestTrainingStep:
    tiny = ("--preset", "hrnet_test", "--rounds", "1", "--steps", "1")

    def test_our_side_runs(self):
        output = run(
            "training_step",
            *(*self.tiny, "--ours-only", "--batch-size", "1"),
            *("--image-size", "64", "64"),
        )
        assert "hrnet_test (44,429 weights), 64x64" in output
        assert "hrnet_tf" in output and "PyTorch │" not in output

    @pytest.mark.slow
    @pytest.mark.parametrize("backend", ["tensorflow", "jax"])
    def test_segmentation(self, backend):
        output = run(
            "training_step",
            *(*self.tiny, "--ours-only", "--batch-size", "1"),
            *("--image-size", "64", "64", "--task", "segmentation"),
            *("--backend", backend),
        )
        assert "Segmentation training step of hrnet_test (61,643 weights)" in output

    def test_absent_pytorch_is_explained(self):
        options = [*self.tiny, "--torch-python", "/nowhere/python"]
        with pytest.raises(SystemExit, match="pip install torch"):
            load("training_step").main(options)

    def test_ended_worker_is_named(self):
        script = load("training_step").__file__
        worker = load("sides").Worker("PyTorch", sys.executable, script, {})
        with pytest.raises(SystemExit, match="process of PyTorch ended"):
            worker.read()
        worker.close()

    def test_counts_must_be_positive(self, capsys):
        with pytest.raises(SystemExit):
            load("training_step").parse_arguments(["--rounds", "0"])
        assert "must be at least 1" in capsys.readouterr().err


def test_cells_need_positive_numbers(capsys):
    arguments = ["--data-dir", "bccd", "--epochs", "0"]
    with pytest.raises(SystemExit):
        load("torchvision_cells").parse_arguments(arguments)
    assert "must be positive" in capsys.readouterr().err


def test_transfer_curve_takes_the_first_pictures(drawn, tmp_path):
    annotations, images = drawn
    target = tmp_path / "few" / "train.json"
    module = load("transfer_curve")
    assert module.first_pictures(annotations, target, 2) == 2
    few = coco.load_pose(target, images, COCO, "train")
    whole = coco.load_pose(annotations, images, COCO, "train")
    assert [example.image_path for example in few] == [
        example.image_path for example in whole[:2]
    ]
    assert module.first_pictures(annotations, target, 99) == len(whole)


def test_import_of_coco_runs():
    output = run("import_coco", "--people", "6", "--images", "3", "--rounds", "1")
    assert "hrnet_tf" in output and "pycocotools" in output


def test_grouping_finds_the_people_that_were_drawn():
    output = run("bottom_up_grouping", "--people", "3", "--side", "96", "--runs", "1")
    lines = output.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "refine False: 3 people",
        "refine True: 3 people",
    ]
