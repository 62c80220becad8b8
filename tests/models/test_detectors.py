"""Detectors: dense outputs, boxes of images of any size, configuration and files."""

import numpy as np
import pytest

import hrnet_tf

CASES = {
    "faster": ("HRNetFasterRCNN", {}),
    "mask": ("HRNetFasterRCNN", {"with_masks": True}),
    "official": ("HRNetFasterRCNN", {"convention": "official", "with_masks": True}),
    "cascade": ("HRNetCascadeRCNN", {"with_masks": True}),
    "fcos": ("HRNetFCOS", {}),
    "official_fcos": (
        "HRNetFCOS",
        {"convention": "official", "first_level": 2, "num_levels": 6},
    ),
}


def build(case, **arguments):
    name, own = CASES[case]
    arguments = {
        "num_classes": 3,
        "num_channels": 32,
        "kernel_initializer": "he_normal",
        **own,
        **arguments,
    }
    return getattr(hrnet_tf, name).from_preset(
        "hrnet_test", load_weights=False, **arguments
    )


def draw_images(*shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


@pytest.mark.parametrize(
    "case",
    [
        "mask",
        *(
            pytest.param(case, marks=pytest.mark.slow)
            for case in ("faster", "official", "cascade", "fcos", "official_fcos")
        ),
    ],
)
def test_detections_have_their_form_and_survive_a_file(case, tmp_path):
    model = build(case)
    images = draw_images(2, 70, 100, 3)
    found = model.detect(images, score_threshold=0.0, max_detections=7)
    wanted = {"boxes": (2, 7, 4), "scores": (2, 7), "classes": (2, 7)}
    if model.with_masks:
        wanted["mask_logits"] = (2, 7, 28, 28)
    for name, shape in wanted.items():
        assert found[name].shape == shape, name
    assert (np.array(found["num_detections"]) <= 7).all()
    boxes = np.array(found["boxes"])
    assert (boxes >= 0).all()
    assert (boxes <= np.array([100, 70, 100, 70])).all()
    classes = np.array(found["classes"])
    valid = np.arange(7) < np.array(found["num_detections"])[:, None]
    assert ((classes >= 0) == valid).all() and (classes < 3).all()

    path = tmp_path / "model.keras"
    model.save(path)
    again = hrnet_tf.load_model(path)
    assert again.get_config() == model.get_config()
    assert [v.path for v in again.weights] == [v.path for v in model.weights]
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
