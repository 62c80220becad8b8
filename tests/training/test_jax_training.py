"""Training on JAX, from the same weights and on the same data as on TensorFlow."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import three_steps
from drawn_faces import draw_faces, write_json
from drawn_labels import draw_labels
from drawn_shapes import draw_data_set

from hrnet_tf.data.keypoint_sets import load_keypoint_set


@pytest.mark.slow
def test_losses_are_those_of_tensorflow(tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("compares JAX with the TensorFlow backend, which is not active")
    (tmp_path / "labels").mkdir()
    draw_labels(tmp_path / "labels", num_train=12)
    cofw = load_keypoint_set("cofw")
    drawn = draw_faces(tmp_path / "faces", cofw, 12)
    write_json(tmp_path / "faces" / "faces.json", drawn)
    draw_data_set(tmp_path / "shapes")
    expected = three_steps.run(tmp_path, first=True)
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, three_steps.__file__, "jax", str(tmp_path)]
    subprocess.run(command, check=True, env=environment, timeout=1200)
    with np.load(tmp_path / "losses.npz") as found:
        assert set(found) == set(expected) == set(three_steps.RECIPES)
        for name, losses in expected.items():
            assert losses.shape == (three_steps.STEPS,)
            # The weights have changed.
            assert np.ptp(losses) > 1e-2 * losses[0]
            np.testing.assert_allclose(found[name], losses, rtol=1e-4, err_msg=name)
