"""Videos that browsers play: H.264 in an .mp4, by PyAV. Needs the extra "video"."""

import sys
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.io import replacing
from hrnet_tf.pictures.video import VideoReader, import_av

# What an .mp4 holds as it is, and browsers play.
_SOUND = ("aac", "mp3", "mp3float", "opus", "libopus", "flac", "alac", "ac3", "eac3")
# H.264's words for what is seen on screens.
_BT709, _LIMITED_RANGE = 1, 1


class VideoWriter:
    """Writes frames as an .mp4 file, complete or not at all.

    Args:
        path: str or path ending in .mp4; folders are made.
        frames_per_second: float. The rate of frames that are written without a time.
        like: `VideoReader` or None. The video whose frames these are: the unit of
            times, the shape of pixels and the sound are taken from it. Sound that
            cannot be kept is told in a warning.
    Raises:
        ValueError: for another ending.
    """

    def __init__(
        self,
        path: str | Path,
        frames_per_second: float,
        like: VideoReader | None = None,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() != ".mp4":
            raise ValueError(
                f"{path} ends in {self.path.suffix!r}; videos are written as .mp4."
            )
        self._rate = Fraction(frames_per_second).limit_denominator(1001)
        self._like = like
        self._time_base = like.time_base if like else 1 / self._rate
        self._container = None
        self._size: Any = None
        self._count = 0
        self._last: Fraction | None = None
        self._durations: dict[int, int] = {}
        self._place = replacing(self.path)
        self._beside = None

    def write(
        self,
        frame: np.ndarray,
        time: Fraction | None = None,
        duration: Fraction | None = None,
    ) -> None:
        """Adds a frame of the size of the first one.

        Args:
            frame: uint8 `[H, W, 3]`, RGB.
            time: seconds, later than those before; None: one step of the rate later.
            duration: seconds, of which only the last frame's matters; None: one step.
        """
        av = import_av(self.path)
        if self._container is None:
            self._open(frame)
        if frame.shape[:2] != self._size:
            raise ValueError(
                f"A frame of {frame.shape[:2]} pixels (height, width) does not fit into"
                f" {self.path}, whose first one had {self._size}."
            )
        if time is None:
            time = Fraction(0) if self._last is None else self._last + 1 / self._rate
        self._last = last = Fraction(time)
        # H.264 needs even sides.
        below, right = (side % 2 for side in self._size)
        pixels = np.pad(frame, ((0, below), (0, right), (0, 0)), mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        picture = picture.reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        picture.pts = round(last / self._time_base)
        picture.time_base = self._time_base
        self._durations[picture.pts] = round(
            (duration or 1 / self._rate) / self._time_base
        )
        self._sound.copy_until(self._last)
        self._mux(self._stream.encode(picture))
        self._count += 1

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._beside is None:
            return
        try:
            if error[0] is None and self._count:
                self._mux(self._stream.encode())
                self._sound.copy_until(None)
            self._close()
            if error[0] is None:
                self._check()
        except OSError:
            self._place.__exit__(*sys.exc_info())
            raise
        self._place.__exit__(*error)

    def _open(self, frame):
        av = import_av(self.path)
        self._beside = self._place.__enter__()
        self._size = frame.shape[:2]
        # The index comes first: playing starts before all has arrived.
        self._container = av.open(
            str(self._beside), "w", options={"movflags": "+faststart"}
        )
        # Frames that refer to later ones are stored in another order, in which an
        # .mp4 counts how long they are seen.
        options = {"crf": "20", "preset": "veryfast", "bf": "0"}
        stream = self._container.add_stream("libx264", self._rate, options=options)
        stream.height, stream.width = (side + side % 2 for side in self._size)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = self._time_base
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        if self._like:
            context.sample_aspect_ratio = self._like.pixel_shape
        self._stream = stream
        self._sound = _Sound(self._like, self._container, self.path)

    def _mux(self, packets):
        for packet in packets:
            # Only the encoder's input knows how long a frame is seen.
            known = self._durations.pop(packet.pts, None)
            if known is not None and packet.time_base == self._time_base:
                packet.duration = known
            self._container.mux(packet)

    def _close(self):
        self._sound.close()
        self._container.close()

    def _check(self):
        """Raises OSError if not all arrived."""
        av = import_av(self.path)
        with av.open(str(self._beside)) as container:
            found = container.streams.video[0].frames
        if found != self._count:
            raise OSError(
                f"Of {self._count} frames {found} were written to {self.path}. Is the"
                " disk full?"
            )


class _Sound:
    """The sound of a video, copied into another one beside its frames."""

    def __init__(self, like, container, path):
        self._source, self._packets, self._next = None, iter(()), None
        if not (like and like.sound):
            return
        lost = [codec for codec in like.sound if codec not in _SOUND]
        if lost:
            warnings.warn(
                f"The sound of {like.path} ({', '.join(lost)}) is not in {path}:"
                " an .mp4 that browsers play holds none of this kind. Convert it to"
                " AAC first if it is to be kept.",
                stacklevel=5,
            )
        self._container = container
        self._source = import_av(path).open(str(like.path))
        self._start = like.start
        kept = {
            stream: container.add_stream_from_template(stream)
            for stream in self._source.streams.audio
            if stream.codec_context.name in _SOUND
        }
        if kept:
            self._packets = self._read(kept)
            self._next = next(self._packets, None)

    def copy_until(self, time):
        """Copies what is heard before a time; all that is left for None."""
        while self._next is not None and (time is None or self._next[0] <= time):
            self._container.mux(self._next[1])
            self._next = next(self._packets, None)

    def close(self):
        if self._source is not None:
            self._source.close()

    def _read(self, kept):
        """Yields the time of each packet, and the packet for its new stream."""
        for packet in self._source.demux(list(kept)):
            if packet.pts is None:
                continue
            shift = round(self._start / packet.time_base)
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            time = packet.pts * packet.time_base
            packet.stream = kept[packet.stream]
            yield time, packet
