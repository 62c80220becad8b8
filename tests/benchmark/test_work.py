"""The arithmetic of networks, against the published counts."""

import pytest

import hrnet_tf
from hrnet_tf.benchmark.work import image_operations
from hrnet_tf.models.counting import count_macs


def test_operations_are_twice_the_multiply_adds():
    model = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", load_weights=False, image_size=(64, 64)
    )
    macs = count_macs("HRNetPose", "hrnet_test", (64, 64))
    assert image_operations(model, (64, 64)) == pytest.approx(2 * macs, rel=0.02)
