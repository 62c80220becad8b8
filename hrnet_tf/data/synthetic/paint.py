"""Brushes of the embedded data set: textures and shaded body parts with labels.

Everything is painted twice at the same time: as colours into an RGB canvas and as
a code into a label canvas, so masks, occlusion and picture cannot disagree.
"""

import colorsys
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from PIL.Image import Image


TILE = 112
# A tile spans this part of the standing height, more than the longest body part.
TILE_SPAN = 0.56
_ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)


def random_color(
    rng: np.random.Generator,
    saturation: tuple[float, float] = (0.15, 0.9),
    value: tuple[float, float] = (0.2, 0.95),
) -> np.ndarray:
    """Returns a float64 `[3]` RGB colour 0..255, even over the hues."""
    hue, s, v = rng.random(), rng.uniform(*saturation), rng.uniform(*value)
    return 255 * np.array(colorsys.hsv_to_rgb(hue, s, v))


def smooth_noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    coarse: int,
    fine: int,
    amplitude: float,
) -> np.ndarray:
    """Returns float32 `[height, width]` clouds of two sizes and zero mean.

    `coarse` and `fine` count the cells along the longer side; either layer has a
    standard deviation from 0 to `amplitude`.
    """
    from PIL import Image

    def cells(count):
        shape = [max(2, round(count * side / max(height, width))) for side in size]
        noise = rng.standard_normal(shape, np.float32)
        return Image.fromarray(noise * np.float32(rng.uniform(0, amplitude)))

    size = (height, width)
    # Both layers meet on the fine grid: one large resize instead of two.
    small = cells(fine)
    large = cells(coarse).resize(small.size, Image.Resampling.BICUBIC)
    clouds = Image.fromarray(np.asarray(small) + np.asarray(large))
    return np.asarray(clouds.resize((width, height), Image.Resampling.BICUBIC))


def texture_tile(rng: np.random.Generator, kind: str | None = None) -> np.ndarray:
    """Draws a square of cloth.

    Args:
        rng: numpy.random.Generator.
        kind: str or None. "plain", "stripes", "bars", "checks", "dots" or
            "noise"; None draws one by chance.
    Returns:
        float32 `[TILE, TILE, 3]`, RGB around 0..255; rows run along a limb.
    """
    kinds = ("plain", "stripes", "bars", "checks", "dots", "noise")
    if kind is None:
        kind = str(rng.choice(kinds, p=(0.32, 0.18, 0.1, 0.14, 0.12, 0.14)))
    base, other = (random_color(rng).astype(np.float32) for _ in range(2))
    # Weave: even plain cloth is not one flat colour.
    weave = rng.standard_normal((TILE, TILE, 1), np.float32)
    weave *= np.float32(rng.uniform(1, 7))
    if kind == "plain":
        return base + weave
    if kind == "noise":
        weight = smooth_noise(rng, TILE, TILE, 8, int(rng.integers(16, 40)), 0.5)
        weight = np.clip(0.5 + weight, 0, 1)
    else:
        line = np.arange(TILE, dtype=np.float32) / np.float32(rng.uniform(7, 20)) % 1
        duty = rng.uniform(0.3, 0.6)
        along, across = line[:, None] < duty, line[None, :] < duty
        weight = {
            "stripes": along + np.zeros_like(across),
            "bars": across + np.zeros_like(along),
            "checks": (along.astype(np.float32) + across) / 2,
            "dots": np.hypot(line[:, None] - 0.5, line[None, :] - 0.5) < 0.32,
        }[kind]
    return base + (other - base) * weight.astype(np.float32)[..., None] + weave


def plain_tile(color: "ArrayLike") -> np.ndarray:
    """Returns a float32 `[TILE, TILE, 3]` tile of one colour."""
    tile = np.empty((TILE, TILE, 3), np.float32)
    tile[:] = color
    return tile


def sweep(
    centers: "ArrayLike", first_axes: "ArrayLike", second_axes: "ArrayLike"
) -> np.ndarray:
    """Outlines of a body that joins ellipses one after the other.

    Args:
        centers, first_axes, second_axes: float `[n, 2]`, conjugate half axes of
            every ellipse in canvas pixels.
    Returns:
        float64 `[max(n - 1, 1), 20, 2]`, one convex polygon for every pair of
        neighbours; their union is the outline of the body.
    """
    centers, first_axes, second_axes = (
        np.asarray(a, np.float64) for a in (centers, first_axes, second_axes)
    )
    first, second = first_axes @ _DIRECTIONS.T, second_axes @ _DIRECTIONS.T
    reach = np.sqrt(first**2 + second**2) + 1e-6
    points = (
        first[..., None] * first_axes[:, None]
        + second[..., None] * second_axes[:, None]
    ) / reach[..., None] + centers[:, None]
    return _join(points, centers @ _DIRECTIONS.T + reach)


def capsule(points: "ArrayLike", radii: "ArrayLike") -> np.ndarray:
    """`sweep` of circles: points `[n, 2]`, radii `[n]`, in canvas pixels."""
    points = np.asarray(points, np.float64)
    radii = np.maximum(np.asarray(radii, np.float64), 1.3)[:, None]
    outlines = points[:, None] + radii[..., None] * _DIRECTIONS
    return _join(outlines, points @ _DIRECTIONS.T + radii)


