"""A small classified data set of drawn shapes."""

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("circle", "square", "stripes")


def draw_shape(name, seed, size=(48, 40)):
    """A picture (width, height) of one class, in random colours."""
    rng = np.random.default_rng(seed)
    dark, light = rng.integers(0, 90, 3), rng.integers(160, 255, 3)
    image = Image.new("RGB", size, tuple(map(int, light)))
    draw, (width, height) = ImageDraw.Draw(image), size
    x, y = rng.integers(2, width // 4), rng.integers(2, height // 4)
    box, fill = [x, y, x + width // 2, y + height // 2], tuple(map(int, dark))
    if name == "circle":
        draw.ellipse(box, fill=fill)
    elif name == "square":
        draw.rectangle(box, fill=fill)
    else:
        for row in range(0, height, 8):
            draw.rectangle([0, row, width, row + 3], fill=fill)
    return image


def draw_folder(folder, num_images, classes=CLASSES, first_seed=0):
    """Writes folder/<class>/<number>.jpg."""
    for place, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for number in range(num_images):
            seed = first_seed + 1000 * place + number
            path = folder / name / f"{number:03d}.jpg"
            draw_shape(name, seed).save(path, quality=95)
    return folder


def draw_data_set(folder, num_train=8, num_val=4):
    """Writes train/ and val/ in ImageNet's layout."""
    draw_folder(folder / "train", num_train)
    draw_folder(folder / "val", num_val, first_seed=500)
    return folder
