"""Initial weights follow from the seed, also in the first model of a process."""

import subprocess
import sys

import pytest

SCRIPT = """
import random
import sys

import keras

import hrnet_tf

found = []
for _ in range(2):
    keras.utils.set_random_seed(0)
    # The first time the modules are imported here.
    make = getattr(hrnet_tf, sys.argv[1])
    model = make.from_preset("hrnet_test", image_size=(64, 64))
    found.append((model.get_weights(), random.random()))
    assert len(found[0][0]) > 50
for first, second in zip(found[0][0], found[1][0], strict=True):
    assert (first == second).all()
assert found[0][1] == found[1][1]
"""
MODELS = ("HRNetPose", "HRNetClassifier", "HRNetFeaturePyramid", "HRNetOCRSegmenter")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name != "HRNetClassifier" else ())
        for name in MODELS
    ],
)
def test_the_first_model_has_those_of_the_second(name):
    subprocess.run([sys.executable, "-c", SCRIPT, name], check=True, timeout=600)
