"""Pictures of segmented images: classes as colours, with a legend."""

from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.data.label_sets import IGNORE_LABEL
from hrnet_tf.pictures.sheet import to_pillow
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.tasks.segmentation.result import SegmentationMap


_BACKGROUND = (250, 250, 250)
_TEXT = (32, 34, 40)
# More names than these are summed up: they would be longer than the picture.
_MAX_NAMES = 30


def draw_segmentation(
    image: np.ndarray | PathLike,
    segmentation: "SegmentationMap",
    alpha: float = 0.6,
    legend: bool = True,
) -> np.ndarray:
    """Colours an image by the classes of its pixels.

    Pixels of which nothing is said keep their colours.

    Args:
        image: uint8 array `[H, W, 3]` RGB, or path of an image file. Not changed.
        segmentation: `SegmentationMap` of its size.
        alpha: float in 0..1. How much of the classes' colours is seen; 1 hides the
            image.
        legend: bool. Names the classes that occur below the picture, the largest first,
            with their share of the pixels.
    Returns:
        uint8 array `[H, W, 3]`; higher, and wider if the image is very narrow, by the
        legend.
    Raises:
        ValueError: if the image cannot be read, or has another size than the map.
    """
    canvas = _colored(to_pillow(image), segmentation, alpha)
    if legend:
        canvas = _with_legend(canvas, segmentation.shares, segmentation.label_set)
    return np.array(canvas)


def draw_comparison(
    image: np.ndarray | PathLike,
    labelled: "SegmentationMap",
    predicted: "SegmentationMap",
    alpha: float = 0.6,
    legend: bool = True,
) -> np.ndarray:
    """Draws an image, its labels and a prediction side by side.

    Args:
        image: uint8 array `[H, W, 3]` RGB, or path of an image file. Not changed.
        labelled, predicted: `SegmentationMap` of its size.
        alpha, legend: see `draw_segmentation`; the shares are the labelled ones, and
            predicted classes that are not labelled come last.
    Returns:
        uint8 array: three pictures in a row, or one above the other if the image is
        wider than 1.6 times its height.
    Raises:
        ValueError: see `draw_segmentation`.
    """
    from PIL import Image

    picture = to_pillow(image)
    parts = [
        picture,
        _colored(picture, labelled, alpha),
        _colored(picture, predicted, alpha),
    ]
    gap = max(min(picture.size) // 60, 4)
    if picture.width > 1.6 * picture.height:
        step = np.array([0, picture.height + gap])
    else:
        step = np.array([picture.width + gap, 0])
    size = 2 * step + picture.size
    canvas = Image.new("RGB", tuple(size.tolist()), _BACKGROUND)
    for i, part in enumerate(parts):
        canvas.paste(part, tuple((i * step).tolist()))
    if legend:
        shares = labelled.shares
        shares |= {name: 0.0 for name in predicted.shares if name not in shares}
        canvas = _with_legend(canvas, shares, labelled.label_set)
    return np.array(canvas)


def _colored(picture, segmentation, alpha):
    from PIL import Image

    height, width = segmentation.labels.shape
    if picture.size != (width, height):
        raise ValueError(
            f"The image has {picture.width}x{picture.height} pixels (width x height),"
            f" but its map of classes {width}x{height}. Pass the image that was"
            " segmented."
        )
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be in 0..1. Received: alpha={alpha}.")
    colors = np.zeros((256, 3), np.uint8)
    colors[: segmentation.label_set.num_classes] = segmentation.label_set.palette
    mask = Image.fromarray(segmentation.labels)
    opacity = [round(255 * alpha)] * 256
    opacity[IGNORE_LABEL] = 0
    indexed = mask.copy()
    indexed.putpalette(colors.ravel().tolist())
    return Image.composite(indexed.convert("RGB"), picture, mask.point(opacity))


def _with_legend(canvas, shares, label_set):
    """Puts the names of classes below a picture, in as many columns as there is room.

    Args:
        canvas: Pillow image.
        shares: dict from a class's name to its share of the pixels.
        label_set: `LabelSet`.
    Returns:
        Pillow image.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not shares:
        return canvas
    # Grows with the picture, which is looked at as a whole.
    text_size = int(np.clip(np.sqrt(canvas.width * canvas.height) / 38, 13, 160))
    font = ImageFont.load_default(text_size)
    colors = dict(zip(label_set.classes, label_set.palette, strict=True))
    entries = [
        (f"{name}  {share:.1%}", colors[name])
        for name, share in list(shares.items())[:_MAX_NAMES]
    ]
    if len(shares) > _MAX_NAMES:
        entries.append((f"and {len(shares) - _MAX_NAMES} more", _BACKGROUND))
    gap = text_size // 2
    swatch = round(1.1 * text_size)
    column = max(font.getlength(text) for text, _ in entries) + swatch + 3 * gap
    columns = int(np.clip((canvas.width - gap) // column, 1, len(entries)))
    rows = -(-len(entries) // columns)
    row = round(1.5 * text_size)
    width = max(canvas.width, round(column) + gap)
    height = canvas.height + rows * row + 2 * gap
    sheet = Image.new("RGB", (width, height), _BACKGROUND)
    sheet.paste(canvas, ((width - canvas.width) // 2, 0))
    draw = ImageDraw.Draw(sheet)
    for i, (text, color) in enumerate(entries):
        left = gap + (i // rows) * column
        middle = canvas.height + gap + (i % rows + 0.5) * row
        box = [left, middle - swatch / 2, left + swatch, middle + swatch / 2]
        draw.rectangle(box, fill=color)
        draw.text((left + swatch + gap, middle), text, _TEXT, font, anchor="lm")
    return sheet
