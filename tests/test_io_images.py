"""Image files of any size."""

import threading

import pytest
from PIL import Image

from hrnet_tf.data.formats.checks import image_size
from hrnet_tf.io import open_image


def test_opens_what_pillow_takes_for_an_attack(tmp_path):
    limit = Image.MAX_IMAGE_PIXELS
    Image.new("1", (20000, 19000)).save(tmp_path / "large.png")
    with pytest.raises(Image.DecompressionBombError):
        Image.open(tmp_path / "large.png")
    assert image_size(tmp_path / "large.png") == (19000, 20000)
    found = []

    def read():
        with open_image(tmp_path / "large.png") as image:
            found.append(image.size)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(20000, 19000)] * 8
    assert Image.MAX_IMAGE_PIXELS == limit


def test_other_formats_can_be_left_out(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(OSError, match="cannot identify"):
        with open_image(tmp_path / "a.png", formats=("JPEG",)):
            pass
