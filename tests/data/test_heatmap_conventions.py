"""DARK, UDP and the face code against their formulas, and their properties."""

import cv2
import heatmap_reference as reference
import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.data.augment import affine
from hrnet_tf.data.heatmaps import HeatmapCodec

SIZES = {2.0: (256, 192), 3.0: (384, 288), 1.5: (256, 256), 1.0: (256, 256)}
UNBIASED = [("dark", 2.0), ("dark", 3.0), ("udp", 2.0), ("udp", 3.0)]
FACES = [("face", 1.0), ("face", 1.5)]


def make_codec(convention, sigma=2.0):
    return HeatmapCodec(SIZES[sigma], sigma=sigma, convention=convention)


def draw_points(codec, seed, count, low=0.0, high=1.0):
    """Points `[count, 17, 2]` in pixels, over shares of the crop's extent."""
    points = np.random.default_rng(seed).uniform(low, high, (count, 17, 2))
    return (points * codec.image_size[::-1]).astype("float32")


def noisy_maps(codec, count=4):
    """Gaussians of all heights and widths with noise, `[count, h, w, 17]`."""
    rng = np.random.default_rng(3)
    height, width = codec.heatmap_size
    points = rng.uniform(0, 1, (count, 17, 2)) * [width - 1, height - 1]
    maps = rng.normal(0, 0.01, (count, 17, height, width))
    for n, k in np.ndindex(count, 17):
        sigma = codec.sigma * rng.uniform(0.8, 1.4)
        peak = rng.uniform(0.2, 1)
        maps[n, k] += peak * reference.gaussian((height, width), points[n, k], sigma)
    return np.moveaxis(maps, 1, -1).astype("float32")


@pytest.mark.parametrize(("convention", "sigma"), UNBIASED + FACES)
def test_targets_are_those_of_the_formulas(convention, sigma):
    codec = make_codec(convention, sigma)
    points = draw_points(codec, 0, 6, -0.3, 1.3)
    visible = np.random.default_rng(1).uniform(size=(6, 17)) < 0.8
    heatmaps, weights = codec.encode(tf.constant(points), visible)
    assert 0.3 < np.mean(weights) < 0.8
    height, width = codec.image_size
    scale = np.float32([4, 4])
    if convention == "udp":
        scale = np.float32([(s - 1) / (s / 4 - 1) for s in (width, height)])
    for n, k in np.ndindex(6, 17):
        expected, inside = reference.target(
            convention, points[n, k] / scale, codec.heatmap_size, sigma
        )
        assert weights[n, k] == (inside and visible[n, k])
        expected = expected * visible[n, k]
        np.testing.assert_allclose(heatmaps[n, ..., k], expected, atol=1e-6)


@pytest.mark.parametrize(("convention", "sigma"), UNBIASED + FACES)
def test_decode_is_that_of_the_formulas(convention, sigma):
    codec = make_codec(convention, sigma)
    heatmaps = noisy_maps(codec)
    points, scores = codec.decode(tf.constant(heatmaps))
    for n in range(len(heatmaps)):
        expected, peaks = reference.decode(convention, heatmaps[n], sigma)
        np.testing.assert_allclose(points[n], expected, atol=1e-4)
        np.testing.assert_array_equal(scores[n], peaks)
    cells, _ = codec.decode(tf.constant(heatmaps), refine=False)
    assert np.array_equal(cells, np.round(cells))


def test_the_decoders_differ():
    codecs = [make_codec(name) for name in ("official", "dark", "udp", "face")]
    heatmaps = tf.constant(noisy_maps(codecs[0]))
    points = [codec.decode(heatmaps)[0].numpy() for codec in codecs]
    for i in range(4):
        for j in range(i):
            assert np.abs(points[i] - points[j]).max() > 0.01


@pytest.mark.parametrize(
    ("convention", "sigma", "limit"),
    [(*case, 0.02) for case in UNBIASED]
    + [("official", 2.0, 0.501), ("face", 1.0, 0.501), ("face", 1.5, 0.501)],
)
def test_decode_undoes_encode(convention, sigma, limit):
    codec = make_codec(convention, sigma)
    points = draw_points(codec, 2, 8, 0.2, 0.8)
    heatmaps, _ = codec.encode(tf.constant(points), tf.ones((8, 17)))
    cells, scores = codec.decode(heatmaps)
    errors = cells - codec.from_crop(points)
    assert np.abs(errors).max() < limit
    # None of the conventions moves points to a side.
    assert np.abs(np.mean(errors, (0, 1))).max() < 0.1
    np.testing.assert_allclose(
        codec.to_crop(codec.from_crop(points)), points, rtol=1e-6
    )
    assert np.all(np.asarray(scores) > 0.85)


