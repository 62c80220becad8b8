"""Videos, written and read back."""

import numpy as np
import pytest
from drawn_video import draw_frames, write_video

from hrnet_tf.pictures.video import VideoReader, VideoWriter


def test_frames_come_back_in_order_and_colour(tmp_path):
    write_video(tmp_path / "new" / "a.mp4")
    with VideoReader(tmp_path / "new" / "a.mp4") as reader:
        assert reader.frames_per_second == pytest.approx(12.5)
        assert reader.num_frames == 5
        found = list(reader)
    assert len(found) == 5
    for a, b in zip(found, draw_frames(), strict=True):
        assert a.dtype == np.uint8 and a.shape == b.shape
        # The codec is lossy.
        assert abs(a.astype(int) - b).mean() < 6
    assert [f.name for f in (tmp_path / "new").iterdir()] == ["a.mp4"]


def test_odd_sides_are_made_even(tmp_path):
    write_video(tmp_path / "a.mp4", size=(47, 63))
    with VideoReader(tmp_path / "a.mp4") as reader:
        assert next(iter(reader)).shape == (48, 64, 3)


def test_nothing_is_left_of_what_failed(tmp_path):
    (tmp_path / "a.mp4").write_text("an older one")
    with pytest.raises(ValueError, match=r"\(40, 64\) pixels .* \(48, 64\)"):
        with VideoWriter(tmp_path / "a.mp4", 25) as writer:
            writer.write(next(draw_frames()))
            writer.write(next(draw_frames(size=(40, 64))))
    assert (tmp_path / "a.mp4").read_text() == "an older one"
    assert [f.name for f in tmp_path.iterdir()] == ["a.mp4"]


def test_says_when_frames_are_missing(tmp_path):
    write_video(tmp_path / "a.mp4", 5)
    with VideoReader(tmp_path / "a.mp4") as reader:
        reader.num_frames = 50
        with pytest.warns(UserWarning, match="only 5 of 50 frames could be read"):
            assert len(list(reader)) == 5


def test_says_when_frames_did_not_arrive(tmp_path):
    with pytest.raises(OSError, match="Of 9 frames 2 were written .* disk full"):
        with VideoWriter(tmp_path / "a.mp4", 25) as writer:
            for frame in draw_frames(2):
                writer.write(frame)
            writer._count = 9
    assert not list(tmp_path.iterdir())


def test_says_what_is_no_video(tmp_path):
    with pytest.raises(ValueError, match="no video file .*absent.mp4"):
        VideoReader(tmp_path / "absent.mp4")
    (tmp_path / "a.mp4").write_text("text")
    with pytest.raises(ValueError, match=r"a.mp4 \(4 bytes\) holds no frame"):
        VideoReader(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match="'.avi'; videos are written as .mp4"):
        VideoWriter(tmp_path / "a.avi", 25)
