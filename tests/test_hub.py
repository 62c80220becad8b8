"""HRNet inside KerasHub's detector."""

import keras
import numpy as np
import pytest

import hrnet_tf

keras_hub = pytest.importorskip(
    "keras_hub", reason='KerasHub is absent: pip install "hrnet_tf[hub]"'
)


def images():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (2, 128, 128, 3)).astype("float32")


def make_backbone(**kwargs):
    keras.utils.set_random_seed(1)
    return hrnet_tf.HRNetBackbone.from_preset(
        "hrnet_test", kernel_initializer="he_normal", **kwargs
    )


def test_levels_are_the_streams():
    backbone = make_backbone()
    hub = hrnet_tf.HubBackbone(backbone)
    assert isinstance(hub, keras_hub.models.FeaturePyramidBackbone)
    assert list(hub.pyramid_outputs) == ["P2", "P3", "P4", "P5"]
    expected, actual = backbone(images()), hub(images())
    for i in range(2, 6):
        assert hub.pyramid_outputs[f"P{i}"].shape[-1] == 4 * 2 ** (i - 2)
        np.testing.assert_array_equal(actual[f"P{i}"], expected[f"P{i}"])


def test_saved_backbone_loads_equal(tmp_path):
    hub = hrnet_tf.HubBackbone(make_backbone(image_size=(128, 128)))
    hub.save(tmp_path / "hub.keras")
    loaded = keras.models.load_model(tmp_path / "hub.keras")
    for name, expected in hub(images()).items():
        np.testing.assert_array_equal(loaded(images())[name], expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "dtype", ["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)]
)
def test_retinanet_trains_a_step(dtype):
    hub = hrnet_tf.HubBackbone(make_backbone(dtype=dtype))
    pyramid = keras_hub.models.RetinaNetBackbone(
        hub, min_level=3, max_level=7, use_p5=False, image_shape=(128, 128, 3)
    )
    detector = keras_hub.models.RetinaNetObjectDetector(
        pyramid, num_classes=3, bounding_box_format="xyxy"
    )
    detector.compile(
        optimizer=keras.optimizers.SGD(1e-3),
        box_loss=keras.losses.Huber(reduction="sum"),
        classification_loss=keras.losses.BinaryFocalCrossentropy(
            from_logits=True, reduction="sum"
        ),
    )
    before = {v.path: np.array(v) for v in hub.trainable_variables}
    boxes = np.array([[[10, 10, 60, 70], [40, 30, 110, 120]]] * 2, "float32")
    labels = np.array([[0, 2]] * 2, "float32")
    history = detector.fit(
        images(), {"boxes": boxes, "labels": labels}, batch_size=2, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()
    # What the three used levels depend on has moved.
    moved = [p for p, v in before.items() if not np.array_equal(v, _find(hub, p))]
    assert "stem_conv1/conv/kernel" in moved
    assert len(moved) > 0.8 * len(before)


def _find(model, path):
    return np.array(next(v for v in model.variables if v.path == path))


def test_own_pyramid_serves_too():
    pyramid = hrnet_tf.HRNetFeaturePyramid.from_preset("hrnet_test", num_channels=8)
    hub = hrnet_tf.HubBackbone(pyramid)
    assert list(hub.pyramid_outputs) == [f"P{i}" for i in range(2, 7)]
    expected, actual = pyramid(images()), hub(images())
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name])


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="HRNetPose.*model.backbone"):
        hrnet_tf.HubBackbone(hrnet_tf.HRNetPose.from_preset("hrnet_test"))