@pytest.mark.parametrize(
    ("convention", "limit", "bias"),
    [("udp", 0.02, 0.002), ("dark", 0.15, 0.15), ("official", 1.0, 0.2)],
)
def test_flip_test_of_perfectly_mirrored_maps(convention, limit, bias):
    """UDP moves nothing; the whole cell's shift is a quarter of a cell too far."""
    codec = make_codec(convention)
    width = codec.image_size[1]
    points = draw_points(codec, 5, 8, 0.25, 0.75)
    mirrored = points * np.float32([-1, 1]) + np.float32([width - 1, 0])
    order = (1, 0, *range(2, 17))
    maps = [
        codec.encode(tf.constant(p), tf.ones((8, 17)))[0]
        for p in (points, mirrored[:, order])
    ]
    merged = codec.merge_flipped(*maps, order)
    errors = codec.decode(merged)[0] - codec.from_crop(points)
    assert np.abs(errors).max() < limit
    assert abs(np.mean(errors[..., 0])) < bias
    if convention == "udp":
        np.testing.assert_allclose(merged, maps[0], atol=1e-4)
    if convention == "dark":
        # Half of the maps came to lie a quarter of a cell further right.
        assert np.mean(errors[..., 0]) == pytest.approx(0.125, abs=0.005)


def test_face_maps_need_no_shift_when_mirrored():
    codec = make_codec("face", 1.0)
    points = np.round(draw_points(codec, 6, 8, 0.2, 0.8))
    mirrored = points * np.float32([-1, 1]) + np.float32([255, 0])
    maps = [
        codec.encode(tf.constant(p), tf.ones((8, 17)))[0] for p in (points, mirrored)
    ]
    merged = codec.merge_flipped(*maps, tuple(range(17)))
    np.testing.assert_array_equal(merged, maps[0])


class TestGeometry:
    codec = make_codec("udp")
    rng = np.random.default_rng(4)
    centers = rng.uniform(100, 400, (5, 2)).astype("float32")
    heights = rng.uniform(60, 300, (5, 1)).astype("float32")
    sizes = np.concatenate([heights * 0.75, heights], 1)

    def test_matrices_are_those_of_the_formula(self):
        angles = np.float32([0, 0, 30, -75, 90])
        matrices = self.codec.crop_matrix(self.centers, self.sizes, angles)
        for matrix, center, size, angle in zip(
            matrices.numpy(), self.centers, self.sizes, np.radians(angles), strict=True
        ):
            cos, sin = np.cos(angle), np.sin(angle)
            # The region's upright frame, from its centre; then its pixels.
            scale = np.diag([191 / size[0], 255 / size[1]])
            linear = scale @ np.array([[cos, sin], [-sin, cos]])
            offset = scale @ (size / 2) - linear @ center
            np.testing.assert_allclose(matrix[:, :2], linear, atol=1e-5)
            np.testing.assert_allclose(matrix[:, 2], offset, atol=1e-3)

    def test_the_regions_corners_are_the_outermost_pixels(self):
        matrices = self.codec.crop_matrix(self.centers, self.sizes, 0.0)
        corners = np.stack(
            [self.centers - self.sizes / 2, self.centers + self.sizes / 2], 1
        )
        found = affine.apply_matrix(matrices, tf.constant(corners))
        np.testing.assert_allclose(found, [[[0, 0], [191, 255]]] * 5, atol=1e-3)

    @pytest.mark.parametrize("convention", ["official", "dark", "udp", "face"])
    def test_to_image_undoes_the_crop(self, convention):
        codec = make_codec(convention)
        points = draw_points(codec, 7, 5)
        centers, sizes = tf.constant(self.centers), tf.constant(self.sizes)
        matrices = codec.crop_matrix(centers, sizes, 0.0)
        back = affine.apply_matrix(affine.invert(matrices), tf.constant(points))
        found = codec.to_image(codec.from_crop(points), centers, sizes)
        np.testing.assert_allclose(found, back, atol=2e-3)

    @pytest.mark.parametrize("angle", [0.0, 35.0])
    def test_crops_are_those_of_opencv(self, angle):
        small = self.rng.integers(0, 256, (9, 12, 3)).astype("uint8")
        image = cv2.resize(small, (480, 360))
        matrix = self.codec.crop_matrix(self.centers[0], self.sizes[0], angle)
        expected = cv2.warpAffine(
            image, matrix.numpy(), (192, 256), flags=cv2.INTER_LINEAR
        )
        crop = affine.warp(tf.constant(image), matrix, (256, 192)).numpy()
        assert np.abs(crop.astype(int) - expected).max() <= 2

    def test_the_mirrored_crop_is_the_mirrored_images_crop(self):
        """The region lies on both sides of the image alike, pixel by pixel."""
        image = self.rng.integers(0, 256, (120, 161, 3)).astype("uint8")
        center, size = np.float32([70, 61]), np.float32([71.25, 95])
        crops = [
            affine.warp(
                tf.constant(pixels), self.codec.crop_matrix(at, size, 0.0), (256, 192)
            ).numpy()
            for pixels, at in (
                (image, center),
                (image[:, ::-1], np.float32([160 - 70, 61])),
            )
        ]
        difference = np.abs(crops[0].astype(int) - crops[1][:, ::-1])
        assert difference.max() <= 1


