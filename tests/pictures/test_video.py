"""Videos, written and read back."""

from fractions import Fraction

import av
import numpy as np
import pytest
from drawn_video import draw_frames, turn_video, write_sound, write_video

from hrnet_tf.pictures.video import VideoReader
from hrnet_tf.pictures.video_writer import VideoWriter


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


# Phones and screen recorders give each frame a time of its own.
TIMES = [Fraction(t, 1000) for t in (0, 40, 100, 350, 400, 1000)]


def write_uneven(path):
    with VideoWriter(path, 1000) as writer:
        for frame, time in zip(draw_frames(len(TIMES)), TIMES, strict=True):
            writer.write(frame, time, Fraction(1, 4))


def test_frames_keep_their_times(tmp_path):
    write_uneven(tmp_path / "a.mp4")
    with VideoReader(tmp_path / "a.mp4") as reader:
        frames = list(reader.frames())
    assert [frame.time for frame in frames] == TIMES
    assert frames[-1].duration == Fraction(1, 4)
    with (
        VideoReader(tmp_path / "a.mp4") as reader,
        VideoWriter(tmp_path / "b.mp4", reader.frames_per_second, reader) as writer,
    ):
        for frame in reader.frames():
            writer.write(frame.pixels[::-1], frame.time, frame.duration)
    with VideoReader(tmp_path / "b.mp4") as again:
        copied = list(again.frames())
    assert [frame.time for frame in copied] == TIMES
    ends = [*TIMES[1:], TIMES[-1] + Fraction(1, 4)]
    assert [frame.time + frame.duration for frame in copied] == ends


@pytest.mark.parametrize(
    "matrix, see",
    [
        ((1, 0, 0, 1), lambda frame: frame),
        ((0, 1, -1, 0), lambda frame: np.rot90(frame, -1)),
        ((0, -1, 1, 0), lambda frame: np.rot90(frame, 1)),
        ((-1, 0, 0, -1), lambda frame: np.rot90(frame, 2)),
        ((-1, 0, 0, 1), lambda frame: frame[:, ::-1]),
    ],
    ids=["upright", "clockwise", "counterclockwise", "half", "mirrored"],
)
def test_frames_are_turned_as_players_do(tmp_path, matrix, see):
    write_video(tmp_path / "a.mp4", 2)
    turn_video(tmp_path / "a.mp4", *matrix)
    with VideoReader(tmp_path / "a.mp4") as reader:
        found = list(reader)
    for a, b in zip(found, draw_frames(2), strict=True):
        assert a.shape == see(b).shape
        assert abs(a.astype(int) - see(b)).mean() < 6


def copy(source, target):
    with (
        VideoReader(source) as reader,
        VideoWriter(target, reader.frames_per_second, reader) as writer,
    ):
        for frame in reader.frames():
            writer.write(frame.pixels, frame.time, frame.duration)


def test_sound_is_kept(tmp_path):
    write_sound(tmp_path / "a.mkv", "aac")
    copy(tmp_path / "a.mkv", tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        video, sound = container.streams
        assert (video.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        heard = sum(frame.samples for frame in container.decode(sound))
    assert heard == pytest.approx(44100, abs=2 * 1024)
    # Where a browser looks first.
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_sound_is_not_lost_without_a_word(tmp_path):
    write_sound(tmp_path / "a.mkv", "pcm_s16le")
    with pytest.warns(UserWarning, match=r"sound of .*a.mkv \(pcm_s16le\) is not in"):
        copy(tmp_path / "a.mkv", tmp_path / "a.mp4")
    with VideoReader(tmp_path / "a.mp4") as reader:
        assert reader.sound == () and len(list(reader)) == 5


def test_a_damaged_video_is_read_as_far_as_it_goes(tmp_path):
    noise = np.random.default_rng(0)
    with VideoWriter(tmp_path / "a.mp4", 25) as writer:
        for _ in range(30):
            writer.write(noise.integers(0, 255, (48, 64, 3), np.uint8))
    content = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(content[: len(content) * 2 // 3])
    with VideoReader(tmp_path / "a.mp4") as reader:
        with pytest.warns(UserWarning, match=r"only \d+ of 30 frames could be read"):
            assert 0 < len(list(reader)) < 30
