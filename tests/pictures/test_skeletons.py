"""Drawing on made-up images: what is coloured, what is left alone."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.pictures.sheet import contact_sheet, save_image
from hrnet_tf.pictures.skeletons import COLORS, color_of, draw_keypoints
from hrnet_tf.tasks.pose.result import Keypoints

# A square: the left side on the left, the right one on the right, joined above.
SQUARE = KeypointSet(
    name="square",
    names=("left_top", "right_top", "left_bottom", "right_bottom"),
    flip_pairs=((0, 1), (2, 3)),
    skeleton=((0, 1), (0, 2), (1, 3)),
)
POINTS = np.array([[[20, 20], [80, 20], [20, 80], [80, 80]]], np.float32)


def square(scores=(0.9, 0.9, 0.9, 0.9), keypoint_set=SQUARE, points=POINTS):
    return Keypoints(
        points, [scores], [[10, 10, 80, 80]], [1.0], keypoint_set=keypoint_set
    )


def black():
    return np.zeros((100, 120, 3), np.uint8)


class TestDrawKeypoints:
    def test_limbs_have_the_colour_of_their_side(self):
        image = black()
        drawn = draw_keypoints(image, square())
        assert drawn.shape == image.shape and drawn.dtype == np.uint8
        assert tuple(drawn[50, 20]) == COLORS["left"]
        assert tuple(drawn[50, 80]) == COLORS["right"]
        assert tuple(drawn[20, 50]) == COLORS["centre"]
        assert not drawn[80, 50].any()
        assert not image.any()

    def test_limbs_are_centred_on_the_points_and_antialiased(self):
        row = draw_keypoints(black(), square())[50, :50].astype(int).sum(-1)
        centre = (row * np.arange(50)).sum() / row.sum()
        assert centre == pytest.approx(20, abs=0.05)
        assert len(np.unique(row)) > 2

    def test_unsure_keypoints_and_their_limbs_are_left_out(self):
        drawn = draw_keypoints(black(), square((0.9, 0.9, 0.1, 0.9)))
        assert not drawn[50, 20].any() and not drawn[80, 20].any()
        assert drawn[50, 80].any()
        shown = draw_keypoints(black(), square((0.9, 0.9, 0.1, 0.9)), min_score=0.05)
        assert shown[80, 20].any()
        # Without a place it is nowhere, however little is asked for.
        drawn = draw_keypoints(black(), square((0.9, 0.9, 0.0, 0.9)), min_score=0)
        assert not drawn[80, 20].any() and drawn[80, 80].any()

    def test_lines_grow_with_the_person(self):
        small = draw_keypoints(black(), square())
        image = np.zeros((400, 480, 3), np.uint8)
        large = draw_keypoints(image, square(points=4 * POINTS))
        assert large[200, :200].any(-1).sum() > 2 * small[50, :50].any(-1).sum()

    def test_sides_without_names_follow_the_flip_pairs(self):
        letters = KeypointSet("letters", tuple("abcd"), ((0, 1), (2, 3)), ((0, 2),))
        drawn = draw_keypoints(black(), square(keypoint_set=letters))
        assert tuple(drawn[50, 20]) == COLORS["left"]

    def test_boxes_and_scores(self):
        plain = draw_keypoints(black(), square())
        assert not plain[50, 10].any()
        boxed = draw_keypoints(black(), square(), draw_boxes=True)
        assert boxed[50, 10].min() > 100
        written = draw_keypoints(black(), square(), draw_scores=True)
        assert (written != plain)[:20].any()

    def test_without_a_keypoint_set_only_points(self):
        drawn = draw_keypoints(black(), square(keypoint_set=None))
        assert drawn[20, 20].any() and not drawn[50, 20].any()

    def test_outside_of_the_image(self):
        far = draw_keypoints(black(), square(points=POINTS + 5000), draw_scores=True)
        assert not far.any()
        huge = square(points=1e7 * (POINTS - 50))
        assert draw_keypoints(black(), huge, draw_boxes=True).any()

    def test_file(self, tmp_path):
        save_image(black(), tmp_path / "black.png")
        drawn = draw_keypoints(tmp_path / "black.png", square())
        np.testing.assert_array_equal(drawn, draw_keypoints(black(), square()))

    def test_unreadable_images(self, tmp_path):
        with pytest.raises(ValueError, match="no image file .*none.jpg"):
            draw_keypoints(tmp_path / "none.jpg", square())
        (tmp_path / "text.jpg").write_text("text")
        with pytest.raises(ValueError, match="text.jpg .* is no complete JPEG"):
            draw_keypoints(tmp_path / "text.jpg", square())
        with pytest.raises(ValueError, match=r"uint8.*float64 of shape \(4, 4, 3\)"):
            draw_keypoints(np.zeros((4, 4, 3)), square())


class TestSaveImage:
    @pytest.mark.parametrize("name", ["a.png", "a.jpg"])
    def test_round_trip(self, tmp_path, name):
        path = tmp_path / "new" / name
        save_image(draw_keypoints(black(), square()), path)
        with Image.open(path) as file:
            assert file.size == (120, 100)
        assert list(path.parent.iterdir()) == [path]

    def test_unknown_ending(self, tmp_path):
        with pytest.raises(ValueError, match=r"a.bmp ends in '.bmp'"):
            save_image(black(), tmp_path / "a.bmp")


class TestContactSheet:
    def test_images_are_fitted_into_rows(self):
        white = np.full((100, 200, 3), 255, np.uint8)
        images = [black(), white, np.zeros((300, 30, 3), np.uint8)]
        sheet = contact_sheet(images, columns=2, cell_size=(60, 80))
        assert sheet.shape == (60 + 60 + 3 * 8, 2 * 80 + 3 * 8, 3)

    def test_captions_need_room(self):
        images = [black()] * 3
        plain = contact_sheet(images, columns=3)
        captioned = contact_sheet(images, columns=3, captions=["a", "b", "c" * 99])
        assert captioned.shape[0] > plain.shape[0]
        assert captioned[-25:, -30:].min() < 100

    def test_errors(self):
        with pytest.raises(ValueError, match="Received 0 images"):
            contact_sheet([])
        with pytest.raises(ValueError, match="1 captions for 2 images"):
            contact_sheet([black()] * 2, captions=["a"])


def test_identities_have_colours_of_their_own():
    def colors_of(number):
        found = dataclasses.replace(square(), ids=[number])
        return {tuple(c) for c in draw_keypoints(black(), found).reshape(-1, 3)}

    assert color_of(1) in colors_of(1) and color_of(2) in colors_of(2)
    assert not {(0, 153, 255), (255, 122, 0)} & colors_of(1)
    # Neighbours, and many of them, are told apart.
    assert len({color_of(number) for number in range(1, 100)}) == 99
    with pytest.raises(ValueError, match=r"Expected ids of shape \(1,\)"):
        dataclasses.replace(square(), ids=[1, 2])