@pytest.mark.parametrize("convention", ["dark", "udp"])
def test_maps_without_a_peak_give_points_near_their_maximum(convention):
    codec = make_codec(convention)
    rng = np.random.default_rng(8)
    maps = {
        "empty": np.zeros((64, 48)),
        "negative": -1 - rng.uniform(size=(64, 48)),
        "flat": np.full((64, 48), 0.3),
        "noise": rng.normal(0, 1, (64, 48)),
        "one cell": np.pad([[1.0]], ((20, 43), (30, 17))),
        "lone positive": np.pad([[1e-3]], ((20, 43), (30, 17)), constant_values=-9),
        "ridge": np.tile(np.linspace(0, 1, 48), (64, 1)),
    }
    heatmaps = np.stack(list(maps.values()), -1)[None].astype("float32")
    points, scores = codec.decode(tf.constant(heatmaps))
    cells, _ = codec.decode(tf.constant(heatmaps), refine=False)
    # Five cells are what the blur reaches.
    assert np.abs(points - cells).max() <= 5
    np.testing.assert_array_equal(scores[0], heatmaps.max((0, 1, 2)))
    found = dict(zip(maps, points[0].numpy().tolist(), strict=True))
    assert found["empty"] == found["negative"] == [0, 0]
    np.testing.assert_allclose(found["one cell"], [30, 20], atol=1e-5)
    np.testing.assert_allclose(found["lone positive"], [30, 20], atol=1e-5)


def test_empty_face_maps_are_the_official_codes_zero():
    codec = make_codec("face", 1.5)
    points, scores = codec.decode(tf.zeros((1, 64, 64, 2)))
    # Zero, counted from one, and half a cell.
    np.testing.assert_array_equal(points, [[[-0.5, -0.5]] * 2])
    assert not np.any(scores)


def test_eager_and_in_a_graph_alike():
    for convention in ("dark", "udp", "face"):
        codec = make_codec(convention)
        heatmaps = tf.constant(noisy_maps(codec, 1))
        graph = tf.function(codec.decode)
        np.testing.assert_allclose(
            graph(heatmaps)[0], codec.decode(heatmaps)[0], atol=1e-4
        )


def test_combinations_that_contradict_each_other():
    with pytest.raises(ValueError, match=r"one of \('official', 'dark'.*'DARK'"):
        HeatmapCodec((256, 192), convention="DARK")
    for convention in ("dark", "udp", "face"):
        with pytest.raises(
            ValueError, match=f"spatial softmax have exact.*Received: '{convention}'"
        ):
            HeatmapCodec(
                (256, 192), activation="spatial_softmax", convention=convention
            )
    with pytest.raises(ValueError, match=r"it needs two.*image_size=\(4, 64\)"):
        HeatmapCodec((4, 64), convention="udp")
