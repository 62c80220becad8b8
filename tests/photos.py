"""Pictures as cameras, scanners and drawing programs write them."""

import io

import numpy as np
from PIL import Image

ORIENTATION = 0x0112


def shades(height=48, width=80):
    """A drawn picture `[H, W, 3]` that is smooth, and different in each corner."""
    y, x = np.mgrid[:height, :width] / [[[height]], [[width]]]
    red, green, blue = 250 * x, 250 * y, 125 * (1 + np.sin(3 * x + 2 * y))
    return np.stack([red, green, blue], -1).astype(np.uint8)


def exif_block(tag, byte_order="<"):
    """The bytes of an EXIF block with an orientation among other entries."""
    exif = Image.Exif()
    exif.endian = byte_order
    exif[0x010F] = "a maker of cameras"
    exif[ORIENTATION] = tag
    exif[0x8298] = "somebody's"
    return exif.tobytes()


def encoded(pixels, kind="JPEG", **options):
    """The bytes of an image file."""
    file = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    if kind == "JPEG":
        options = {"quality": 95, **options}
    image.save(file, kind, **options)
    return file.getvalue()


def stored_turned(pixels, tag):
    """The pixels that a camera stores of an upright picture, with a tag."""
    steps = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    image = Image.fromarray(pixels)
    for step in steps.get(tag, ()):
        image = image.transpose(step)
    return np.asarray(image)


def photo(pixels, tag, byte_order="<", kind="JPEG", **options):
    """The file that a turned camera writes of an upright picture."""
    return encoded(
        stored_turned(pixels, tag), kind, exif=exif_block(tag, byte_order), **options
    )


def with_segments(jpeg, *segments):
    """A JPEG file with (marker, content) put before all others."""
    text = b"".join(
        marker.to_bytes(2, "big") + (len(content) + 2).to_bytes(2, "big") + content
        for marker, content in segments
    )
    return jpeg[:2] + text + jpeg[2:]
