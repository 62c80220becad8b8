"""Lines and discs with smooth edges, drawn on a picture."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

# Pillow draws without antialiasing: everything is drawn up to 4 times as large, on a
# layer of at most this many pixels (4 bytes each).
_MAX_SUPERSAMPLING = 4
_MAX_LAYER_PIXELS = 48_000_000
# The side, in pixels of the picture, of the squares that are averaged down and blended:
# most of a layer is empty.
_TILE = 32


class SmoothLayer:
    """A layer over a part of a picture, drawn several times as large.

    Points and widths are in pixels of the layer: `to_layer` maps the picture's.

    Args:
        area: (left, top, right, bottom), int pixels of the picture.
    Attributes:
        zoom: int. Pixels of the layer for one of the picture.
    """

    def __init__(self, area: tuple[int, int, int, int]) -> None:
        from PIL import Image, ImageDraw

        self._corner, self._size = area[:2], (area[2] - area[0], area[3] - area[1])
        zoom = int(np.sqrt(_MAX_LAYER_PIXELS / (self._size[0] * self._size[1])))
        self.zoom = min(max(zoom, 1), _MAX_SUPERSAMPLING)
        # Red, green and blue times opacity, and opacity: averages of these are right
        # as they are. Pillow has no drawing in "RGBa"; its "CMYK" holds any four bytes.
        self._image = Image.new("CMYK", [side * self.zoom for side in self._size])
        self._draw = ImageDraw.Draw(self._image)
        # What was drawn: the reach to all sides by start and end.
        self._strokes: dict[tuple, float] = {}

    def to_layer(self, points: np.ndarray) -> np.ndarray:
        """Maps points `[..., 2]` (x, y) in pixels of the picture to the layer."""
        # The centre of pixel (0, 0) is half a pixel from the corner of the image.
        return (points - (np.array(self._corner) - 0.5)) * self.zoom

    def rectangle(self, low: Any, high: Any, width: float, color: tuple) -> None:
        """Draws the outline of a rectangle of opposite corners."""
        width = round(width)
        self._draw.rectangle([*low, *high], outline=_weighed(color), width=width)
        corners = [low, (high[0], low[1]), high, (low[0], high[1])]
        for start, end in zip(corners, [*corners[1:], low], strict=True):
            self._reaches(start, end, width)

    def line(self, start: Any, end: Any, width: float, color: tuple) -> None:
        """Draws a line with round ends."""
        # Pillow draws lines of even widths a pixel behind their points: on both sides
        # alike of points between two pixels, as the centres of a picture's pixels are.
        whole = 2 * max(1, round(width / 2))
        ends = np.round([start, end]) - 1
        self._draw.line([*ends.ravel()], fill=_weighed(color), width=whole)
        self._reaches(start, end, whole)
        for point in (start, end):
            self.disc(point, width / 2, color)

    def disc(self, center: np.ndarray, radius: float, color: tuple) -> None:
        """Draws a filled disc."""
        places = [*(center - radius), *(center + radius)]
        self._draw.ellipse(places, fill=_weighed(color))
        self._reaches(center, center, radius)

    def _reaches(self, start, end, reach):
        key = (*start, *end)
        self._strokes[key] = max(reach, self._strokes.get(key, 0))

    def blend_into(self, picture: "Image") -> None:
        """Averages what was drawn down and composites it onto an RGB picture."""
        from PIL import Image

        zoom = self.zoom
        for left, top, right, bottom in self._drawn_areas():
            part = (zoom * left, zoom * top, zoom * right, zoom * bottom)
            small = np.asarray(self._image.reduce(zoom, part), np.uint16)
            x, y = self._corner[0] + left, self._corner[1] + top
            place = (x, y, x + right - left, y + bottom - top)
            below = np.asarray(picture.crop(place), np.uint16)
            # Half of 255 more, so that the quotient is rounded.
            below = (below * (255 - small[..., 3:]) + 127) // 255
            both = np.minimum(below + small[..., :3], 255).astype(np.uint8)
            picture.paste(Image.fromarray(both), place[:2])

    def _drawn_areas(self):
        """Parts of rows of tiles on which anything may have been drawn."""
        width, height = self._size
        columns, rows = -(-width // _TILE), -(-height // _TILE)
        side = _TILE * self.zoom
        x, y = (np.arange(count) * side + side / 2 for count in (columns, rows))
        centers = np.stack(np.meshgrid(x, y), -1).astype(np.float32)
        strokes = np.array([*self._strokes], np.float32).reshape(-1, 4)
        # The corners of a tile are so far from its centre; some pixels for rounding.
        reach = np.array([*self._strokes.values()]) + side / np.sqrt(2) + 4
        near = _distances(centers[:, :, None], strokes[:, :2], strokes[:, 2:]) <= reach
        for row, touched in enumerate(near.any(-1)):
            edges = np.flatnonzero(np.diff(np.pad(touched.astype(int), 1)))
            for first, last in edges.reshape(-1, 2):
                yield (
                    int(first) * _TILE,
                    row * _TILE,
                    min(int(last) * _TILE, width),
                    min((row + 1) * _TILE, height),
                )


def _weighed(color):
    """Red, green, blue and opacity -> the colours times the opacity, and it."""
    opacity = color[3]
    return (*(round(part * opacity / 255) for part in color[:3]), opacity)


def _distances(points, starts, ends):
    """Distances of points `[..., 1, 2]` from line segments `[S, 2]`: `[..., S]`."""
    along = ends - starts
    length = np.maximum(np.square(along).sum(-1), 1e-9)
    share = np.clip(((points - starts) * along).sum(-1) / length, 0, 1)
    nearest = starts + share[..., None] * along
    return np.linalg.norm(points - nearest, axis=-1)
