"""Writes scikit-learn's handwritten digits as pictures, a folder a class.

    python benchmarks/digit_pictures.py DATA

They are 1,797 digits of 13 writers in 8x8 shades (E. Alpaydin and C. Kaynak, Optical
Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
doi.org/10.24432/C50P49, CC BY 4.0), here dark on light as ink on paper, enlarged to
48x48 in the middle of 64x64. Every fifth of a class is put aside for validation; who
wrote which is not known.
"""

import collections
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

_SIZE, _INK_SIZE = (64, 64), (48, 48)
_WHITE, _SHADES = 255, 16
_HELD_OUT = 5


def picture(shades: np.ndarray) -> Image.Image:
    """Returns a digit, float `[8, 8]` of 0 to 16, as a picture of 64x64."""
    ink = np.round(_WHITE * (1 - shades / _SHADES)).astype(np.uint8)
    drawn = Image.fromarray(ink).resize(_INK_SIZE, Image.Resampling.BICUBIC)
    paper = Image.new("RGB", _SIZE, (_WHITE,) * 3)
    margin = (_SIZE[0] - _INK_SIZE[0]) // 2
    paper.paste(drawn, (margin, margin))
    return paper


def write(folder: Path) -> collections.Counter:
    """Writes all digits below a folder; returns how many there are of each split."""
    counts, seen = collections.Counter(), collections.Counter()
    digits = load_digits()
    for shades, digit in zip(digits.images, digits.target, strict=True):
        split = "val" if seen[digit] % _HELD_OUT == 0 else "train"
        path = folder / split / str(digit) / f"{seen[digit]:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(shades).save(path)
        seen[digit] += 1
        counts[split] += 1
    return counts


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: digit_pictures.py DATA")
    found = write(Path(sys.argv[1]))
    print(f"{sys.argv[1]}: {found['train']} for training, {found['val']} put aside")