def _join(outlines, support):
    """Hulls of neighbours: in every direction the one that reaches farther."""
    if len(outlines) == 1:
        return outlines
    farther = (support[:-1] >= support[1:])[..., None]
    return np.where(farther, outlines[:-1], outlines[1:])


class Painter:
    """Paints shapes into a picture and into its label map.

    Args:
        canvas: PIL RGB image, painted in place.
        labels: PIL L image of the same size, painted in place.
        light: float pair, the direction of the light in the picture.
    """

    def __init__(
        self,
        canvas: "Image",
        labels: "Image",
        light: Sequence[float] | np.ndarray = (-0.6, -0.8),
    ) -> None:
        self.canvas = canvas
        self.labels = labels
        self.light = light

    def mask(self, polygons: np.ndarray) -> "tuple[int, int, Image] | None":
        """Rasterises polygons `[n, m, 2]` together.

        Returns:
            `(left, top, mask)` with a PIL L mask, or None outside the canvas.
        """
        from PIL import Image, ImageDraw

        points = polygons.reshape(-1, 2)
        low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        left, top = (max(math.floor(v) - 1, 0) for v in low)
        right, bottom = (
            min(math.ceil(v) + 2, side)
            for v, side in zip(high, self.canvas.size, strict=True)
        )
        if right <= left or bottom <= top:
            return None
        mask = Image.new("L", (right - left, bottom - top))
        draw = ImageDraw.Draw(mask)
        for polygon in polygons - (left, top):
            draw.polygon(polygon.ravel().tolist(), fill=255)
        return left, top, mask

    def paste(
        self, color: Any, masked: "tuple[int, int, Image]", code: int | None
    ) -> None:
        """Pastes a colour or an image through a result of `mask`."""
        left, top, mask = masked
        box = (left, top, left + mask.width, top + mask.height)
        self.canvas.paste(color, box, mask)
        if code is not None:
            self.labels.paste(code, box, mask)

    def flat(
        self,
        polygons: np.ndarray,
        color: Any,
        code: int | None = None,
        within: int | None = None,
    ) -> None:
        """Fills polygons `[n, m, 2]` with one colour; no code keeps the labels.

        With `within` only what carries that label is painted.
        """
        from PIL import Image, ImageChops

        masked = self.mask(np.asarray(polygons, np.float64))
        if masked is None:
            return
        left, top, mask = masked
        if within is not None:
            labels = self.labels.crop((left, top, left + mask.width, top + mask.height))
            same = Image.eval(labels, lambda value: 255 * (value == within))
            mask = ImageChops.darker(mask, same)
        color = tuple(int(c) for c in np.clip(color, 0, 255))
        self.paste(color, (left, top, mask), code)

    def cloth(
        self,
        polygons: np.ndarray,
        tile: np.ndarray,
        code: int | None,
        axis: Sequence[np.ndarray] | np.ndarray,
        radius: float,
        height: float,
    ) -> None:
        """Fills polygons with a tile that follows a limb, shaded as a cylinder.

        Args:
            polygons: float `[n, m, 2]` in canvas pixels.
            tile: float32 `[TILE, TILE, 3]`.
            code: int, the label.
            axis: pair of `[2]` points, the ends of the limb.
            radius: float, half the width of the limb in canvas pixels.
            height: float, the standing height in canvas pixels.
        """
        from PIL import Image

        masked = self.mask(polygons)
        if masked is None:
            return
        left, top, mask = masked
        start, end = (np.asarray(p, np.float64) for p in axis)
        along = end - start
        length = np.hypot(*along)
        # A limb that points at the viewer has no direction of its own.
        along = along / length if length > 1 else np.array([0.0, 1.0])
        across = np.array([along[1], -along[0]])
        scale = TILE / (TILE_SPAN * height)
        middle = (start + end) / 2
        reach = np.abs((polygons.reshape(-1, 2) - middle) @ np.array([along, across]).T)
        shaded, row, column = _shade(
            tile,
            scale * reach.max(axis=0),
            scale * radius,
            float(across @ self.light),
        )
        offset = np.array([left, top]) - middle
        cloth = Image.fromarray(shaded).transform(
            mask.size,
            Image.Transform.AFFINE,
            (
                *(scale * across),
                column + scale * (offset @ across),
                *(scale * along),
                row + scale * (offset @ along),
            ),
            Image.Resampling.BILINEAR,
        )
        self.paste(cloth, masked, code)


def _shade(tile, reach, radius, facing):
    """Darkens a tile towards the edges of a limb and away from the light.

    Returns the uint8 piece of the tile that the limb needs, and the row and the
    column of the tile's centre in it.
    """
    half = TILE // 2
    rows, columns = (min(half, int(r) + 3) for r in reach)
    piece = tile[half - rows : half + rows, half - columns : half + columns]
    v = np.arange(-columns, columns, dtype=np.float32) / np.float32(max(radius, 1e-3))
    v = np.clip(v, -1, 1)
    shade = 1.06 - 0.16 * v**2 - 0.26 * v**8 + np.float32(0.16 * facing) * v
    shaded = np.clip(piece * shade[None, :, None], 0, 255).astype(np.uint8)
    return shaded, rows, columns
