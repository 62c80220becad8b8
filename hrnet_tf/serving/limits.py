"""What a server takes on, and how it says no."""

import dataclasses
import io
from collections.abc import Sequence
from typing import Any

from hrnet_tf.io import noted_orientation, open_image

# What the exported graphs decode, by Pillow's names.
FORMATS = ("JPEG", "PNG", "GIF", "BMP")
_JPEG = b"\xff\xd8"
# Bytes that a segmenter's result may take before it is reduced to labels.
_LOGITS_BYTES = 2_000_000_000


class Refused(Exception):
    """A request that is not answered with a result.

    Args:
        status: int, of HTTP.
        text: str. What arrived, what was expected.
        retry_after: int or None. Seconds after which it may be tried again.
        reason: str. A word for the metrics.
    """

    def __init__(
        self,
        status: int,
        text: str,
        retry_after: int | None = None,
        reason: str = "bad_request",
    ) -> None:
        super().__init__(text)
        self.status, self.text, self.reason = status, text, reason
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """dict of the answer's headers."""
        found = {}
        if self.retry_after is not None:
            found["Retry-After"] = str(self.retry_after)
        if self.status in (408, 413):
            # What is left of the body is not wanted.
            found["Connection"] = "close"
        return found


@dataclasses.dataclass(frozen=True)
class Limits:
    """Bounds of what a server takes on.

    Attributes:
        max_body: int, bytes of a request.
        max_pixels: int. Pixels of all images of a request together, as they are decoded
            or given.
        max_images: int. Images of a request.
        max_boxes: int. Boxes of a request, all images together.
        max_waiting: int. Requests that wait for the model or run. Further ones are
            answered with 429 and Retry-After.
        body_seconds: float. How long a request's body may take to arrive.
        header_seconds: float. How long its headers may.
    """

    max_body: int = 16_000_000
    max_pixels: int = 25_000_000
    max_images: int = 32
    max_boxes: int = 64
    max_waiting: int = 64
    body_seconds: float = 30.0
    header_seconds: float = 10.0

    @property
    def max_uploads(self) -> int:
        """int: requests whose bodies arrive at once."""
        return 4 * self.max_waiting

    @property
    def max_held(self) -> int:
        """int: bytes of all the bodies that are held at once."""
        return 16 * self.max_body

    def check_images(self, files: Sequence[bytes]) -> list[tuple[int, int]]:
        """Checks image files by their headers, before anything is decoded.

        Args:
            files: sequence of bytes.
        Returns:
            list of (height, width), of the upright images.
        Raises:
            Refused: if one is no image or cut short, or there are too many images or
                pixels.
        """
        if len(files) > self.max_images:
            raise Refused(
                413,
                f"The request holds {len(files)} images. Expected at most"
                f" {self.max_images}: send the others in further requests.",
                reason="images",
            )
        sizes, total = [], 0
        for number, content in enumerate(files):
            height, width = _image_size(content, number)
            total += height * width
            self.check_pixels(total)
            _check_whole(content, number)
            sizes.append((height, width))
        return sizes

    def check_pixels(self, count: int) -> None:
        """Raises Refused if a request has too many pixels (int)."""
        if count > self.max_pixels:
            raise Refused(
                413,
                f"The images of the request have {count:,} pixels or more. Expected at"
                f" most {self.max_pixels:,}: send smaller ones.",
                reason="pixels",
            )

    def check_boxes(self, count: int) -> None:
        """Raises Refused if a request has too many boxes (int)."""
        if count > self.max_boxes:
            raise Refused(
                413,
                f"The request holds {count} boxes. Expected at most {self.max_boxes}:"
                " send the others in further requests.",
                reason="boxes",
            )


def default_max_pixels(description: dict[str, Any]) -> int:
    """Returns how many pixels a model's server takes where nothing is said (int).

    Segmenters hold 4 bytes a pixel and class before these become labels.

    Args:
        description: dict, of the model's inference.
    """
    most = Limits.max_pixels
    if description["task"] != "segmentation":
        return most
    return min(most, _LOGITS_BYTES // (4 * max(description["num_classes"], 1)))


def _image_size(content, number):
    """(height, width) of an image file, as viewers show it."""
    try:
        with open_image(io.BytesIO(content), FORMATS) as image:
            width, height = image.size
            orientation = noted_orientation(image.info.get("exif"))
    # Pillow's readers of damaged headers raise errors of many kinds.
    except Exception as error:
        raise _no_image(content, number, error) from error
    return (width, height) if orientation >= 5 else (height, width)


def _check_whole(content, number):
    """Refuses an image file that is cut short, before TensorFlow sees it.

    Of each operation that fails TensorFlow keeps some of the memory (0.7 KB in 2.21),
    and pieces like these, beside the images that were begun, keep all of that memory
    from being used again.
    """
    if looks_whole(content):
        return
    try:
        if content.startswith(_JPEG):
            # Without its end mark; Pillow would take it, and TensorFlow would not.
            raise ValueError("it is cut short: it lacks the mark that ends a JPEG")
        with open_image(io.BytesIO(content), FORMATS) as image:
            image.load()
    except Exception as error:
        raise _no_image(content, number, error) from error


def looks_whole(content: bytes) -> bool:
    """Returns whether an image file has its end; others may still be complete.

    Args:
        content: bytes of a file of `FORMATS`.
    """
    if content.startswith(_JPEG):
        # Previews have ends of their own, before the image begins.
        return content.find(b"\xff\xd9", _jpeg_scan(content)) >= 0
    if content.startswith(b"\x89PNG"):
        return b"IEND\xaeB`\x82" in content
    if content.startswith(b"BM"):
        return len(content) >= int.from_bytes(content[2:6], "little")
    return content.rstrip(b"\0").endswith(b";")


def _jpeg_scan(content):
    """Where the first scan of a JPEG file begins; its end if there is none."""
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xDA:
            return place
        if marker == 0xFF:
            # Segments may be filled up.
            place += 1
            continue
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
    return len(content)


def _no_image(content, number, error):
    return Refused(
        400,
        f"Image {number} of the request ({len(content)} bytes) is no file of"
        f" {', '.join(FORMATS)}, or damaged: {_first_line(error)}",
        reason="image",
    )


def _first_line(error):
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "its first bytes are of another format"
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:200]
