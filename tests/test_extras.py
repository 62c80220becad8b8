"""What misses an optional package says how to install it."""

import runpy
import subprocess
import sys

import pytest
import setuptools
from command_line import fail

from hrnet_tf.extras import _EXTRAS, MissingExtra, import_extra


@pytest.fixture
def without(monkeypatch):
    """A function that makes a module be absent."""
    return lambda name: monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.parametrize("module", _EXTRAS)
def test_the_extra_is_that_of_the_setup(module, without, request, monkeypatch):
    given = {}
    monkeypatch.setattr(
        setuptools, "setup", lambda **arguments: given.update(arguments)
    )
    runpy.run_path(str(request.config.rootpath / "setup.py"))
    extra, _ = _EXTRAS[module]
    assert extra in given["extras_require"]
    without(module)
    with pytest.raises(MissingExtra, match=rf"This needs .*'hrnet_tf\[{extra}\]'"):
        import_extra(module, "This")


def test_videos(tmp_path, without):
    from hrnet_tf.pictures.video import VideoReader
    from hrnet_tf.pictures.video_writer import VideoWriter

    without("av")
    path = tmp_path / "walk.mp4"
    expected = r"The video .*walk\.mp4 needs PyAV.*pip install 'hrnet_tf\[video\]'"
    with pytest.raises(ValueError, match=expected):
        VideoReader(path)
    with pytest.raises(ImportError, match=expected):
        VideoWriter(path, 25.0).write([[[0]]])


def test_data_sets_of_tfds(without, tmp_path):
    from hrnet_tf.data.formats.tfds import load_tfds

    without("tensorflow_datasets")
    expected = r"tfds:beans needs TensorFlow Datasets.*'hrnet_tf\[tfds\]'"
    with pytest.raises(ValueError, match=expected):
        load_tfds("tfds:beans", "train")
    # A line for the user, not a traceback.
    command = ["train", "digits", "--data-dir", "tfds:beans", "--out", tmp_path / "run"]
    assert "pip install 'hrnet_tf[tfds]'" in fail(*command)


def test_rand_augment_needs_none():
    script = (
        "import sys\n"
        "absent = 'official', 'av', 'tensorflow_datasets'\n"
        "sys.modules.update(dict.fromkeys(absent))\n"
        "import tensorflow as tf\n"
        "from hrnet_tf.data.augment.rand_augment import rand_augment\n"
        "image = tf.zeros((8, 8, 3), tf.uint8)\n"
        "assert rand_augment(image, [0, 1]).shape == (8, 8, 3)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=300)
