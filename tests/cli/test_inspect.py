"""`hrnet inspect`: the figure of the streams, and its errors."""

import re

import keras
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import hrnet_tf
from hrnet_tf.cli import app
from hrnet_tf.models.presets import ARCHITECTURES
from hrnet_tf.pictures.feature_maps import stream_activations


def run(*arguments, exit_code=0):
    environment = {"COLUMNS": "100", "HRNET_DEBUG": None}
    command = ["inspect", *map(str, arguments)]
    result = CliRunner(env=environment).invoke(app, command)
    assert result.exit_code == exit_code, (result.output, result.exception)
    return re.sub(r"\s+", " ", result.stdout), re.sub(r"\s+", " ", result.stderr)


@pytest.fixture
def image(tmp_path):
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[20:40, 30:50] = 255
    Image.fromarray(pixels).save(tmp_path / "image.png")
    return tmp_path / "image.png"


def test_activations_are_those_of_the_layers():
    keras.utils.set_random_seed(0)
    model = hrnet_tf.HRNetPose.from_preset("hrnet_test", image_size=(64, 96))
    pixels = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    found = stream_activations(model, pixels)
    # A pose network's last fusion has one output.
    assert sorted(found) == [
        (1, 0),
        (2, 0),
        (2, 1),
        *((3, i) for i in range(3)),
        (4, 0),
    ]
    assert found[3, 2].shape == (4, 6, 16)
    expected = model.backbone(pixels[None].astype("float32"))["P2"][0]
    np.testing.assert_allclose(found[4, 0], expected, rtol=1e-4, atol=1e-6)


def test_writes_a_figure(image, tmp_path):
    out = tmp_path / "new" / "features.png"
    text, _ = run("--preset", "hrnet_test", "--side", 96, image, "--out", out)
    # Sides become multiples of 32.
    assert "64 x 96 pixels" in text and "weights random" in text
    assert "channels 4 8 16 32" in text
    with Image.open(out) as figure:
        assert figure.width > figure.height > 300
        # The maps are there, not an empty sheet.
        assert len(set(figure.convert("L").resize((64, 64)).tobytes())) > 20


def test_takes_saved_models_and_checkpoints(image, tmp_path):
    model = hrnet_tf.HRNetSegmenter.from_preset("hrnet_test", image_size=(64, 64))
    model.save(tmp_path / "model.keras")
    out = tmp_path / "a.png"
    text, _ = run("--model", tmp_path / "model.keras", image, "--out", out)
    assert "64 x 64 pixels" in text and out.is_file()

    from safetensors.numpy import save_file

    tensors = hrnet_tf.export_torch_state_dict(model)
    save_file(tensors, tmp_path / "weights.safetensors")
    out = tmp_path / "b.png"
    arguments = ("--preset", "hrnet_test", image, "--out", out, "--weights")
    text, _ = run(*arguments, tmp_path / "weights.safetensors", "--side", 64)
    assert out.is_file()


def test_takes_published_weights(image, tmp_path, monkeypatch):
    def build(preset, load_weights=True, backbone_weights=None):
        assert preset == "hrnet_w32_coco_256x192"
        return hrnet_tf.HRNetPose(image_size=(64, 96), **ARCHITECTURES["hrnet_test"])

    monkeypatch.setattr(hrnet_tf.HRNetPose, "from_preset", build)
    out = tmp_path / "features.png"
    text, _ = run("--preset", "hrnet_w32_coco_256x192", image, "--out", out)
    assert "weights published" in text and out.is_file()


def test_errors_say_what_arrived(image, tmp_path):
    assert "Received: neither" in run(image, exit_code=1)[1]
    both = ("--preset", "hrnet_test", "--model", "m.keras")
    assert "Received: both" in run(*both, image, exit_code=1)[1]
    absent = tmp_path / "absent.png"
    assert "no image file" in run("--preset", "hrnet_test", absent, exit_code=1)[1]
    text = tmp_path / "text.png"
    text.write_text("no image")
    said = run("--preset", "hrnet_test", text, exit_code=1)[1]
    assert "text.png (8 bytes) is no complete JPEG" in said and "[Op:" not in said
    assert "hrnet_w33" in run("--preset", "hrnet_w33", image, exit_code=1)[1]
    assert not (tmp_path / "features.png").exists()


@pytest.mark.slow
def test_streams_of_lite_hrnet(image, tmp_path):
    out = tmp_path / "lite.png"
    text, _ = run("--preset", "lite_hrnet_test", "--side", 64, image, "--out", out)
    assert "channels 8 16 32 64" in text and out.is_file()
