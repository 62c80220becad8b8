"""DARK's, UDP's and the face code's targets and decoding, point by point in NumPy.

Written from the formulas of arXiv 1910.06278 and 1911.07524 and of the official face
code; only the blur is OpenCV's, as theirs is.
"""

import cv2
import numpy as np

KERNELS = {2.0: 11, 3.0: 17}


def gaussian(size, center, sigma, window=None):
    """A Gaussian `[h, w]`, zero outside the window (left, top, right, bottom)."""
    y, x = np.mgrid[: size[0], : size[1]].astype(np.float64)
    values = np.exp(
        -((x - center[0]) ** 2 + (y - center[1]) ** 2) / (2 * sigma * sigma)
    )
    if window is not None:
        left, top, right, bottom = window
        values[(x < left) | (x >= right) | (y < top) | (y >= bottom)] = 0
    return values


def target(convention, point, size, sigma):
    """The map `[h, w]` of a point in cells, and whether any of it is on the map."""
    height, width = size
    reach = 3 * sigma
    if convention == "dark":
        corner = np.array(point)
    elif convention == "face":
        corner = np.trunc(point)
    else:
        corner = np.trunc(np.array(point) + 0.5)
    low, high = corner - reach, corner + reach + 1
    if convention != "dark":
        low, high = np.trunc(low), np.trunc(high)
    if (low >= [width, height]).any() or (high < 0).any():
        return np.zeros(size), False
    if convention == "dark":
        return gaussian(size, point, sigma), True
    center = low + (2 * reach + 1) // 2 if convention == "face" else point
    return gaussian(size, center, sigma, (*low, *high)), True


def blur(values, kernel):
    """The blurred map of the same maximum; constant if its own is not positive."""
    border = kernel // 2
    framed = np.pad(values.astype(np.float32), border)
    blurred = cv2.GaussianBlur(framed, (kernel, kernel), 0)
    blurred = blurred[border:-border, border:-border].astype(np.float64)
    return blurred * (values.max() / blurred.max() if blurred.max() > 0 else 0)


def solve(hessian, slope, kernel):
    """Newton's step; none where there is no slope, or it is beyond the blur's reach.

    This last is our own rule, for maps without a peak.
    """
    if not np.any(slope):
        return np.zeros(2)
    step = -np.linalg.solve(hessian, slope)
    return step if np.abs(step).max() <= kernel // 2 else np.zeros(2)


def dark(values, kernel):
    """The point (x, y) in cells of one map."""
    height, width = values.shape
    y, x = np.unravel_index(values.argmax(), values.shape)
    if not (1 < x < width - 2 and 1 < y < height - 2):
        return np.array([x, y], float)
    log = np.log(np.maximum(blur(values, kernel), 1e-10))
    slope = [(log[y, x + 1] - log[y, x - 1]) / 2, (log[y + 1, x] - log[y - 1, x]) / 2]
    xx = (log[y, x + 2] - 2 * log[y, x] + log[y, x - 2]) / 4
    yy = (log[y + 2, x] - 2 * log[y, x] + log[y - 2, x]) / 4
    xy = log[y + 1, x + 1] - log[y - 1, x + 1] - log[y + 1, x - 1] + log[y - 1, x - 1]
    return np.array([x, y]) + solve([[xx, xy / 4], [xy / 4, yy]], slope, kernel)


def udp(values, kernel):
    """The point (x, y) in cells of one map."""
    y, x = np.unravel_index(values.argmax(), values.shape)
    log = np.pad(np.log(np.clip(blur(values, kernel), 1e-3, 50)), 1, mode="edge")
    near = log[y : y + 3, x : x + 3]
    slope = [(near[1, 2] - near[1, 0]) / 2, (near[2, 1] - near[0, 1]) / 2]
    xx = near[1, 2] - 2 * near[1, 1] + near[1, 0]
    yy = near[2, 1] - 2 * near[1, 1] + near[0, 1]
    xy = near[2, 2] - near[1, 2] - near[2, 1] + 2 * near[1, 1]
    xy = (xy - near[1, 0] - near[0, 1] + near[0, 0]) / 2
    hessian = np.array([[xx, xy], [xy, yy]]) + np.finfo(np.float32).eps * np.eye(2)
    return np.array([x, y]) + solve(hessian, slope, kernel)


def face(values, kernel=None):
    """The point (x, y) in cells of one map, which the official code counts from one."""
    height, width = values.shape
    y, x = np.array(np.unravel_index(values.argmax(), values.shape)) + 1
    point = np.array([x, y], float)
    if 1 < x < width and 1 < y < height:
        right = values[y - 1, x] - values[y - 1, x - 2]
        down = values[y, x - 1] - values[y - 2, x - 1]
        point += 0.25 * np.sign([right, down])
    return point + 0.5 - 1


DECODERS = {"dark": dark, "udp": udp, "face": face}


def decode(convention, heatmaps, sigma):
    """Points `[K, 2]` in cells and scores `[K]` of heatmaps `[h, w, K]`."""
    maps = np.moveaxis(np.asarray(heatmaps), -1, 0)
    scores = maps.max((1, 2))
    points = np.full((len(maps), 2), -0.5 if convention == "face" else 0.0)
    for k in np.flatnonzero(scores > 0):
        points[k] = DECODERS[convention](maps[k], KERNELS.get(sigma))
    return points, scores
