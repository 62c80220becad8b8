import keras
import numpy as np
import pytest

from hrnet_tf.data.keypoint_sets import COCO
from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.models.loading import inference_function, load_model
from hrnet_tf.models.pose import HRNetPose


def make_model(**kwargs):
    keras.utils.set_random_seed(3)
    options = {
        "image_size": (64, 64),
        "keypoint_set": COCO.to_dict(),
        "kernel_initializer": "he_normal",
        **kwargs,
    }
    return HRNetPose.from_preset("hrnet_test", **options)


@pytest.fixture(scope="module")
def model():
    return make_model()


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "pose.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)


def relative_error(actual, expected):
    return np.abs(np.asarray(actual) - expected).max() / np.abs(expected).max()


def test_load_model_gives_the_model_that_was_saved(model, saved, images):
    loaded = load_model(str(saved))
    assert type(loaded) is HRNetPose
    assert loaded.get_config() == model.get_config()
    assert loaded.image_size == (64, 64)
    assert loaded.arguments["keypoint_set"] == COCO.to_dict()
    expected = model.predict_on_batch(images)
    assert relative_error(inference_function(loaded)(images), expected) < 1e-5


def test_mixed_precision_survives_saving(model, images, tmp_path):
    mixed = make_model(dtype="mixed_bfloat16")
    mixed.save(tmp_path / "mixed.keras")
    loaded = load_model(tmp_path / "mixed.keras")
    assert loaded.arguments["dtype"].name == "mixed_bfloat16"
    heatmaps = inference_function(loaded)(images)
    assert heatmaps.dtype == "float32"
    np.testing.assert_array_equal(heatmaps, inference_function(mixed)(images))
    # bfloat16 has 8 bits of precision.
    assert relative_error(heatmaps, model.predict_on_batch(images)) < 0.1


def test_load_model_knows_the_backbone(tmp_path):
    HRNetBackbone.from_preset("hrnet_test").save(tmp_path / "backbone.keras")
    assert type(load_model(tmp_path / "backbone.keras")) is HRNetBackbone


def test_load_model_names_an_absent_file(tmp_path):
    with pytest.raises(ValueError, match=r"no model file .*absent\.keras"):
        load_model(tmp_path / "absent.keras")


@pytest.mark.parametrize("kept", [0, 100, -20])
def test_load_model_names_a_file_cut_short(saved, tmp_path, kept):
    path = tmp_path / "cut.keras"
    path.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"cut\.keras \(\d+ bytes\) is no complete"):
        load_model(path)


def test_load_model_notices_damaged_weights(saved, tmp_path):
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path = tmp_path / "damaged.keras"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"damaged\.keras .* is no complete Keras"):
        load_model(path)


def test_load_model_refuses_other_kinds_of_files(tmp_path):
    path = tmp_path / "weights.h5"
    path.write_bytes(b"anything")
    with pytest.raises(ValueError, match=r"end in \.keras. Received: .*weights\.h5"):
        load_model(path)


def test_load_model_refuses_models_of_others(tmp_path):
    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(ValueError, match=r"other\.keras holds a Sequential; expected"):
        load_model(path)


def test_inference_function_takes_any_batch_and_dtype(model, images):
    run = inference_function(model)
    expected = np.asarray(run(images))
    assert expected.shape == (3, 16, 16, 17)
    for batch in (images[:1], images[:1].astype("float32")):
        assert relative_error(run(batch), expected[:1]) < 1e-5


def test_inference_function_sees_new_weights(images):
    model = make_model()
    run = inference_function(model)
    before = np.asarray(run(images[:1]))
    head = model.get_layer("head")
    head.bias.assign(head.bias + 1.0)
    np.testing.assert_allclose(run(images[:1]), before + 1.0, atol=1e-4)
