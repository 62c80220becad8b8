"""Servers of a small model, and what is sent to them."""

import shutil
import subprocess

import numpy as np
import pytest
from servers import SmallEngine, running

from hrnet_tf.serving.examples import drawn_image, encoded


@pytest.fixture
def engine():
    """A `SmallEngine` of a test's own."""
    return SmallEngine()


@pytest.fixture(scope="session")
def address():
    """The address of a running server."""
    with running(SmallEngine()) as found:
        yield found


@pytest.fixture(scope="session")
def photo():
    """The bytes of a JPEG file of 120x90 px (height x width)."""
    return encoded(drawn_image((120, 90)))


@pytest.fixture(scope="session")
def inputs(photo):
    """Makes inputs of `serving_default`, of some people in each image."""

    def make(count=1, people=1, seed=0):
        rng = np.random.default_rng(seed)
        corners = rng.uniform(0, 40, (count, people, 2))
        sides = rng.uniform(30, 50, (count, people, 2))
        files = np.empty(count, object)
        files[:] = [photo] * count
        boxes = np.concatenate([corners, sides], -1).astype(np.float32)
        return {"image_bytes": files, "boxes": boxes}

    return make


@pytest.fixture(scope="session")
def pose_folder(tmp_path_factory):
    """The folder of an exported pose model, with one version."""
    import keras

    import hrnet_tf
    from hrnet_tf.data.keypoint_sets import COCO

    keras.utils.set_random_seed(0)
    model = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test",
        load_weights=False,
        image_size=(64, 64),
        keypoint_set=COCO.to_dict(),
        kernel_initializer="he_normal",
    )
    folder = tmp_path_factory.mktemp("saved_models") / "pose"
    hrnet_tf.export_saved_model(model, folder)
    return folder


@pytest.fixture(scope="session")
def exported(pose_folder):
    """The `Exported` of `pose_folder`."""
    from hrnet_tf.serving.signatures import load_functions

    return load_functions(pose_folder)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """The paths of a certificate of localhost, and of its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-out", paths[0], "-keyout", paths[1]]
    subprocess.run(command, check=True, capture_output=True)
    return paths
