"""Every layer of the package, through what all of them must do."""

import keras
import pytest
from layer_cases import CASES, layer_classes
from layer_harness import run_layer_test
from slow_params import cases

from hrnet_tf.layers.normalized import NormalizedLayer

# XLA compiles them for long.
LARGE = (
    "context",
    "fusion",
    "gathering",
    "hourglass",
    "module",
    "module_frozen",
    "pyramid",
)


@pytest.mark.parametrize("case", cases(CASES, set(CASES) - {"module_frozen"}))
def test_layer(case, tmp_path):
    run_layer_test(*CASES[case], folder=tmp_path, compiled=case not in LARGE)


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE)
def test_large_layers_compiled(case, tmp_path):
    run_layer_test(*CASES[case], folder=tmp_path)


def test_no_layer_is_left_out():
    tested = {cls for cls, *_ in CASES.values()}
    # What others are derived from, and nobody makes.
    assert set(layer_classes().values()) - tested == {NormalizedLayer}


def test_registered_names_are_those_of_saved_files():
    for name, cls in layer_classes().items():
        if cls is not NormalizedLayer:
            assert keras.saving.get_registered_name(cls) == f"hrnet_tf>{name}"
