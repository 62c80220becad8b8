"""Sizes of pictures by their headers."""

import pytest
from PIL import Image

from hrnet_tf.own.pictures import picture_sizes, usual_size


@pytest.mark.parametrize("ending", ["jpg", "png"])
@pytest.mark.parametrize("tag, size", [(1, (30, 40)), (3, (30, 40)), (6, (40, 30))])
def test_sizes_are_those_of_the_upright_picture(tmp_path, ending, tag, size):
    """Phones store photos lying: a network's input is to be as viewers show them."""
    exif = Image.Exif()
    exif[0x0112] = tag
    path = tmp_path / f"photo.{ending}"
    Image.new("RGB", (40, 30)).save(path, exif=exif)
    assert picture_sizes([str(path)]).tolist() == [list(size)]
    assert usual_size([str(path)]) == size


def test_what_cannot_be_read_is_passed_over(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"x")
    Image.new("RGB", (40, 30)).save(tmp_path / "whole.gif")
    paths = [str(tmp_path / name) for name in ("broken.jpg", "whole.gif")]
    assert picture_sizes(paths).tolist() == [[30, 40]]
    assert usual_size(paths[:1]) == (224, 224)
