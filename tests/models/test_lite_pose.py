"""Lite-HRNet: the official numbers, counts, checkpoints and a trained step."""

import json

import keras
import numpy as np
import pytest
from draw_tensor import draw_tensor
from slow_params import cases

import hrnet_tf
from hrnet_tf.models import counting, counting_lite
from hrnet_tf.weights.build import build_model
from hrnet_tf.weights.export_torch import export_torch_state_dict
from hrnet_tf.weights.layouts import recognise
from hrnet_tf.weights.recognise import find_preset
from hrnet_tf.weights.transfer import start_from

NAMES = ("lite_hrnet_18", "naive_lite_hrnet_18")
# Parameters, and multiply-adds that the official code executes, of 256x192 pixels.
EXECUTED = {
    "lite_hrnet_18": (1130769, 242345088),
    "lite_hrnet_30": (1763717, 386103648),
    "naive_lite_hrnet_18": (760365, 211049088),
}


def make(preset="lite_hrnet_test", **arguments):
    arguments = {"num_keypoints": 3, "image_size": (64, 64), **arguments}
    return hrnet_tf.LiteHRNetPose.from_preset(preset, load_weights=False, **arguments)


def draw(model):
    rng = np.random.default_rng(3)
    for variable in model.variables:
        variable.assign(rng.uniform(0.1, 0.4, variable.shape))
    return model


@pytest.mark.parametrize("name", cases(NAMES, NAMES[:1]))
def test_outputs_are_the_official_ones_and_names_go_both_ways(golden, name):
    path = golden / "lite" / f"{name}_256x192"
    content = json.loads(path.with_suffix(".json").read_text())
    tensors = {n: draw_tensor(n, shape) for n, shape in content["state_dict"]}
    model = hrnet_tf.LiteHRNetPose.from_preset(
        name, load_weights=False, include_preprocessing=False
    )
    assert find_preset(recognise(tensors).architecture) == name
    report = hrnet_tf.load_torch_weights(model, tensors)
    assert report.layout == "OpenMMLab Lite-HRNet (mmpose 0.x)"
    assert report.num_assigned == len(model.weights) and not report.missing
    rng = np.random.default_rng(content["input_seed"])
    images = rng.normal(0, 1, content["input_shape_nhwc"]).astype("float32")
    with np.load(path.with_suffix(".npz")) as archive:
        expected = archive["output_0"]
    found = np.array(model(images, training=False))
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    written = export_torch_state_dict(model)
    assert set(written) == {n for n in tensors if "num_batches_tracked" not in n}
    assert all(np.array_equal(written[n], tensors[n]) for n in written)


def test_parameters_and_multiply_adds_are_exact(golden):
    size = (256, 192)
    for preset, (parameters, executed) in EXECUTED.items():
        assert counting.count_parameters("LiteHRNetPose", preset) == parameters
        once = counting.count_macs("LiteHRNetPose", preset, size)
        again = sum(c.macs(size) for c in counting_lite.computed_twice(preset))
        assert once + again == executed
        if preset in NAMES:
            path = golden / "lite" / f"{preset}_256x192.json"
            assert json.loads(path.read_text())["macs_each_layer_once"] == once


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["weighting", "shuffle"])
def test_counts_are_those_of_the_built_model(unit, monkeypatch):
    model = make(unit=unit)
    table = {"mine": {**hrnet_tf.LiteHRNetPose.architectures["lite_hrnet_test"]}}
    table["mine"]["unit"] = unit
    monkeypatch.setattr(counting_lite, "LITE_NETWORKS", table)
    count = counting.count_parameters("LiteHRNetPose", "mine", num_keypoints=3)
    assert count == sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.slow
def test_checkpoints_of_both_generations_build_their_model():
    model = draw(make())
    tensors = export_torch_state_dict(model)
    for head in ("keypoint_head", "head"):
        renamed = {n.replace("keypoint_head", head): t for n, t in tensors.items()}
        checkpoint = recognise(renamed)
        built = build_model(checkpoint, image_size=(64, 64))
        assert isinstance(built, hrnet_tf.LiteHRNetPose)
        hrnet_tf.load_torch_weights(built, renamed)
        for ours, theirs in zip(built.weights, model.weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_checkpoints_of_other_networks_are_told():
    tensors = export_torch_state_dict(draw(make()))
    other = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", load_weights=False, num_keypoints=3, image_size=(64, 64)
    )
    text = "build LiteHRNetPose with the preset 'lite_hrnet_test'"
    with pytest.raises(ValueError, match=text):
        hrnet_tf.load_torch_weights(other, tensors)
    with pytest.raises(ValueError, match="build HRNetPose with the preset"):
        hrnet_tf.load_torch_weights(make(), export_torch_state_dict(other))
    with pytest.raises(ValueError, match="like a Lite-HRNet, which does not fit"):
        build_model(recognise(tensors), kind="pose", num_outputs=3)


@pytest.mark.slow
def test_training_starts_from_another_head():
    source = export_torch_state_dict(draw(make()))
    model = make(num_keypoints=5)
    report = start_from(model, source)
    assert report.num_fresh_body == 0 and report.head.startswith("fresh")
    body = model.get_layer("stem").conv.conv.kernel
    assert float(keras.ops.min(body)) >= 0.1


def test_a_saved_model_loads_equal(tmp_path):
    model = draw(make())
    model.save(tmp_path / "model.keras")
    loaded = hrnet_tf.load_model(tmp_path / "model.keras")
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")
    np.testing.assert_array_equal(loaded(pixels), model(pixels))
    assert loaded.get_config() == model.get_config()


def test_any_size_that_32_divides():
    model = make(image_size=None)
    assert model(np.zeros((1, 96, 64, 3), "float32")).shape == (1, 24, 16, 3)
    with pytest.raises(ValueError, match="divisible by 32"):
        make(image_size=(72, 64))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"unit": "mobile"}, "unit='mobile'"),
        ({"width": 9}, "must be even.*width=9"),
        ({"reduction": 0}, "positive integer.*reduction=0"),
        ({"num_blocks": 0}, "positive integer.*num_blocks=0"),
        ({"stem_width": -2}, "positive integer.*stem_width=-2"),
        ({"width": 4}, "at least: width of 8"),
        ({"num_modules": (1, 1)}, "three integers"),
    ],
)
def test_errors_say_what_arrived(arguments, text):
    with pytest.raises(ValueError, match=text):
        make(**arguments)


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["weighting", "shuffle"])
def test_a_litert_file_says_what_the_model_says(unit, tmp_path):
    from ai_edge_litert.interpreter import Interpreter

    model = make(unit=unit, kernel_initializer="he_normal")
    path = hrnet_tf.export_litert(model, tmp_path / "lite.tflite")
    images = np.random.default_rng(2).integers(0, 256, (1, 64, 64, 3), np.uint8)
    interpreter = Interpreter(str(path))
    found = interpreter.get_signature_runner("crops")(images=images)["heatmaps"]
    expected = np.array(model(images.astype("float32"), training=False))
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()
    names = {op["op_name"] for op in interpreter._get_ops_details()}
    assert not any(name.startswith(("Flex", "CUSTOM")) for name in names)
