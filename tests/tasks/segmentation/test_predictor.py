import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from segmenters import LABELS, draw_image, make_segmenter, whole_logits

from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.predict import Predictor
from hrnet_tf.tasks.segmentation.fusion import FusedSegmenter
from hrnet_tf.tasks.segmentation.protocols import load_protocol


@pytest.fixture(scope="module")
def model():
    return make_segmenter()


@pytest.fixture(scope="module")
def predictor(model):
    return Predictor(model)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("models") / "shapes"
    export_saved_model(model, directory, flip_test=True)
    return directory


def logits_by_hand(model, image):
    def network(pixels):
        return model(pixels[None].astype("float32"), training=False)[0].numpy()

    return whole_logits(network, image)


def check_labels(found, logits):
    """Equal but for ties that the last digit decides."""
    chosen = np.take_along_axis(logits, found.labels[..., None].astype(int), -1)
    np.testing.assert_allclose(chosen[..., 0], logits.max(-1), atol=1e-3)


def test_three_lines(model, tmp_path):
    image = draw_image(45, 70)
    Image.fromarray(image).save(tmp_path / "image.png")
    model.save(tmp_path / "model.keras")
    predictor = Predictor.load(tmp_path / "model.keras")
    found = predictor.predict(tmp_path / "image.png")
    assert found.labels.shape == (45, 70)
    assert found.label_set == LABELS
    assert found.confidence is None
    assert found.image_path == str(tmp_path / "image.png")
    check_labels(found, logits_by_hand(model, image))
    same = predictor.predict((tmp_path / "image.png").read_bytes())
    np.testing.assert_array_equal(same.labels, found.labels)
    assert same.image_path is None


def test_confidence_is_the_probability(model, predictor):
    image = draw_image(32, 48)
    found = predictor.predict(image, confidence=True)
    logits = logits_by_hand(model, image)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    expected = powers.max(-1) / powers.sum(-1)
    np.testing.assert_allclose(found.confidence, expected, atol=1e-4)


def test_scales_and_flip(model, predictor):
    image = draw_image(32, 48)
    found = predictor.predict(image, scales=(0.5, 1), flip_test=True, confidence=True)
    protocol = load_protocol("whole", scales=(0.5, 1), flip=True)
    labels, shares = FusedSegmenter(model, protocol).predict(image[None])
    np.testing.assert_array_equal(found.labels, labels[0])
    np.testing.assert_allclose(found.confidence, shares[0], atol=1e-6)


def test_tiles(predictor, monkeypatch):
    image, ticks = draw_image(160, 224), []
    found = predictor.predict(
        image,
        tile=(96, 128),
        margin=32,
        confidence=True,
        progress=lambda *tick: ticks.append(tick),
    )
    assert found.labels.shape == found.confidence.shape == (160, 224)
    # 3 rows and 3 columns, a step of 32 and one of 64 apart.
    assert ticks[-1] == (9, 9)
    whole = predictor.predict(image)
    # Further than the margin the network sees only coarsely.
    assert (found.labels == whole.labels).mean() > 0.8
    one = predictor.predict(image, tile=256)
    np.testing.assert_array_equal(one.labels, whole.labels)
    with pytest.raises(ValueError, match="multiples of 32"):
        predictor.predict(image, tile=100)


MEMORY = """
import resource
import numpy as np
from hrnet_tf.predict import Predictor
from segmenters import make_segmenter

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

predictor = Predictor(make_segmenter())
predictor.predict(np.zeros((64, 64, 3), np.uint8))
image = np.random.default_rng(0).integers(0, 256, (6000, 8000, 3), dtype=np.uint8)
before = peak()
found = predictor.predict(image, tile=1024)
print(found.labels.shape, round(peak() - before))
"""


@pytest.mark.slow
def test_tiles_bound_the_memory():
    # The logits alone of the whole image would be 730 MB, and the network's maps more.
    done = subprocess.run(
        [sys.executable, "-c", MEMORY],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    shape, megabytes = done.stdout.rsplit(maxsplit=1)
    assert shape == "(6000, 8000)"
    assert int(megabytes) < 600


def test_exported_models_do_the_same(model, exported):
    image = draw_image(45, 70)
    predictor = Predictor.load(exported)
    assert predictor.label_set == LABELS
    found = predictor.predict(image, confidence=True)
    expected = Predictor(model).predict(image, flip_test=True, confidence=True)
    assert (found.labels == expected.labels).mean() > 0.999
    np.testing.assert_allclose(found.confidence, expected.confidence, atol=1e-4)
    assert predictor.predict(image, tile=64, margin=0).labels.shape == (45, 70)
    with pytest.raises(ValueError, match=r"was exported with flip_test=True"):
        predictor.predict(image, flip_test=False)
    with pytest.raises(
        ValueError, match=r"runs images whole at their own size, .*\(0.5, 1.0\)"
    ):
        predictor.predict(image, scales=(0.5, 1))


def test_models_of_one_size_and_without_names(predictor):
    fixed = Predictor(make_segmenter(image_size=(64, 64), label_set=None))
    assert fixed.label_set.classes == ("0", "1", "2", "3")
    image = draw_image(45, 70)
    found = fixed.predict(image)
    np.testing.assert_array_equal(found.labels, predictor.predict(image).labels)
    with pytest.raises(ValueError, match="has label_set=None"):
        fixed.predict(image, flip_test=True)


def test_too_little_memory_is_explained(predictor, monkeypatch):
    def exhaust(*args):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    monkeypatch.setattr(FusedSegmenter, "labels", exhaust)
    text = r"the image of 32x48 px .* more memory .* tile=None. Pass .* tile=1024"
    with pytest.raises(ValueError, match=text):
        predictor.predict(draw_image(32, 48))


def test_what_is_no_segmenter(tmp_path):
    HRNetBackbone.from_preset("hrnet_test").save(tmp_path / "body.keras")
    with pytest.raises(
        ValueError, match=r"body.keras: This is a HRNetBackbone, which is no"
    ):
        Predictor.load(tmp_path / "body.keras")
    with pytest.raises(ValueError, match="There is no folder .*absent"):
        Predictor.load(tmp_path / "absent")
    with pytest.raises(ValueError, match="There is no model file"):
        Predictor.load(tmp_path / "absent.keras")
