"""Counts against built models, the published networks and the official code."""

import inspect

import numpy as np
import pytest

from hrnet_tf.models import counting
from hrnet_tf.models.presets import ARCHITECTURES


class TestCountParameters:
    def test_equals_the_official_networks(self):
        assert counting.count_parameters("hrnet_w32") == 28_536_113
        assert counting.count_parameters("hrnet_w48") == 63_595_745
        assert counting.count_parameters("hrnet_w32", num_keypoints=16) == 28_536_080

    @pytest.mark.parametrize("representation", ["v1", "v2"])
    @pytest.mark.parametrize("preset", ["hrnet_test", "hrnet_w18_small_v1"])
    def test_equals_the_built_model(self, preset, representation):
        from hrnet_tf.models.pose import HRNetPose

        model = HRNetPose.from_preset(
            preset, num_keypoints=5, representation=representation
        )
        built = sum(np.prod(variable.shape) for variable in model.trainable_variables)
        assert counting.count_parameters(preset, 5, representation) == built

    def test_knows_the_defaults_of_the_backbone(self):
        from hrnet_tf.models.backbone import HRNetBackbone

        defaults = {
            name: parameter.default
            for name, parameter in inspect.signature(HRNetBackbone).parameters.items()
        }
        assert {name: defaults[name] for name in counting.DEFAULTS} == counting.DEFAULTS

    def test_names_the_presets_if_there_is_no_such_one(self):
        with pytest.raises(ValueError, match="hrnet_w31.*hrnet_w32"):
            counting.count_parameters("hrnet_w31")


class TestCountMacs:
    def test_equals_the_official_networks(self):
        assert counting.count_macs("hrnet_w32") == 7_645_003_776
        assert counting.count_macs("hrnet_w32", (384, 288)) == 17_201_258_496
        assert counting.count_macs("hrnet_w48") == 15_691_825_152
        assert counting.count_macs("hrnet_w48", (256, 256), 16) == 20_922_236_928

    def test_counts_outputs_of_strides_rounded_up(self):
        assert counting.count_macs("hrnet_test", (33, 64)) > counting.count_macs(
            "hrnet_test", (32, 64)
        )

    def test_grows_with_the_width(self):
        names = [name for name in ARCHITECTURES if name != "hrnet_test"]
        counts = [counting.count_macs(name) for name in names]
        assert counts == sorted(counts)
