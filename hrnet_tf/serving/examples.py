"""Inputs that a model takes: for its first run, and for warm-up records."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hrnet_tf.tasks.exported import Input

# Of images that may have any: height and width, px.
_SIZE = (256, 192)


def example_inputs(
    inputs: "Mapping[str, Input]",
    description: Mapping[str, Any],
    count: int = 1,
    images: Sequence[np.ndarray] = (),
) -> dict[str, np.ndarray]:
    """Returns inputs that a signature takes.

    Args:
        inputs: mapping of name to `Input`.
        description: mapping, of the model's inference.
        count: int. Rows.
        images: sequence of uint8 arrays `[H, W, 3]`, which are taken in turn; none: a
            drawn one.
    Returns:
        dict of arrays: files of the images, the images in the input's own size, and a
        box round each.
    Raises:
        ValueError: for an input of another kind.
    """
    images = list(images) or [drawn_image(_size_of(description))]
    chosen = [images[i % len(images)] for i in range(count)]
    found = {}
    for name, one in inputs.items():
        rank = len(one.shape)
        if one.dtype == "string" and rank == 1:
            found[name] = np.empty(count, object)
            found[name][:] = [encoded(image) for image in chosen]
        elif rank == 4 and one.shape[3] == 3:
            size = tuple(
                known or own
                for known, own in zip(
                    one.shape[1:3], _size_of(description), strict=True
                )
            )
            pixels = np.stack([_resized(image, size) for image in chosen])
            found[name] = pixels.astype(one.dtype)
        elif rank == 3 and one.shape[2] == 4:
            boxes = [[0, 0, image.shape[1], image.shape[0]] for image in chosen]
            found[name] = np.array(boxes, one.dtype)[:, None]
        else:
            raise ValueError(f"No example is known of the input {name!r}, {one}.")
    return found


def drawn_image(size: tuple[int, int]) -> np.ndarray:
    """Returns a smooth coloured picture, uint8 `[H, W, 3]`.

    Args:
        size: (height, width).
    """
    y, x = np.meshgrid(*(np.linspace(0, 1, side) for side in size), indexing="ij")
    waves = [np.sin(9 * x + 4 * y), np.cos(7 * y), np.sin(5 * x * y + 1)]
    return np.stack([127 + 120 * wave for wave in waves], -1).astype(np.uint8)


def encoded(image: np.ndarray, kind: str = "JPEG") -> bytes:
    """Returns an image, uint8 `[H, W, 3]`, as the bytes of a file.

    Args:
        image: array.
        kind: str, Pillow's name of the format, such as "JPEG" or "PNG".
    """
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, kind, quality=90)
    return file.getvalue()


def _size_of(description):
    """The size of a model's images, or one where it takes any."""
    size = description.get("image_size") or _SIZE
    return tuple(size)


def _resized(image, size):
    from PIL import Image

    if image.shape[:2] == tuple(size):
        return image
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BOX))
