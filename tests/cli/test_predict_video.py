"""Videos of `hrnet predict`, whose steps run at the same time."""

import json
import os
import signal
import threading

import pytest
from command_line import fail, run
from drawn_video import write_video

import hrnet_tf
from hrnet_tf.pictures.video import VideoReader
from hrnet_tf.pictures.video_writer import VideoWriter
from hrnet_tf.tasks.pose import picture

NUM_FRAMES = 12


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    made = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", load_weights=False, image_size=(64, 64), num_keypoints=2
    )
    made.save(folder / "pose.keras")
    write_video(folder / "walk.mp4", NUM_FRAMES, (48, 120))
    return folder


def command(place, out):
    return [
        "predict",
        "--model",
        place / "pose.keras",
        "--out",
        out,
        place / "walk.mp4",
    ]


def test_frames_are_those_of_single_pictures(place, tmp_path):
    run(*command(place, tmp_path))
    (video,) = json.loads((tmp_path / "predictions.json").read_text())["videos"]
    predictor = hrnet_tf.Predictor.load(place / "pose.keras")
    with VideoReader(place / "walk.mp4") as reader:
        frames = list(reader.frames())
    assert [row["time"] for row in video["frames"]] == [float(f.time) for f in frames]
    for row, frame in zip(video["frames"], frames, strict=True):
        assert row["people"] == predictor.predict(frame.pixels).to_dict()["people"]
    with VideoReader(tmp_path / video["picture"]) as reader:
        assert [f.time for f in reader.frames()] == [f.time for f in frames]


def test_what_cannot_be_written_ends_the_command(place, tmp_path, monkeypatch):
    plain = VideoWriter.write

    def write(writer, frame, time, duration):
        if time > 0.3:
            raise OSError("no space left")
        plain(writer, frame, time, duration)

    monkeypatch.setattr(VideoWriter, "write", write)
    before = threading.active_count()
    assert "no space left" in fail(*command(place, tmp_path))
    assert not list(tmp_path.iterdir()) and threading.active_count() <= before


@pytest.mark.slow
def test_what_cannot_be_drawn_ends_the_command(place, tmp_path, monkeypatch):
    def draw(*arguments, **options):
        raise ValueError("nothing to draw with")

    monkeypatch.setattr(picture, "draw_keypoints", draw)
    assert "nothing to draw with" in fail(*command(place, tmp_path))
    assert not list(tmp_path.iterdir())


def test_control_c_ends_the_command_and_leaves_nothing(place, tmp_path, monkeypatch):
    plain = VideoReader.frames

    def pressed(reader):
        for number, frame in enumerate(plain(reader)):
            if number == 5:
                os.kill(os.getpid(), signal.SIGINT)
            yield frame

    monkeypatch.setattr(VideoReader, "frames", pressed)
    # What shells start in the background ignores Ctrl-C, and so would the tests there.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        result = run(*command(place, tmp_path), exit_code=130)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "Stopped. predictions.json was not written." in result.err
    assert not list(tmp_path.iterdir())
