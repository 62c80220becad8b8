"""`hrnet convert`: what it writes, what it says, and what it refuses."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from typer.testing import CliRunner

import hrnet_tf
from hrnet_tf.cli import app
from hrnet_tf.cli.convert import _find_published
from hrnet_tf.weights import registry
from hrnet_tf.weights.export_torch import export_torch_state_dict

SIZE = {"image_size": (64, 64)}


def run(*arguments, exit_code=0):
    """Runs `hrnet convert ARGUMENTS`; returns stdout and stderr without colours."""
    environment = {"COLUMNS": "100", "HRNET_DEBUG": None}
    command = ["convert", *map(str, arguments)]
    result = CliRunner(env=environment).invoke(app, command)
    assert result.exit_code == exit_code, (result.output, result.exception)
    return [
        re.sub(r"\x1b\[[0-9;]*m", "", text) for text in (result.stdout, result.stderr)
    ]


def fail(*arguments):
    """Runs what must end with an error; returns its text."""
    _, text = run(*arguments, exit_code=1)
    assert text.startswith("error: "), text
    return text


def facts(text):
    """Returns what a report says, by the name of the fact."""
    return dict(re.split(r" {2,}", line, maxsplit=1) for line in text.splitlines())


def write(path, name, rename=str, **arguments):
    """Writes a checkpoint of a small model; returns the model."""
    model = getattr(hrnet_tf, name).from_preset("hrnet_test", **arguments)
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.normal(0, 1, variable.shape))
    tensors = export_torch_state_dict(model)
    save_file({rename(name): array for name, array in tensors.items()}, path)
    return model


@pytest.fixture(scope="module")
def pose(tmp_path_factory):
    """A pose checkpoint, and the model that it is of."""
    path = tmp_path_factory.mktemp("checkpoints") / "pose.safetensors"
    return path, write(path, "HRNetPose", **SIZE)


def assert_same(path, model):
    loaded = hrnet_tf.load_model(path)
    for ours, theirs in zip(loaded.weights, model.weights, strict=True):
        assert ours.path == theirs.path
        np.testing.assert_array_equal(np.array(ours), np.array(theirs))
    return loaded


class TestPose:
    def test_writes_the_model_and_reports(self, pose, tmp_path):
        checkpoint, model = pose
        out = tmp_path / "new" / "model.keras"
        arguments = ["--image-size", "64x96", "--keypoints", "coco"]
        text, _ = run(checkpoint, "--task", "pose", "--out", out, *arguments)
        loaded = assert_same(out, model)
        assert type(loaded) is hrnet_tf.HRNetPose
        assert loaded.image_size == (64, 96)
        assert loaded.arguments["keypoint_set"]["name"] == "coco"
        found = facts(text)
        assert found["checkpoint"].startswith(f"{checkpoint} (")
        assert found["layout"] == "official pose network"
        assert found["architecture"] == "hrnet_test"
        assert found["model"] == (
            "HRNetPose, 17 keypoints, input 64x96, interpolation nearest, channel order"
            " rgb"
        )
        count = len(model.weights)
        assert found["weights"] == (
            f"{count} variables assigned, 0 left as they were, 0 tensors unused"
        )
        assert found["written"].startswith(f"{out} (")
        assert [path.name for path in out.parent.iterdir()] == ["model.keras"]

    def test_guesses_the_task(self, pose, tmp_path):
        checkpoint, model = pose
        run(checkpoint, "--out", tmp_path / "model.keras", "--image-size", "any")
        assert assert_same(tmp_path / "model.keras", model).image_size is None

    def test_takes_what_the_user_knows_better(self, pose, tmp_path):
        out = tmp_path / "model.keras"
        options = ["--channel-order", "bgr", "--interpolation", "bilinear"]
        options += ["--preset", "hrnet_test", "--image-size", "100x60"]
        text, _ = run(pose[0], "--out", out, *options)
        arguments = assert_same(out, pose[1]).arguments
        assert arguments["channel_order"] == "bgr"
        assert arguments["interpolation"] == "bilinear"
        assert "note 1" in facts(text)
        assert "networks of this layout have interpolation='nearest'" in text

    @pytest.mark.slow
    def test_mixed_streams(self, tmp_path):
        checkpoint, out = tmp_path / "hand.safetensors", tmp_path / "model.keras"
        model = write(checkpoint, "HRNetLandmarks", num_keypoints=21, **SIZE)
        run(checkpoint, "--task", "pose", "--out", out, "--image-size", "64x64")
        loaded = assert_same(out, model)
        assert type(loaded) is hrnet_tf.HRNetPose
        assert loaded.arguments["representation"] == "v2"
        run(checkpoint, "--out", out, "--overwrite")
        assert type(assert_same(out, model)) is hrnet_tf.HRNetLandmarks

    def test_another_number_of_keypoints_starts_a_new_head(self, pose, tmp_path):
        out = tmp_path / "model.keras"
        text, _ = run(pose[0], "--out", out, "--class-count", 14)
        assert hrnet_tf.load_model(out).num_keypoints == 14
        assert "2 left as they were, 2 tensors unused" in facts(text)["weights"]
        assert "2 tensors ignored: a head for another number of keypoints" in text
        assert "the model's own head keeps its weights: train it" in text


class TestConventions:
    @pytest.mark.slow
    def test_the_users(self, pose, tmp_path):
        out = tmp_path / "model.keras"
        text, _ = run(pose[0], "--out", out, "--convention", "dark")
        assert assert_same(out, pose[1]).heatmap_convention == "dark"
        assert facts(text)["model"].endswith(", heatmap convention dark")
        run(pose[0], "--out", out, "--overwrite")
        assert assert_same(out, pose[1]).heatmap_convention == "official"

    @pytest.mark.slow
    def test_the_official_face_codes(self, tmp_path):
        checkpoint, out = tmp_path / "face.safetensors", tmp_path / "model.keras"
        model = write(checkpoint, "HRNetLandmarks", num_keypoints=19, **SIZE)
        run(checkpoint, "--out", out)
        assert assert_same(out, model).heatmap_convention == "face"
        run(checkpoint, "--out", out, "--convention", "official", "--overwrite")
        assert assert_same(out, model).heatmap_convention == "official"

    @pytest.mark.slow
    def test_the_published_files(self, pose, tmp_path, monkeypatch):
        """A file of that checksum, though of a tiny network."""
        name = "hrnet_w32_coco_384x288_udp"
        fields = registry._read("mmpose")[name]
        digest = hashlib.sha256(pose[0].read_bytes()).hexdigest()
        monkeypatch.setitem(fields, "sha256", digest[:8])
        out = tmp_path / "model.keras"
        text, _ = run(pose[0], "--out", out)
        loaded = assert_same(out, pose[1])
        assert loaded.heatmap_convention == "udp"
        assert (loaded.image_size, loaded.heatmap_sigma) == ((384, 288), 3.0)
        assert loaded.arguments["keypoint_set"]["name"] == "coco"
        assert facts(text)["published as"] == name
        # The user knows better.
        options = ["--convention", "dark", "--image-size", "64x96", "--overwrite"]
        run(pose[0], "--out", out, "--class-count", 14, *options)
        loaded = hrnet_tf.load_model(out)
        assert (loaded.heatmap_convention, loaded.image_size) == ("dark", (64, 96))
        assert loaded.num_keypoints == 14
        assert loaded.arguments["keypoint_set"] is None
        # For other tasks it is a body alone.
        assert _find_published(pose[0], "pose").name == name
        assert _find_published(pose[0], "backbone") is None

    @pytest.mark.slow
    def test_other_tasks_have_none(self, tmp_path):
        checkpoint, out = tmp_path / "cls.safetensors", tmp_path / "model.keras"
        write(checkpoint, "HRNetClassifier", num_classes=3, **SIZE)
        for option in (["--convention", "udp"], ["--keypoints", "coco"]):
            assert (
                f"{option[0]} belongs to networks for pose and landmarks; this one is"
                " for another task (classifier). Leave it out."
                in fail(checkpoint, "--out", out, *option)
            )


class TestCropFraction:
    @pytest.mark.slow
    def test_the_users(self, tmp_path):
        checkpoint, out = tmp_path / "cls.safetensors", tmp_path / "model.keras"
        model = write(checkpoint, "HRNetClassifier", num_classes=3, **SIZE)
        text, _ = run(checkpoint, "--out", out, "--crop-fraction", 0.95)
        assert assert_same(out, model).arguments["crop_fraction"] == 0.95
        assert facts(text)["model"].endswith(", crop fraction 0.95")
        error = fail(checkpoint, "--out", tmp_path / "b.keras", "--crop-fraction", 1.5)
        assert "(0, 1]" in error and "crop_fraction=1.5" in error

    def test_other_tasks_have_none(self, pose, tmp_path):
        assert (
            "--crop-fraction belongs to networks for classification; this one is for"
            " another task (pose). Leave it out."
            in fail(pose[0], "--out", tmp_path / "a.keras", "--crop-fraction", 0.95)
        )


class TestOtherTasks:
    @pytest.mark.slow
    def test_a_body_for_another_task(self, pose, tmp_path):
        checkpoint, out = tmp_path / "cls.safetensors", tmp_path / "model.keras"
        write(checkpoint, "HRNetClassifier", num_classes=3, **SIZE)
        command = [checkpoint, "--task", "segmentation", "--out", out]
        assert (
            f"{checkpoint} (official classification network) has no head for --task"
            " segmentation. Pass --class-count" in fail(*command)
        )
        text, _ = run(*command, "--class-count", 7)
        loaded = hrnet_tf.load_model(out)
        assert type(loaded) is hrnet_tf.HRNetSegmenter and loaded.num_classes == 7
        assert "tensors ignored: the head of another task" in text

    def test_bottom_up_for_single_people(self, tmp_path):
        checkpoint, out = tmp_path / "many.safetensors", tmp_path / "model.keras"
        write(checkpoint, "HigherHRNetPose", num_keypoints=5)
        error = fail(checkpoint, "--task", "pose", "--out", out)
        assert "is for --task bottom-up, not for --task pose" in error
        assert "Leave --task out" in error and not out.exists()
        text, _ = run(checkpoint, "--task", "pose", "--class-count", 5, "--out", out)
        assert type(hrnet_tf.load_model(out)) is hrnet_tf.HRNetPose
        assert "tensors ignored: the head of another task" in text

    def test_openmmlab_detectors(self, tmp_path):
        def rename(name):
            return re.sub(r"fpn_conv\.(\d)", r"fpn_convs.\1.conv", name)

        checkpoint, out = tmp_path / "det.safetensors", tmp_path / "model.keras"
        model = write(checkpoint, "HRNetFeaturePyramid", rename, num_channels=6)
        text, _ = run(checkpoint, "--task", "detection", "--out", out)
        assert type(assert_same(out, model)) is hrnet_tf.HRNetFeaturePyramid
        assert facts(text)["model"].startswith(
            "HRNetFeaturePyramid, 6 channels, input of any size"
        )

    def test_backbones(self, pose, tmp_path):
        checkpoint, out = tmp_path / "body.safetensors", tmp_path / "model.keras"
        write(checkpoint, "HRNetBackbone")
        assert (
            "(official network without a known head) does not say what it is for. Pass"
            " --task, one of: pose, bottom-up, landmarks, segmentation, ocr, detection,"
            " classification, backbone." in fail(checkpoint, "--out", out)
        )
        run(checkpoint, "--task", "backbone", "--out", out)
        assert type(hrnet_tf.load_model(out)) is hrnet_tf.HRNetBackbone

    @pytest.mark.parametrize("task", ["segmentation", "ocr"])
    def test_object_context(self, tmp_path, task):
        checkpoint, out = tmp_path / "ocr.safetensors", tmp_path / "model.keras"
        model = write(checkpoint, "HRNetOCRSegmenter", num_classes=3)
        run(checkpoint, "--task", task, "--out", out)
        assert type(assert_same(out, model)) is hrnet_tf.HRNetOCRSegmenter


class TestErrors:
    def test_the_file_to_write(self, pose, tmp_path):
        assert "to end in .keras. Received: --out model.h5" in fail(
            pose[0], "--out", "model.h5"
        )
        out = tmp_path / "model.keras"
        out.write_text("old")
        assert f"{out} exists. Choose another name, or pass --overwrite" in fail(
            pose[0], "--out", out
        )
        assert out.read_text() == "old"
        run(pose[0], "--out", out, "--overwrite")
        assert hrnet_tf.load_model(out).num_keypoints == 17

    @pytest.mark.parametrize("size", ["256", "256x", "0x64", "64 x 64", "-1x64"])
    def test_the_size(self, pose, tmp_path, size):
        text = fail(pose[0], "--out", tmp_path / "m.keras", f"--image-size={size}")
        assert f"HEIGHTxWIDTH, such as 256x192, or any. Received: {size!r}" in text

    def test_a_size_that_streams_cannot_share(self, pose, tmp_path):
        text = fail(pose[0], "--out", tmp_path / "m.keras", "--image-size", "64x65")
        assert "sides divisible by 32. Received: image_size=(64, 65)" in text

    def test_the_checkpoint(self, tmp_path):
        out = tmp_path / "m.keras"
        assert "there is nothing at that path" in fail("absent.pth", "--out", out)
        path = tmp_path / "swin.safetensors"
        names = ("patch_embed.bias", "a.relative_position_bias_table")
        names += ("layers.0.downsample.reduction.weight",)
        save_file({name: np.ones(2, np.float32) for name in names}, path)
        text = fail(path, "--task", "pose", "--out", out)
        assert "It looks like a Swin Transformer." in text
        assert not out.exists()

    def test_a_preset_that_does_not_fit(self, pose, tmp_path):
        out = tmp_path / "m.keras"
        text = fail(pose[0], "--out", out, "--preset", "hrnet_w18_small_v1")
        assert "The checkpoint fits the preset 'hrnet_test': build that model." in text
        assert "Unknown preset" in fail(pose[0], "--out", out, "--preset", "w32")
        assert not out.exists()

    def test_keypoints_of_other_tasks(self, pose, tmp_path):
        command = [pose[0], "--out", tmp_path / "m.keras", "--keypoints"]
        assert (
            "--keypoints belongs to --task pose, bottom-up and landmarks. Received"
            in (fail(*command, "coco", "--task", "ocr"))
        )
        assert "keypoint_set 'mpii' names 16 keypoints" in fail(*command, "mpii")

    def test_a_full_disk_leaves_nothing(self, pose, tmp_path, monkeypatch):
        def save(self, path):
            Path(path).write_text("half")
            raise OSError(28, "No space left on device", str(path))

        monkeypatch.setattr("keras.Model.save", save)
        assert "No space left" in fail(pose[0], "--out", tmp_path / "m.keras")
        assert list(tmp_path.iterdir()) == []


def test_help_describes_every_option():
    text, _ = run("--help")
    rows = re.findall(r"│ \*?\s*(--[a-z-]+)([^│]*)│", text)
    assert len(rows) == 13
    assert all(len(rest.split()) > 3 for _, rest in rows)
    assert re.search(r"Examples:\s+hrnet convert", text)
