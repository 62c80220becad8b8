"""Folders of pictures with masks, and of classes."""

import numpy as np
from PIL import Image


def draw_masks(folder):
    """Pictures with a bright square, and masks of 0 and 255."""
    for i in range(10):
        pixels = np.full((64, 64, 3), 20 + 4 * i, np.uint8)
        mask = np.zeros((64, 64), np.uint8)
        pixels[8 : 40 + i, 8:40] = 230
        mask[8 : 40 + i, 8:40] = 255
        for name, array in (("images", pixels), ("masks", mask)):
            path = folder / name / f"{i}.png"
            path.parent.mkdir(exist_ok=True, parents=True)
            Image.fromarray(array).save(path)


def draw_classes(folder):
    for i in range(20):
        pixels = np.full((64, 64, 3), 20 + 4 * i, np.uint8)
        pixels[8:40, 8 : 20 + 20 * (i % 2)] = 230
        path = folder / ("thin", "thick")[i % 2] / f"{i}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(pixels).save(path)
