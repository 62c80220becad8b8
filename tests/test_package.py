"""The package's front door."""

import subprocess
import sys

import hrnet_tf

_STAR = """
import sys
sys.modules["keras_hub"] = None
from hrnet_tf import *
import hrnet_tf
assert HRNetPose is hrnet_tf.HRNetPose
try:
    hrnet_tf.HubBackbone
except ImportError as error:
    assert "hrnet_tf[hub]" in str(error), error
else:
    raise AssertionError("no error")
"""
_LIGHT = """
import sys
import hrnet_tf
heavy = {"tensorflow", "keras", "numpy", "matplotlib", "requests"} & set(sys.modules)
assert not heavy, heavy
"""


def test_star_import_works_without_the_extras():
    subprocess.run([sys.executable, "-c", _STAR], check=True, timeout=120)


def test_import_is_light():
    subprocess.run([sys.executable, "-c", _LIGHT], check=True, timeout=60)


def test_public_names_exist():
    for name in hrnet_tf.__all__:
        assert getattr(hrnet_tf, name) is not None
    assert set(hrnet_tf.__all__) <= set(dir(hrnet_tf))
