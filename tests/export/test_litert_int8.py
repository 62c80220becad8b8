"""LiteRT files of Lite-HRNet in whole numbers."""

import collections

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import hrnet_tf
from hrnet_tf.export import load_exported
from hrnet_tf.export.litert import export_litert
from hrnet_tf.export.litert_int8 import widened
from hrnet_tf.models.classifier import KAIMING_FAN_OUT


def test_maps_of_zeros_get_a_range():
    ranges = {
        "dead": {"min": np.zeros((1, 1), np.float32), "max": np.zeros((1, 1))},
        "alive": {"min": np.float32([[-1]]), "max": np.float32([[2]])},
        "other": {"fp16": 3},
    }
    found = widened(ranges)
    assert found["dead"]["min"] == 0 and found["dead"]["max"] == 1e-2
    assert found["alive"] == ranges["alive"] and found["other"] == {"fp16": 3}
    assert ranges["dead"]["max"] == 0


@pytest.mark.slow
def test_lite_hrnet_with_dead_units_runs_in_whole_numbers(tmp_path):
    """XNNPACK does not run a file in which a map has almost no range."""
    keras.utils.set_random_seed(0)
    model = hrnet_tf.LiteHRNetPose.from_preset(
        "lite_hrnet_test",
        load_weights=False,
        image_size=(64, 64),
        kernel_initializer=KAIMING_FAN_OUT,
    )
    (bias,) = [
        variable
        for variable in model.weights
        if variable.path.endswith("stage2_module0/block0/stream0_spatial/conv1/bias")
    ]
    bias.assign(np.full(bias.shape, -100, np.float32))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    path = export_litert(model, tmp_path / "a.tflite", "int8", calibration=images)
    found = load_exported(path).signature("crops")(images=images[:1])["heatmaps"]
    wanted = model.predict(images[:1].astype(np.float32), verbose=0)
    assert np.abs(found - wanted).max() < 0.1 * np.abs(wanted).max()
    # All of the network, but for its ends, is in whole numbers.
    operations = Interpreter(str(path))._get_ops_details()
    counts = collections.Counter(each["op_name"] for each in operations)
    assert counts["LOGISTIC"] > 10 > counts["DEQUANTIZE"]
