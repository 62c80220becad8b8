"""Labelled frames of videos, as image files."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.io import write_file


class VideoFrames:
    """The frames of a video that have labels, written as PNGs when one is needed.

    Args:
        source: `Path` of the annotations, for messages.
        name: str. What the annotations call the video.
        read: function from an ascending list of frame numbers, from 0, to an iterator
            of pairs (number, uint8 `[H, W, 3]`) of those that there are; it may raise
            `BadExample`.
        work: `Path` of the folder to write to, or None where the user gave none.
    """

    def __init__(
        self, source: Path, name: str, read: Callable, work: Path | None
    ) -> None:
        self._source, self._name, self._read, self._work = source, name, read, work
        self._wanted: set = set()
        self._written: dict | None = None

    def want(self, number: int) -> Callable:
        """Returns the function that finds the image file of a frame."""
        self._wanted.add(number)
        return lambda: self._find(number)

    def _find(self, number: int) -> Path:
        if self._written is None:
            self._written = self._write()
        if number not in self._written:
            raise BadExample(
                "absent frame",
                f"{self._source} has labels of frame {number} (from 0) of"
                f" {self._name}, which has no such frame.",
            )
        return self._written[number]

    def _write(self) -> dict:
        if self._work is None:
            raise ValueError(
                f"{self._source} labels frames of {self._name}, which are to be written"
                " as pictures: pass `work`, a folder for them."
            )
        folder = self._work / "frames" / safe_name(self._name)
        written = {}
        for number, pixels in self._read(sorted(self._wanted)):
            written[number] = folder / f"{number:06d}.png"
            write_png(written[number], pixels)
        return written


def frames_of_file(path: Path, numbers: Iterable[int]) -> Iterator[tuple]:
    """Yields numbers and pixels of the frames of a video file, in one pass.

    Args:
        path: `Path` of a video.
        numbers: ascending ints, from 0.
    """
    from hrnet_tf.pictures.video import VideoReader

    wanted = set(numbers)
    with VideoReader(path) as reader:
        for number, pixels in enumerate(reader):
            if number in wanted:
                yield number, pixels
                wanted.discard(number)
                if not wanted:
                    return


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Writes uint8 `[H, W]`, `[H, W, 1]` or `[H, W, 3]` as a PNG."""
    from PIL import Image

    picture = Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)
    write_file(path, lambda file: picture.save(file, format="PNG"))


def safe_name(name: str) -> str:
    """Returns what a folder can be called, of a path of any system."""
    parts = [p for p in name.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    return "_".join(parts[-2:]).replace(":", "_") or "video"
