"""Encoder and decoder, for pose."""

import json

import numpy as np
import pytest
from slow_params import cases

import hrnet_tf
from hrnet_tf.models.encoder_decoder import ENCODERS
from hrnet_tf.tasks.pose.networks import pose_network

# What the encoders give; PyTorch's SimpleBaseline has the same decoder.
CHANNELS = {
    "alexnet": 256,
    "googlenet": 1024,
    "vgg16": 512,
    "resnet50": 2048,
}


@pytest.mark.parametrize(
    ("encoder", "channels"), cases(list(CHANNELS.items()), ("alexnet",))
)
def test_heatmaps_have_a_quarter_of_the_size(encoder, channels, tmp_path):
    model = pose_network(
        f"encoder_decoder_{encoder}",
        load_weights=False,
        num_keypoints=3,
        image_size=(64, 96),
        representation="v1",
    )
    assert isinstance(model, hrnet_tf.EncoderDecoderPose)
    assert model.output_shape == (None, 16, 24, 3)
    assert tuple(model.get_layer("deconv0").conv.kernel.shape) == (
        4,
        4,
        256,
        channels,
    )
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    assert again.get_config() == model.get_config()
    model.save(tmp_path / "model.keras")
    loaded = hrnet_tf.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(0).uniform(0, 255, (1, 64, 96, 3))
    np.testing.assert_allclose(loaded(images), model(images), rtol=1e-5, atol=1e-6)


def test_errors_say_what_arrived():
    with pytest.raises(ValueError, match=f"one of .*{ENCODERS[-1]}.*'lenet5'"):
        hrnet_tf.EncoderDecoderPose(encoder="lenet5")
    with pytest.raises(ValueError, match="EncoderDecoderPose needs one image_size"):
        hrnet_tf.EncoderDecoderPose(image_size=None)
