"""The heads of detectors: what every layer must do, and outputs in float32."""

import keras
import numpy as np
import pytest
from layer_harness import (
    check_config,
    check_gradients,
    random_inputs,
    randomize,
    to_numpy,
)

from hrnet_tf.layers.detection.box_head import BoxHead
from hrnet_tf.layers.detection.dense import RegionDense
from hrnet_tf.layers.detection.fcos_head import FCOSHead
from hrnet_tf.layers.detection.mask_head import MaskHead
from hrnet_tf.layers.detection.rpn_head import RegionProposalHead

LEVELS = [(2, 6, 8, 4), (2, 3, 4, 4)]
REGIONS = (2, 7, 7, 4)
CASES = {
    "dense": (RegionDense, {"units": 3}, REGIONS, [(2, 3)], "bfloat16"),
    "rpn": (
        RegionProposalHead,
        {"filters": 5, "num_anchors": 2},
        LEVELS,
        [(2, 6, 8, 2), (2, 3, 4, 2), (2, 6, 8, 8), (2, 3, 4, 8)],
        "float32",
    ),
    "box": (
        BoxHead,
        {"num_classes": 3, "units": 6},
        REGIONS,
        [(2, 4), (2, 3, 4)],
        "float32",
    ),
    "agnostic": (
        BoxHead,
        {"num_classes": 3, "class_agnostic": True, "units": 6},
        REGIONS,
        [(2, 4), (2, 1, 4)],
        "float32",
    ),
    "background": (
        BoxHead,
        {"num_classes": 3, "background_deltas": True, "units": 6},
        REGIONS,
        [(2, 4), (2, 3, 4)],
        "float32",
    ),
    "mask": (
        MaskHead,
        {"num_classes": 3, "background_mask": True, "filters": 4, "num_convs": 1},
        REGIONS,
        [(2, 14, 14, 3)],
        "float32",
    ),
    "fcos": (
        FCOSHead,
        {
            "num_classes": 3,
            "num_levels": 2,
            "tower_bias": True,
            "filters": 4,
            "num_convs": 1,
            "groups": 2,
        },
        LEVELS,
        [(*level[:3], n) for n in (3, 4, 1) for level in LEVELS],
        "float32",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_heads(case):
    cls, arguments, shapes, wanted, mixed = CASES[case]
    inputs = random_inputs(shapes)
    layer = cls(**arguments)
    layer(inputs)
    randomize(layer)
    outputs = to_numpy(layer(inputs))
    assert [x.shape for x in keras.tree.flatten(outputs)] == wanted
    check_config(cls, layer, arguments, inputs, outputs)
    check_mixed_precision(cls(**arguments, dtype="mixed_bfloat16"), inputs, mixed)
    check_gradients(layer, inputs)
    assert keras.saving.get_registered_name(cls) == f"hrnet_tf>{cls.__name__}"


def check_mixed_precision(layer, inputs, expected):
    """What is read off comes in float32, whatever is computed in between."""
    found = keras.tree.flatten(layer(inputs))
    assert {keras.backend.standardize_dtype(x.dtype) for x in found} == {expected}
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    symbolic = layer.compute_output_spec(
        keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape), inputs)
    )
    specs = keras.tree.flatten(symbolic)
    assert {spec.dtype for spec in specs} == {expected}
    assert [spec.shape for spec in specs] == [x.shape for x in found]


def test_a_linear_layer_sums_over_places_and_channels():
    layer = RegionDense(2)
    layer.build((None, 2, 3, 4))
    x = np.random.default_rng(0).normal(size=(5, 2, 3, 4)).astype("float32")
    wanted = np.einsum("nhwc,hwcu->nu", x, np.array(layer.kernel))
    np.testing.assert_allclose(layer(x), wanted, atol=1e-5)


def test_scores_of_fcos_start_at_their_prior():
    layer = FCOSHead(3, num_levels=1, filters=4, num_convs=1, groups=2)
    classes, boxes, _ = layer([np.zeros((1, 2, 2, 4), "float32")])
    np.testing.assert_allclose(keras.ops.sigmoid(classes[0]), 0.01, atol=1e-4)
    np.testing.assert_allclose(boxes[0], 1, atol=1e-4)
