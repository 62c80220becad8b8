"""Label maps of squares and discs, drawn with their images for tests."""

import json

import numpy as np
from PIL import Image

SIZE = (64, 96)
IGNORED = 9
COLOURS = np.array([(90, 120, 90), (200, 60, 60), (60, 60, 210)])


def draw_labels(folder, num_train=4, num_val=2):
    """Draws a data set whose label maps ignore a strip at the top.

    Returns:
        The folder, with {train,val}/, {train,val}annot/ and labels.json.
    """
    description = {"name": "shapes", "classes": ["ground", "square", "disc"]}
    description["ignored_ids"] = [IGNORED]
    (folder / "labels.json").write_text(json.dumps(description))
    for seed, (split, count) in enumerate((("train", num_train), ("val", num_val))):
        (folder / split).mkdir(parents=True)
        (folder / f"{split}annot").mkdir()
        for index in range(count):
            image, labels = draw(np.random.default_rng((seed, index)))
            image.save(folder / split / f"{index}.png")
            labels.save(folder / f"{split}annot" / f"{index}.png")
    return folder


def draw(rng):
    """Draws an image and its label map, which are returned."""
    labels = np.zeros(SIZE, np.uint8)
    top, left = rng.integers(6, 40), rng.integers(0, 70)
    labels[top : top + 21, left : left + 21] = 1
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    labels[np.hypot(y - rng.integers(20, 50), x - rng.integers(20, 80)) < 16] = 2
    pixels = COLOURS[labels] + rng.integers(-30, 30, (*SIZE, 3))
    labels[:6] = IGNORED
    return Image.fromarray(pixels.astype(np.uint8)), Image.fromarray(labels)
