"""Pictures of classified images."""

import numpy as np
import pytest
from drawn_shapes import draw_shape

from hrnet_tf.pictures.bars import draw_classification
from hrnet_tf.tasks.classification.result import Classification


def bar_lengths(picture):
    """Blue pixels of each row of bars."""
    blue = (picture == (64, 132, 208)).all(-1)
    blue[:, :336] = False
    lengths = blue.sum(1)
    starts = np.flatnonzero((lengths[1:] > 0) & (lengths[:-1] == 0)) + 1
    return lengths[starts]


def test_bars_are_as_long_as_the_probabilities():
    found = Classification([2, 0, 1], [0.7, 0.25, 0.05], ("a", "b", "c"))
    picture = draw_classification(np.asarray(draw_shape("circle", 0)), found)
    assert picture.shape == (320, 720, 3) and picture.dtype == np.uint8
    lengths = bar_lengths(picture)
    np.testing.assert_allclose(lengths / 140, [0.7, 0.25, 0.05], atol=0.02)


def test_many_classes_and_long_names():
    names = tuple(f"a class of a very long name, number {i}" for i in range(20))
    found = Classification(range(20), np.full(20, 0.05), names)
    picture = draw_classification(np.asarray(draw_shape("circle", 0)), found)
    assert picture.shape == (540, 720, 3)
    # Names end before the bars.
    assert (picture[:, 512:516] == 250).all()
    assert len(bar_lengths(picture)) == 20


def test_classification_checks_its_parts():
    with pytest.raises(ValueError, match=r"labels of shape \(2,\), probabilities of"):
        Classification([0, 1], [1.0])
    with pytest.raises(ValueError, match=r"names=\('a',\)"):
        Classification([0, 1], [0.5, 0.5], ("a",))
    with pytest.raises(ValueError, match="expected finite numbers"):
        Classification([0], [np.nan])
    assert Classification([3], [0.5]).name == "3"


def test_classification_file(tmp_path):
    import json

    Classification([3, 1], [0.75, 0.25], ("x", "y"), "a.jpg").save(tmp_path / "c.json")
    assert json.loads((tmp_path / "c.json").read_text()) == {
        "image_path": "a.jpg",
        "classes": [
            {"label": 3, "name": "x", "probability": 0.75},
            {"label": 1, "name": "y", "probability": 0.25},
        ],
    }
