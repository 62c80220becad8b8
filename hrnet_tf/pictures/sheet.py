"""What all pictures are made with: reading, fitting, arranging and writing."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.io import read_image, write_file
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from PIL.Image import Image


def contact_sheet(
    images: Sequence[np.ndarray | PathLike],
    columns: int = 4,
    captions: Sequence[str] | None = None,
    cell_size: tuple[int, int] = (240, 240),
) -> np.ndarray:
    """Arranges images in a grid, each fitted into a cell of the same size.

    Args:
        images: sequence of uint8 arrays `[H, W, 3]` or paths; sizes may differ.
        columns: int, images in a row.
        captions: sequence of str or None, written below the images and cut where they
            do not fit.
        cell_size: `(height, width)` in pixels of the room for each image.
    Returns:
        uint8 array `[H, W, 3]`.
    Raises:
        ValueError: for no images, or another number of captions.
    """
    from PIL import Image, ImageDraw, ImageFont

    images = list(images)
    if not images or columns < 1:
        raise ValueError(
            f"A contact sheet needs images and columns. Received {len(images)} images"
            f" and columns={columns}."
        )
    if captions is not None and len(captions) != len(images):
        raise ValueError(
            f"Expected one caption an image. Received {len(captions)} captions for"
            f" {len(images)} images."
        )
    (height, width), gap = cell_size, 8
    font = ImageFont.load_default(14)
    room = 22 if captions is not None else 0
    fitted = [_fit(to_pillow(image), width, height) for image in images]
    columns = min(columns, len(images))
    # A row is as high as its highest image: pictures wider than a cell leave no gaps.
    heights = [
        max(image.height for image in fitted[i : i + columns])
        for i in range(0, len(fitted), columns)
    ]
    total = sum(row + room + gap for row in heights) + gap
    sheet = Image.new("RGB", (columns * (width + gap) + gap, total), (250, 250, 250))
    draw = ImageDraw.Draw(sheet)
    for i, image in enumerate(fitted):
        row, column = divmod(i, columns)
        left = gap + column * (width + gap)
        bottom = gap + sum(heights[: row + 1]) + row * (room + gap)
        sheet.paste(image, (left + (width - image.width) // 2, bottom - image.height))
        if captions is not None:
            text = cut_text(str(captions[i]), font, width)
            middle = (left + width / 2, bottom + room / 2)
            draw.text(middle, text, (40, 40, 40), font, anchor="mm")
    return np.array(sheet)


def save_image(image: np.ndarray, path: PathLike) -> None:
    """Writes an image file, complete or not at all, creating folders.

    Args:
        image: uint8 array `[H, W, 3]` RGB.
        path: str or path ending in .png, .jpg or .jpeg.
    Raises:
        ValueError: for another ending or another kind of array.
    """
    path = Path(path)
    formats = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
    if path.suffix.lower() not in formats:
        raise ValueError(
            f"{path} ends in {path.suffix!r}; images are written as {list(formats)}."
        )
    picture = to_pillow(image)
    # 4:4:4: halving the colours' resolution blurs thin coloured lines.
    options = {"quality": 92, "subsampling": 0} if path.suffix.lower() != ".png" else {}
    write_file(
        path,
        lambda file: picture.save(file, format=formats[path.suffix.lower()], **options),
    )


def to_pillow(image: np.ndarray | PathLike) -> "Image":
    """Returns a fresh RGB Pillow image.

    Args:
        image: uint8 array `[H, W, 3]` in RGB, or the path of an image file.
    Raises:
        ValueError: if it is neither, or the file cannot be read.
    """
    from PIL import Image

    if isinstance(image, (str, os.PathLike)):
        return Image.fromarray(read_image(image)[0])
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise ValueError(
            "Expected a uint8 array [H, W, 3] RGB or a path. Received"
            f" {array.dtype} of shape {array.shape}."
        )
    return Image.fromarray(np.ascontiguousarray(array))


def cut_text(text: str, font: Any, width: float) -> str:
    """Cuts a text where it would be wider than a number of pixels.

    Args:
        text: str.
        font: Pillow font.
        width: float, px.
    Returns:
        str, with an ellipsis where something was cut.
    """
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _fit(image, width, height):
    """Resizes an image to the largest size within `width` x `height`."""
    from PIL import Image

    scale = min(width / image.width, height / image.height)
    size = [max(1, round(side * scale)) for side in image.size]
    return image.resize(size, Image.Resampling.LANCZOS)
