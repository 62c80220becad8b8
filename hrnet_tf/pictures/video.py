"""Frames from video files, by PyAV (FFmpeg). Needs the extra "video"."""

import struct
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

from hrnet_tf.extras import import_extra
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    import numpy as np

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")
# Units of a container's own times, and of a display matrix, 16.16 bits.
_MICROSECOND = Fraction(1, 1_000_000)
_ONE = 1 << 16


def import_av(path: PathLike) -> ModuleType:
    """Returns PyAV; `MissingExtra` names the video where it is missing."""
    return import_extra("av", f"The video {path}")


class VideoFrame(NamedTuple):
    """A frame of a video as it is to be seen.

    Attributes:
        pixels: uint8 `[H, W, 3]`, RGB, turned as the file's rotation tag says.
        time: Fraction, seconds since the start of the video; its sound may begin a
            little earlier than its first frame.
        duration: Fraction, seconds; 0 where the file does not tell.
    """

    pixels: "np.ndarray"
    time: Fraction
    duration: Fraction


class VideoReader:
    """The frames of a video file, in order, each with its own time.

        with VideoReader("walk.mp4") as video:
            for frame in video.frames(): ...

    Frame rates may vary, as phones' and screen recorders' do. Iterating over the
    reader itself gives the pixels alone.

    Args:
        path: str or path.
    Attributes:
        frames_per_second: float, the average.
        num_frames: int, what the file says, or what follows from its length; some
            files say it wrong.
        time_base: Fraction, seconds. Times of frames are multiples of it.
        start: Fraction, seconds. Where the file's own clock begins; times count from
            there.
        pixel_shape: Fraction, width to height of a pixel as it is to be seen.
        sound: tuple of str. The codecs of its sound, one a stream.
    Raises:
        ValueError: if there is no such file, or no frame can be read from it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._errors, self._repaired, self._count = 0, 0, 0
        self._container = self._opened()
        if not self._container.streams.video:
            self._container.close()
            raise self._unreadable("it has no pictures")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        # Some containers have no rate; 25 is as good as any.
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.frames_per_second = float(rate or 25)
        self.time_base = self._stream.time_base or Fraction(1) / (rate or 25)
        self.sound = tuple(s.codec_context.name for s in self._container.streams.audio)
        self.start = (self._container.start_time or 0) * _MICROSECOND
        self._frames = self._decoded()
        self._first = next(self._frames, None)
        if self._first is None:
            self._container.close()
            raise self._unreadable("no frame could be decoded")
        matrix = _display_matrix(self._first)
        self._turn = _turn(matrix, self.path)
        shape = self._stream.sample_aspect_ratio or Fraction(1)
        self.pixel_shape = 1 / shape if self._turn[0] else shape
        seconds = float((self._container.duration or 0) * _MICROSECOND)
        self._told = self._stream.frames
        self.num_frames = self._told or round(seconds * self.frames_per_second)

    def frames(self) -> Iterator[VideoFrame]:
        """Yields each `VideoFrame` in order; can be gone through once."""
        last = None
        frame = self._first
        while frame is not None:
            self._count += 1
            time = self._time(frame, last)
            duration = (frame.duration or 0) * self.time_base
            yield VideoFrame(self._pixels(frame), time, duration)
            last, frame = time, next(self._frames, None)
        self._say_what_was_wrong()

    def __iter__(self):
        for frame in self.frames():
            yield frame.pixels

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._container.close()

    def _opened(self):
        """The file as PyAV has it."""
        av = import_av(self.path)
        if not self.path.is_file():
            raise ValueError(f"There is no video file {self.path}.")
        try:
            return av.open(str(self.path))
        except av.FFmpegError as error:
            raise self._unreadable(error) from error

    def _decoded(self):
        """Yields what can be decoded; damaged places are passed and counted."""
        av = import_av(self.path)
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                yield from packet.decode()
            except av.FFmpegError:
                self._errors += 1

    def _time(self, frame, last):
        """When a frame is shown; after the one before it, whatever the file says."""
        if frame.pts is None:
            rate = Fraction(self.frames_per_second).limit_denominator(1001)
            time = Fraction(0) if last is None else last + 1 / rate
        else:
            time = frame.pts * self.time_base - self.start
        if last is not None and time <= last:
            self._repaired += 1
            time = last + self.time_base
        return time

    def _pixels(self, frame):
        import numpy as np

        transpose, horizontally, vertically = self._turn
        pixels = frame.to_ndarray(format="rgb24")
        if transpose:
            pixels = pixels.transpose(1, 0, 2)
        if horizontally:
            pixels = pixels[:, ::-1]
        if vertically:
            pixels = pixels[::-1]
        return np.ascontiguousarray(pixels)

    def _say_what_was_wrong(self):
        wrong = []
        # Containers err by a few frames.
        if self._told and self._count < 0.95 * self.num_frames:
            wrong.append(
                f"only {self._count} of {self.num_frames} frames could be read"
            )
        if self._errors:
            wrong.append(f"{self._errors} places could not be decoded")
        if wrong:
            warnings.warn(
                f"{self.path}: {'; '.join(wrong)}; the file is damaged or cut short.",
                stacklevel=3,
            )
        if self._repaired:
            warnings.warn(
                f"{self.path}: the times of {self._repaired} frames did not follow"
                " those before them; they were moved behind.",
                stacklevel=3,
            )

    def _unreadable(self, why):
        return ValueError(
            f"{self.path} ({self.path.stat().st_size} bytes) holds no frame that FFmpeg"
            f" can read ({why}). Convert it, for instance to H.264 in an .mp4."
        )


def _display_matrix(frame):
    """The matrix that a file gives for showing its frames, or None."""
    data = frame.side_data.get("DISPLAYMATRIX")
    return struct.unpack("=9i", bytes(data)) if data is not None else None


def _turn(matrix, path):
    """Whether to transpose pixels, then to mirror them horizontally and vertically."""
    if matrix is None:
        return False, False, False
    # A pixel (x, y) is seen at (a x + c y, b x + d y), besides a shift.
    a, b, c, d = (round(matrix[i] / _ONE) for i in (0, 1, 3, 4))
    if b == c == 0 and a and d:
        return False, a < 0, d < 0
    if a == d == 0 and b and c:
        return True, c < 0, b < 0
    warnings.warn(
        f"{path}: its frames are to be seen at an angle that is no multiple of 90"
        " degrees; they are read as they are stored.",
        stacklevel=3,
    )
    return False, False, False
