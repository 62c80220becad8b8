"""Frames from video files and back, by OpenCV. Needs the extra "video"."""

import sys
import warnings
from pathlib import Path

from hrnet_tf.extras import import_extra
from hrnet_tf.io import replacing

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")


def _opencv(path):
    return import_extra("cv2", f"The video {path}")


class VideoReader:
    """The frames of a video file, in order.

        with VideoReader("walk.mp4") as frames:
            for frame in frames: ...

    Args:
        path: str or path.
    Attributes:
        frames_per_second: float.
        num_frames: int, what the file says; some files say it wrong.
    Raises:
        ValueError: if there is no such file, or no frame can be read from it.
    """

    def __init__(self, path):
        cv2 = _opencv(path)
        self.path = Path(path)
        if not self.path.is_file():
            raise ValueError(f"There is no video file {path}.")
        self._capture = cv2.VideoCapture(str(path))
        read, self._first = self._capture.read()
        if not read:
            self._capture.release()
            raise ValueError(
                f"{path} ({self.path.stat().st_size} bytes) holds no frame that OpenCV"
                " can read. Convert it, for instance to H.264 in an .mp4."
            )
        # Some containers have no rate; 25 is as good as any.
        self.frames_per_second = self._capture.get(cv2.CAP_PROP_FPS) or 25.0
        self.num_frames = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def __iter__(self):
        cv2 = _opencv(self.path)
        frame, count = self._first, 0
        while frame is not None:
            count += 1
            yield cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
            read, frame = self._capture.read()
            frame = frame if read else None
        # Containers err by a few frames.
        if count < 0.95 * self.num_frames:
            warnings.warn(
                f"{self.path}: only {count} of {self.num_frames} frames could be read;"
                " the file is damaged or cut short.",
                stacklevel=2,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._capture.release()


class VideoWriter:
    """Writes frames as an .mp4 file, complete or not at all.

    Args:
        path: str or path ending in .mp4; folders are made.
        frames_per_second: float.
    Raises:
        ValueError: for another ending, or if OpenCV cannot write here.
    """

    def __init__(self, path, frames_per_second):
        self.path = Path(path)
        if self.path.suffix.lower() != ".mp4":
            raise ValueError(
                f"{path} ends in {self.path.suffix!r}; videos are written as .mp4."
            )
        self._rate = frames_per_second
        self._writer = None
        self._size = None
        self._count = 0
        self._place = replacing(self.path)
        self._beside = None

    def write(self, frame):
        """Adds a frame, uint8 `[H, W, 3]` RGB, of the size of the first one."""
        cv2 = _opencv(self.path)
        height, width = (side + side % 2 for side in frame.shape[:2])
        if self._writer is None:
            self._beside = self._place.__enter__()
            self._size = frame.shape[:2]
            code = cv2.VideoWriter_fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(
                str(self._beside), code, self._rate, (width, height)
            )
            if not self._writer.isOpened():
                raise ValueError(f"OpenCV cannot write a video to {self.path}.")
        if frame.shape[:2] != self._size:
            raise ValueError(
                f"A frame of {frame.shape[:2]} pixels (height, width) does not fit into"
                f" {self.path}, whose first one had {self._size}."
            )
        # Most codecs need even sides.
        below, right = height - frame.shape[0], width - frame.shape[1]
        frame = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        self._count += 1
        self._writer.write(
            cv2.copyMakeBorder(frame, 0, below, 0, right, cv2.BORDER_REPLICATE)
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._writer is None:
            return
        self._writer.release()
        try:
            if error[0] is None:
                self._check()
        except OSError:
            self._place.__exit__(*sys.exc_info())
            raise
        self._place.__exit__(*error)

    def _check(self):
        """Raises OSError if not all arrived: OpenCV does not tell of a full disk."""
        cv2 = _opencv(self.path)
        capture = cv2.VideoCapture(str(self._beside))
        found = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        capture.release()
        if found != self._count:
            raise OSError(
                f"Of {self._count} frames {found} were written to {self.path}. Is the"
                " disk full?"
            )
