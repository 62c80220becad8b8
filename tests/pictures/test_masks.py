import numpy as np
import pytest
from PIL import Image
from segmenters import LABELS, draw_image

from hrnet_tf.data.label_sets import LabelSet
from hrnet_tf.pictures.masks import draw_comparison, draw_segmentation
from hrnet_tf.tasks.segmentation.result import SegmentationMap


def halves(height=60, width=80):
    labels = np.zeros((height, width), np.uint8)
    labels[:, width // 2 :] = 3
    return SegmentationMap(labels, LABELS)


def test_colours_are_mixed_by_alpha():
    image, found = draw_image(60, 80), halves()
    colors = np.array(LABELS.palette)[found.labels]
    for alpha in (0, 0.25, 1):
        drawn = draw_segmentation(image, found, alpha, legend=False)
        expected = (1 - alpha) * image + alpha * colors
        assert np.abs(drawn - expected).max() <= 1.5
    assert drawn.dtype == np.uint8


def test_what_is_not_labelled_keeps_its_colours():
    image, labels = draw_image(20, 30), np.full((20, 30), 255, np.uint8)
    labels[5:10] = 2
    drawn = draw_segmentation(image, SegmentationMap(labels, LABELS), 1, legend=False)
    outside = np.r_[:5, 10:20]
    np.testing.assert_array_equal(drawn[outside], image[outside])
    assert (drawn[5:10] == LABELS.palette[2]).all()


def test_a_path_is_read_and_not_changed(tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(draw_image(60, 80)).save(path)
    before = path.read_bytes()
    drawn = draw_segmentation(path, halves())
    np.testing.assert_array_equal(
        drawn, draw_segmentation(draw_image(60, 80), halves())
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize("size", [(8, 8), (60, 80), (500, 90), (90, 900), (1200, 1600)])
def test_the_legend_is_below_and_names_what_occurs(size):
    image, found = draw_image(*size), halves(*size)
    drawn = draw_segmentation(image, found)
    assert drawn.shape[0] > size[0]
    assert drawn.shape[1] >= size[1]
    below = drawn[size[0] :].reshape(-1, 3)
    for color in (LABELS.palette[0], LABELS.palette[3]):
        # A swatch is as large as the text, at least 13 pixels.
        assert (below == color).all(1).sum() >= 13**2
    for color in LABELS.palette[1:3]:
        assert not (below == color).all(1).any()
    # Dark text on a light ground.
    assert (below.max(1) < 60).any()


def test_many_classes_are_summed_up():
    names = tuple(f"class {i}" for i in range(100))
    labels = np.arange(100, dtype=np.uint8).repeat(200).reshape(100, 200)
    found = SegmentationMap(labels, LabelSet("many", names))
    drawn = draw_segmentation(draw_image(100, 200), found)
    # 30 names and a line on the rest, in rows of about 20 pixels.
    assert 31 * 16 < drawn.shape[0] - 100 < 31 * 24


@pytest.mark.parametrize("size", [(60, 80), (50, 100)])
def test_comparisons(size):
    image, truth = draw_image(*size), halves(*size)
    flipped = SegmentationMap(truth.labels[:, ::-1], LABELS)
    drawn = draw_comparison(image, truth, flipped, 1, legend=False)
    height, width = size
    gap = 4
    if width > 1.6 * height:
        assert drawn.shape == (3 * height + 2 * gap, width, 3)
        parts = [drawn[i * (height + gap) :][:height] for i in range(3)]
    else:
        assert drawn.shape == (height, 3 * width + 2 * gap, 3)
        parts = [drawn[:, i * (width + gap) :][:, :width] for i in range(3)]
    np.testing.assert_array_equal(parts[0], image)
    palette = np.array(LABELS.palette)
    np.testing.assert_array_equal(parts[1], palette[truth.labels])
    np.testing.assert_array_equal(parts[2], palette[flipped.labels])


def test_the_legend_of_a_comparison_names_both():
    truth = SegmentationMap(np.zeros((60, 80), np.uint8), LABELS)
    drawn = draw_comparison(draw_image(60, 80), truth, halves())
    below = drawn[60:].reshape(-1, 3)
    for label in (0, 3):
        assert (below == LABELS.palette[label]).all(1).any()


def test_wrong_arguments():
    with pytest.raises(
        ValueError, match=r"has 81x60 pixels .* its map of classes 80x60"
    ):
        draw_segmentation(draw_image(60, 81), halves())
    with pytest.raises(ValueError, match=r"alpha must be in 0\.\.1. Received: alpha=2"):
        draw_segmentation(draw_image(60, 80), halves(), 2)
