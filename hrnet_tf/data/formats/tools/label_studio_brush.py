"""Masks of Label Studio's brush: numbers of a given width, in runs.

Reference: label-studio-sdk, label_studio_sdk.converter.brush, whose `decode_rle` says
what the stream means.
"""

import numpy as np

from hrnet_tf.data.bad_examples import BadExample


def mask_of(rle: list, size: tuple, name: str) -> np.ndarray:
    """Decodes a mask.

    Args:
        rle: list of int, 0..255: the bytes of the stream.
        size: (height, width) in px.
        name: str. The picture, for messages.
    Returns:
        bool `[height, width]`, True where something was painted.
    Raises:
        BadExample: if the stream ends early or is of another size.
    """
    try:
        bits = np.unpackbits(np.asarray(rle, np.uint8))
        count, _ = _number(bits, 0, 32)
        # Looked at first: a wrong one would take all memory.
        values = _decode(bits) if count == 4 * size[0] * size[1] else None
    except (IndexError, OverflowError, TypeError, ValueError) as error:
        raise BadExample(
            "wrong mask", f"{name}: a brush's mask cannot be decoded: {error}."
        ) from error
    if values is None:
        raise BadExample(
            "wrong mask",
            f"{name}: a brush's mask has {count} values; a picture of"
            f" {size[1]}x{size[0]} pixels has {4 * size[0] * size[1]}.",
        )
    # Red, green, blue and how opaque it is.
    return values.reshape(*size, 4)[..., 3] > 0


def _decode(bits):
    count, place = _number(bits, 0, 32)
    width, place = _number(bits, place, 5)
    width += 1
    lengths = []
    for _ in range(4):
        length, place = _number(bits, place, 4)
        lengths.append(length + 1)
    if width != 8:
        raise ValueError(f"its values are of {width} bits")
    values = np.zeros(count, np.uint8)
    done = 0
    while done < count:
        repeated, place = _number(bits, place, 1)
        which, place = _number(bits, place, 2)
        run, place = _number(bits, place, lengths[which])
        run += 1
        words = 1 if repeated else run
        end = place + words * width
        if end > len(bits) or done + run > count:
            raise ValueError(f"it ends after {done} of {count} values")
        values[done : done + run] = np.packbits(bits[place:end])
        place, done = end, done + run
    return values


def _number(bits, place, width):
    """The number of some bits, and the place behind them."""
    if place + width > len(bits):
        raise ValueError("it is cut short")
    number = 0
    for bit in bits[place : place + width].tolist():
        number = 2 * number + bit
    return number, place + width
