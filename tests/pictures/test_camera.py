"""Cameras: FFmpeg's test picture stands for one."""

import json
import os
import signal

import pytest
from command_line import fail, run

import hrnet_tf
from hrnet_tf.pictures import camera
from hrnet_tf.pictures.camera import CameraReader, device_of, is_camera

pytest.importorskip("av")


@pytest.fixture
def picture(monkeypatch):
    """Every camera shows the test picture, of so many seconds."""

    def show(seconds):
        source = f"testsrc=duration={seconds}:rate=10:size=64x48"
        monkeypatch.setattr(camera, "device_of", lambda name: (source, "lavfi"))

    show(1)
    return show


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("camera") / "pose.keras"
    made = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", load_weights=False, image_size=(64, 64), num_keypoints=2
    )
    made.save(path)
    return path


@pytest.mark.parametrize("name", ["camera:0", "camera:12", "camera:USB Cam"])
def test_knows_cameras_by_their_names(name):
    assert is_camera(name)


@pytest.mark.parametrize("name", ["photo.jpg", "camera.mp4", "camera:", "camera"])
def test_files_are_no_cameras(name):
    assert not is_camera(name)


@pytest.mark.parametrize(
    "system, name, expected",
    [
        ("linux", "camera:2", ("/dev/video2", "v4l2")),
        ("darwin", "camera:0", ("0:none", "avfoundation")),
        ("win32", "camera:USB Cam", ("video=USB Cam", "dshow")),
    ],
)
def test_each_system_has_its_devices(system, name, expected, monkeypatch):
    monkeypatch.setattr("sys.platform", system)
    assert device_of(name) == expected


def test_names_what_it_does_not_know(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(ValueError, match="such as camera:0, by its number"):
        device_of("camera:front")
    with pytest.raises(ValueError, match="no camera /dev/video97 .* as v4l2"):
        CameraReader("camera:97")
    monkeypatch.setattr("sys.platform", "plan9")
    with pytest.raises(ValueError, match="plan9"):
        device_of("camera:0")


def test_looks_as_long_as_asked_for(picture):
    with CameraReader("camera:0") as reader:
        assert len(list(reader.frames())) == 10 and reader.num_frames == 0
    with CameraReader("camera:0", seconds=0.5) as reader:
        times = [float(frame.time) for frame in reader.frames()]
    assert times == pytest.approx([0, 0.1, 0.2, 0.3, 0.4]) and reader.num_frames == 5


def test_predict_looks_through_a_camera(picture, model, tmp_path):
    command = ["predict", "--model", model, "--out", tmp_path, "camera:0"]
    assert "3 frames" in run(*command, "--seconds", "0.3").out
    (video,) = json.loads((tmp_path / "predictions.json").read_text())["videos"]
    assert video["picture"] == "camera_0_keypoints.mp4"
    assert (tmp_path / video["picture"]).is_file()
    photo = next(tmp_path.glob("*.mp4"))
    command = ["predict", "--model", model, "--out", tmp_path, photo]
    assert "--seconds 2 says how long" in fail(*command, "--seconds", "2")


def test_control_c_ends_the_look_and_keeps_what_was_seen(
    picture, model, tmp_path, monkeypatch
):
    picture(10_000)
    plain = CameraReader.frames

    def pressed_at_the_third(reader):
        for number, frame in enumerate(plain(reader)):
            if number == 2:
                os.kill(os.getpid(), signal.SIGINT)
            yield frame

    monkeypatch.setattr(CameraReader, "frames", pressed_at_the_third)
    before = signal.getsignal(signal.SIGINT)
    text = run("predict", "--model", model, "--out", tmp_path, "camera:0").out
    assert "3 frames" in text and signal.getsignal(signal.SIGINT) is before
    (video,) = json.loads((tmp_path / "predictions.json").read_text())["videos"]
    assert len(video["frames"]) == 3
