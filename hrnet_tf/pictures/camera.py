"""Frames from a camera, by PyAV (FFmpeg). Needs the extra "video"."""

import re
import sys
from collections.abc import Iterator

from hrnet_tf.pictures.video import VideoFrame, VideoReader, import_av
from hrnet_tf.typing import PathLike

_NAME = re.compile(r"camera:(.+)")
# FFmpeg's devices by the system, and what it calls a camera by its number there.
_DEVICES = {
    "linux": ("v4l2", "/dev/video{}"),
    "darwin": ("avfoundation", "{}:none"),
    "win32": ("dshow", "video={}"),
}


def is_camera(path: PathLike) -> bool:
    """Whether a path is the name of a camera, such as "camera:0"."""
    return _NAME.fullmatch(str(path)) is not None


class CameraReader(VideoReader):
    """The frames of a camera, from now on; otherwise as `VideoReader`.

    Frames that come while others are worked on are left out by the system's driver; the
    times of those that are read are true.

    Args:
        name: str, "camera:0" for the first one. On Windows "camera:" and the name that
            the device manager shows.
        seconds: float or None. How long to look; None: for ever.
    Raises:
        ValueError: if there is no such camera, or it gives no pictures.
    """

    def __init__(self, name: PathLike, seconds: float | None = None) -> None:
        self._seconds = seconds
        super().__init__(str(name))
        # Nobody knows how many there will be.
        self._told = self.num_frames = 0
        if seconds is not None:
            self.num_frames = round(seconds * self.frames_per_second)

    def frames(self) -> Iterator[VideoFrame]:
        for frame in super().frames():
            if self._seconds is not None and frame.time >= self._seconds:
                return
            yield frame

    def _opened(self):
        av = import_av(self.path)
        file, form = device_of(str(self.path))
        try:
            return av.open(file, format=form)
        except (av.FFmpegError, ValueError) as error:
            raise ValueError(
                f"There is no camera {file} that FFmpeg can open as {form} ({error})."
                " Received:"
                f" {self.path}. Is it connected, not in use, and may you read it?"
            ) from error

    def _unreadable(self, why):
        return ValueError(f"The camera {self.path} gives no pictures ({why}).")


def device_of(name: str) -> tuple[str, str]:
    """Returns what FFmpeg opens for the name of a camera, and the kind of device.

    Raises:
        ValueError: if a number was expected, or the system has no known cameras.
    """
    found = _NAME.fullmatch(name)
    assert found is not None, name
    if sys.platform not in _DEVICES:
        raise ValueError(
            f"Cameras of this system ({sys.platform}) are not known. Record a video"
            " first, and pass its file."
        )
    form, place = _DEVICES[sys.platform]
    number = found[1]
    if sys.platform != "win32" and not number.isdecimal():
        raise ValueError(
            f"Expected a camera such as camera:0, by its number. Received: {name}."
        )
    return place.format(number), form
