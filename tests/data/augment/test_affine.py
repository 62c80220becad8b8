"""The affine crop against the official code, and its random variations."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from hrnet_tf.data.augment import affine

CROP = (256, 192)


@pytest.fixture(scope="module")
def records(golden):
    return json.loads((golden / "pose" / "pipeline.json").read_text())


@pytest.fixture(scope="module")
def arrays(golden):
    return dict(np.load(golden / "pose" / "pipeline.npz"))


def test_matrices_are_the_official_ones(records, arrays):
    centers = tf.constant([r["center"] for r in records["records"]])
    widths = tf.constant([r["scale"][0] * 200 for r in records["records"]])
    matrices = affine.crop_matrix(centers, widths, tf.zeros(len(widths)), CROP)
    np.testing.assert_allclose(matrices, arrays["matrices"], atol=1e-4)
    for rotated in records["rotated_matrices_of_record_0"]:
        matrix = affine.crop_matrix(
            centers[0],
            widths[0] * rotated["scale_factor"],
            float(rotated["rotation_degrees"]),
            CROP,
        )
        np.testing.assert_allclose(matrix, rotated["matrix"], atol=1e-4)


def test_crops_are_the_official_ones(records, arrays, shared):
    crops = np.load(shared / "goldens" / "pose" / "pipeline.npz")["crops"]
    for record, matrix, expected in zip(
        records["records"][: len(crops)],
        arrays["matrices"][: len(crops)],
        crops,
        strict=True,
    ):
        encoded = (shared / "samples" / "coco" / record["file"]).read_bytes()
        crop = affine.decode_crop(encoded, tf.constant(matrix, tf.float32), CROP)
        difference = np.abs(crop.numpy().astype(int) - expected.astype(int))
        assert np.mean(difference <= 2) >= 0.999


def picture(height=60, width=80, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 10, width // 10, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height)))


def encode(image, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, quality=95)
    return buffer.getvalue()


def reference_warp(image, matrix, crop_size):
    """Bilinear sampling with a black border, pixel by pixel."""
    full = np.vstack([matrix, [0, 0, 1]]).astype(np.float64)
    y, x = np.mgrid[: crop_size[0], : crop_size[1]]
    points = np.linalg.inv(full) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    u, v = points[0], points[1]
    framed = np.pad(image.astype(np.float64), ((1, 2), (1, 2), (0, 0)))
    u = np.clip(u + 1, 0, image.shape[1] + 1)
    v = np.clip(v + 1, 0, image.shape[0] + 1)
    i, j = np.floor(v).astype(int), np.floor(u).astype(int)
    dv, du = (v - i)[:, None], (u - j)[:, None]
    top = framed[i, j] * (1 - du) + framed[i, j + 1] * du
    bottom = framed[i + 1, j] * (1 - du) + framed[i + 1, j + 1] * du
    return (top * (1 - dv) + bottom * dv).reshape(*crop_size, 3)


@pytest.mark.parametrize("rotation", [0.0, 25.0, -70.0])
@pytest.mark.parametrize("center", [(40.0, 30.0), (3.0, 55.0), (200.0, 200.0)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_crop_equals_bilinear_sampling(rotation, center, kind):
    image = picture()
    encoded = encode(image, kind)
    decoded = tf.io.decode_image(encoded).numpy()
    if kind == "JPEG":
        decoded = tf.io.decode_jpeg(encoded, dct_method="INTEGER_ACCURATE").numpy()
    matrix = affine.crop_matrix(tf.constant(center), 37.0, rotation, (64, 48))
    crop = affine.decode_crop(encoded, matrix, (64, 48))
    expected = reference_warp(decoded, matrix.numpy(), (64, 48))
    assert np.mean(np.abs(crop - expected) <= 1.01) > 0.999


def test_mirrored_crop_is_the_crop_of_the_mirrored_image():
    image = picture()
    matrix = affine.crop_matrix(tf.constant([30.0, 25.0]), 40.0, 20.0, (64, 48))
    direct = affine.warp(tf.constant(image[:, ::-1]), matrix, (64, 48))
    folded = affine.warp(tf.constant(image), affine.mirror(matrix, 80), (64, 48))
    assert np.abs(direct.numpy().astype(int) - folded.numpy().astype(int)).max() <= 1


def test_invert_undoes_apply():
    matrix = affine.crop_matrix(tf.constant([30.0, 25.0]), 40.0, 20.0, CROP)
    points = tf.constant([[1.0, 2.0], [50.0, 10.0]])
    back = affine.apply_matrix(
        affine.invert(matrix), affine.apply_matrix(matrix, points)
    )
    np.testing.assert_allclose(back, points, atol=1e-3)


class TestRandomRegion:
    upper = [True] * 11 + [False] * 6

    def draw(self, seed, augmentation, visible=17):
        keypoints = np.zeros((17, 3), np.float32)
        keypoints[:, 0] = np.arange(17) * 10
        keypoints[:, 1] = np.arange(17) * 20
        keypoints[:visible, 2] = 2
        return affine.random_region(
            tf.constant(keypoints),
            tf.constant([80.0, 160.0]),
            tf.constant([240.0, 320.0]),
            tf.convert_to_tensor(seed, tf.int64),
            augmentation,
            self.upper,
        )

    def test_same_seed_same_draw_eagerly_and_in_a_data_set(self):
        augmentation = affine.PoseAugmentation()
        seeds = np.stack([np.full(8, 5), np.arange(8)], 1)
        mapped = tf.data.Dataset.from_tensor_slices(seeds).map(
            lambda seed: self.draw(seed, augmentation)
        )
        for seed, drawn in zip(seeds, mapped, strict=True):
            again = self.draw(seed, augmentation)
            for a, b in zip(drawn, again, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6)

    def draws(self, augmentation):
        """400 draws, in a data set because it is faster than eager calls."""
        seeds = np.stack([np.zeros(400, np.int64), np.arange(400)], 1)
        mapped = tf.data.Dataset.from_tensor_slices(seeds).map(
            lambda seed: self.draw(seed, augmentation)
        )
        return [np.array(x) for x in zip(*mapped, strict=True)]

    def test_distribution_is_the_protocols(self):
        _, sizes, rotations, flips = self.draws(affine.PoseAugmentation())
        whole = np.isclose(sizes[:, 0] / sizes[:, 1], 0.75)
        assert whole.all()
        assert np.abs(rotations).max() <= 90
        assert 0.5 < np.mean(rotations != 0) < 0.7
        assert 0.4 < np.mean(flips) < 0.6
        centers, _, _, _ = self.draws(affine.PoseAugmentation(scale=0.0))
        unchanged = (centers == (80.0, 160.0)).all(1)
        assert 0.62 < np.mean(unchanged) < 0.78

    def test_half_body_needs_more_than_eight_keypoints(self):
        augmentation = affine.PoseAugmentation(half_body_probability=1.0, scale=0.0)
        center, size, _, _ = self.draw((1, 2), augmentation, visible=8)
        np.testing.assert_array_equal(center, [80.0, 160.0])
        np.testing.assert_array_equal(size, [240.0, 320.0])
        center, size, _, _ = self.draw((1, 2), augmentation, visible=17)
        upper, lower = (50.0, 100.0), (135.0, 270.0)
        assert tuple(np.round(center.numpy(), 3)) in {upper, lower}

    def test_bad_strength_is_named(self):
        with pytest.raises(ValueError, match="scale=1.5"):
            affine.PoseAugmentation(scale=1.5)
