import numpy as np
import pytest
from segmenters import draw_image

from hrnet_tf.tasks.segmentation import tiles
from hrnet_tf.tasks.segmentation.fusion import FusedSegmenter


@pytest.mark.parametrize("length", [10, 64, 65, 127, 160, 161, 192, 1000])
@pytest.mark.parametrize("margin", [0, 32])
def test_tiles_cover_a_side_once(length, margin):
    spans = tiles.tile_spans(length, 128, margin)
    assert spans[0][2] == 0
    assert spans[-1][3] == length
    for (_, stop, _, last), (start, _, first, _) in zip(
        spans[:-1], spans[1:], strict=True
    ):
        assert last == first
        # Each keeps away from its own edges, and starts on a cell of the network.
        assert first - start == stop - last == margin
        assert start % 32 == 0
    assert all(stop - start <= 128 for start, stop, _, _ in spans)
    # None is there in vain.
    assert all(stop < length for _, stop, _, _ in spans[:-1])


@pytest.mark.parametrize("fixture", ["segmenter", "aligned_segmenter"])
def test_equals_the_whole_image_where_the_network_sees_little(
    fixture, request, block_network
):
    model = request.getfixturevalue(fixture)
    image = draw_image(224, 320)
    found = FusedSegmenter(model, None, block_network)
    seen = []

    def run(pixels):
        seen.append(pixels.shape)
        labels, shares = found.predict(pixels[None])
        return labels.numpy()[0], shares.numpy()[0]

    labels, shares = tiles.run_tiles(run, image, (96, 128), 32)
    whole, whole_shares = run(image)
    assert labels.dtype == np.uint8
    assert labels.shape == (224, 320)
    if fixture == "segmenter":
        np.testing.assert_array_equal(labels, whole)
        np.testing.assert_allclose(shares, whole_shares, atol=1e-5)
    else:
        # Aligned corners make a cell's place depend on the size of the whole.
        assert (labels == whole).mean() > 0.97
    assert len(seen) == 5 * 4 + 1
    assert max(seen[:-1]) == (96, 128, 3)


def test_without_a_margin_seams_show(segmenter, block_network):
    image = draw_image(192, 192)
    found = FusedSegmenter(segmenter, None, block_network)

    def run(pixels):
        return (found.predict(pixels[None])[1].numpy()[0],)

    whole = run(image)[0]
    near = tiles.run_tiles(run, image, 96, 32)[0]
    cut = tiles.run_tiles(run, image, 96, 0)[0]
    np.testing.assert_allclose(near, whole, atol=1e-5)
    wrong = np.argwhere(~np.isclose(cut, whole, atol=1e-5))
    # Half a cell on either side of each seam.
    assert set(np.unique(np.minimum(*(abs(wrong - 95.5).T)))) <= {0.5, 1.5}
    assert len(wrong)


def test_progress_and_one_tile():
    image, ticks = draw_image(40, 50), []
    (found,) = tiles.run_tiles(
        lambda pixels: (pixels[..., 0],), image, 64, 0, lambda *tick: ticks.append(tick)
    )
    np.testing.assert_array_equal(found, image[..., 0])
    assert ticks == [(1, 1)]


@pytest.mark.parametrize(
    ("tile", "margin"),
    [(100, 32), (64, 32), (128, 10), (128, -32), ((128,), 0), (64, None)],
)
def test_wrong_tiles(tile, margin):
    with pytest.raises(ValueError, match=r"multiples of 32, the sides.*Received: tile"):
        tiles.checked_tile(tile, margin)


def test_checked_tile():
    assert tiles.checked_tile(1024) == ((1024, 1024), 128)
    assert tiles.checked_tile(96) == ((96, 96), 32)
    assert tiles.checked_tile((512, 1024), 96) == ((512, 1024), 96)
