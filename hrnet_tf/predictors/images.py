"""Images for the predictors, from files, bytes or arrays."""

import os
from pathlib import Path

import numpy as np
import tensorflow as tf


def read_image(image):
    """Reads an image as all predictors do.

    Args:
        image: path of a JPEG or PNG file, its bytes, or a uint8 array `[H, W, 3]`, RGB.
            An orientation noted in EXIF is not applied.
    Returns:
        The pixels, uint8 `[H, W, 3]`, and what to call the image in errors (str).
    Raises:
        ValueError: if it is none of these, or no complete file.
    """
    if isinstance(image, (str, os.PathLike)):
        name = os.fspath(image)
        if not os.path.isfile(name):
            raise ValueError(f"There is no image file {name}.")
        return _decode(Path(name).read_bytes(), name), name
    if isinstance(image, bytes):
        return _decode(image, "The image"), "the image"
    pixels = np.asarray(image)
    shape = pixels.shape
    if pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(
            "Expected an image: a path, the bytes of a file, or a uint8 array [H, W, 3]"
            f" in RGB. Received: {type(image).__name__} of dtype {pixels.dtype} and"
            f" shape {shape}."
        )
    return pixels, "the image"


def path_of(image):
    """Returns the path of an image that was given as one (str), or None."""
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else None


def _decode(content, name):
    """Decodes all of a file, which finds out whether it is complete."""
    try:
        if content[:2] == b"\xff\xd8":
            # As training decodes: the fast way differs by some grey levels.
            pixels = tf.io.decode_jpeg(
                content, channels=3, dct_method="INTEGER_ACCURATE"
            )
        else:
            pixels = tf.io.decode_image(content, channels=3, expand_animations=False)
    except tf.errors.InvalidArgumentError as error:
        raise ValueError(
            f"{name} ({len(content)} bytes) is no complete JPEG or PNG file:"
            f" {error.message}"
        ) from error
    return pixels.numpy()
