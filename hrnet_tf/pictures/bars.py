"""Pictures of classified images."""

from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.pictures.sheet import cut_text, to_pillow
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.tasks.classification.result import Classification


_SIDE = 320
_ROW = 26
_BAR = (64, 132, 208)
_TRACK = (228, 230, 234)
_TEXT = (32, 34, 40)


def draw_classification(
    image: np.ndarray | PathLike, classification: "Classification"
) -> np.ndarray:
    """Draws an image, and beside it the likeliest classes as bars.

    Args:
        image: uint8 array `[H, W, 3]` RGB, or path of an image file. Not changed.
        classification: `Classification`.
    Returns:
        uint8 array `[320, 720, 3]`; higher with more than eleven classes.
    Raises:
        ValueError: if the image cannot be read or is not uint8 RGB.
    """
    from PIL import Image, ImageDraw, ImageFont, ImageOps

    picture = ImageOps.contain(to_pillow(image), (_SIDE, _SIDE))
    height = max(_SIDE, _ROW * len(classification) + 20)
    width, left = _SIDE + 400, _SIDE + 16
    sheet = Image.new("RGB", (width, height), (250, 250, 250))
    sheet.paste(picture, ((_SIDE - picture.width) // 2, (height - picture.height) // 2))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    names = classification.names or [f"class {n}" for n in classification.labels]
    top = (height - _ROW * len(names)) // 2
    bar_left, bar_right = left + 180, width - 64
    rows = zip(names, classification.probabilities, strict=True)
    for row, (name, probability) in enumerate(rows):
        y = top + row * _ROW + _ROW / 2
        draw.text((left, y), cut_text(name, font, 172), _TEXT, font, anchor="lm")
        draw.rectangle([bar_left, y - 8, bar_right, y + 8], fill=_TRACK)
        share = min(max(float(probability), 0.0), 1.0)
        end = bar_left + round(share * (bar_right - bar_left))
        if end > bar_left:
            draw.rectangle([bar_left, y - 8, end, y + 8], fill=_BAR)
        text = f"{probability:.1%}"
        draw.text((bar_right + 8, y), text, _TEXT, font, anchor="lm")
    return np.array(sheet)
