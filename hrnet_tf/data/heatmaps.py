"""The heatmap codec: makes training targets and reads predictions."""

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from hrnet_tf.data import heatmap_peaks, heatmap_targets
from hrnet_tf.data.augment import affine
from hrnet_tf.models.pose import HEATMAP_ACTIVATIONS, check_convention
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


# The kind of `heatmap_targets.place` of each convention.
_PLACEMENTS = {
    "official": "cell",
    "dark": "whole_map",
    "udp": "cell_window",
    "face": "truncated",
}


@dataclasses.dataclass(frozen=True)
class HeatmapCodec:
    """Turns keypoints of a crop into heatmaps and heatmaps into keypoints.

    A network is read well only by the convention that it was trained with:

    - "official": the pose code's. Gaussians lie on the nearest cell, maxima move by a
      quarter of a cell, mirrored maps are shifted by one cell. With the activation
      "spatial_softmax", for which it is the only one, Gaussians lie on the exact point
      and maps are read by their centre of mass.
    - "dark": Gaussians lie on the exact point and cover the map; maxima move to the top
      of the Gaussian fitted there. Crops and the mirrored maps' shift are official.
    - "udp": the same with UDP's derivatives; and crops, cells and mirrored maps are
      aligned by the centres of their outermost pixels, so that nothing is shifted.
    - "face": the face code's. Gaussians lie on the cell that the point lies in, and
      points are read half a cell further; mirrored maps are not shifted.

    Attributes:
        image_size: (height, width) of the crop in pixels.
        stride: int. Pixels of the crop a heatmap cell.
        sigma: float. Standard deviation of the Gaussians, in cells.
        activation: "linear" or "spatial_softmax", how the network's output is read
            (see `HRNetPose`).
        convention: "official", "dark", "udp" or "face".
    Reference:
        deep-high-resolution-net.pytorch, lib/dataset/JointsDataset.py
        (generate_target) and lib/core/inference.py; DARK, arXiv 1910.06278, and UDP,
        arXiv 1911.07524, as OpenMMLab's mmpose has them (MSRAHeatmap with unbiased,
        UDPHeatmap); HRNet-Facial-Landmark-Detection, lib/core/evaluation.py.
    """

    image_size: tuple[int, int]
    stride: int = 4
    sigma: float = 2.0
    activation: str = "linear"
    convention: str = "official"

    def __post_init__(self):
        if any(side % self.stride for side in self.image_size) or self.sigma <= 0:
            raise ValueError(
                "image_size must be divisible by the stride, and sigma be positive."
                f" Received: image_size={self.image_size}, stride={self.stride},"
                f" sigma={self.sigma}."
            )
        if self.activation not in HEATMAP_ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {HEATMAP_ACTIVATIONS}."
                f" Received: activation={self.activation!r}."
            )
        check_convention(self.convention, self.activation)
        if self.convention == "udp" and min(self.heatmap_size) < 2:
            raise ValueError(
                "The convention 'udp' measures between the outermost cells, of which"
                f" it needs two. Received: image_size={self.image_size},"
                f" stride={self.stride}."
            )

    @classmethod
    def for_model(cls, model: "HRNetModel") -> "HeatmapCodec":
        """The codec that fits an `HRNetPose` model."""
        return cls(
            image_size=model.image_size,
            stride=getattr(model, "heatmap_stride", 4),
            sigma=model.heatmap_sigma,
            activation=model.heatmap_activation,
            convention=model.heatmap_convention,
        )

    @property
    def heatmap_size(self) -> tuple[int, int]:
        """(height, width) of the heatmaps in cells."""
        height, width = self.image_size
        return height // self.stride, width // self.stride

    def crop_matrix(self, centers: Tensor, sizes: Tensor, rotation: Tensor) -> Tensor:
        """Returns the matrices from image pixels to crop pixels.

        Args:
            centers, sizes: float tensors `[..., 2]`, the regions of `box_regions`.
            rotation: float or float tensor `[...]`, degrees.
        Returns:
            A float32 tensor `[..., 2, 3]`.
        """
        if self.convention == "udp":
            return affine.aligned_crop_matrix(centers, sizes, rotation, self.image_size)
        return affine.crop_matrix(centers, sizes[..., 0], rotation, self.image_size)

    def encode(self, points: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Makes the heatmaps of keypoints.

        Args:
            points: float tensor `[..., K, 2]`, (x, y) in pixels of the crop.
            visible: tensor `[..., K]`; zero or False means not labelled.
        Returns:
            Heatmaps float32 `[..., H, W, K]`, whose Gaussians have a peak of 1, and
            weights float32 `[..., K]`: 0 where a keypoint is not labelled or its
            Gaussian lies outside the crop altogether, where the map is empty; else 1.
        """
        kind = _PLACEMENTS[self.convention]
        if self.activation == "spatial_softmax":
            # Read by its centre of mass, this map need not sit on a cell.
            kind = "exact"
        cells = self.from_crop(tf.convert_to_tensor(points, tf.float32))
        placement = heatmap_targets.place(cells, self.heatmap_size, self.sigma, kind)
        weights = tf.cast(tf.cast(visible, tf.bool) & placement.inside, tf.float32)
        y, x = heatmap_targets.draw(placement, self.heatmap_size, self.sigma)
        y *= weights[..., None, :]
        return y[..., :, None, :] * x[..., None, :, :], weights

    def activate(self, outputs: Tensor) -> Tensor:
        """Network outputs `[B, H, W, K]` -> heatmaps of the scale of the targets.

        Linear outputs are heatmaps already. Logits become probabilities divided by
        the peak of the Gaussian that they were trained on.
        """
        outputs = tf.cast(outputs, tf.float32)
        if self.activation == "linear":
            return outputs
        height, width = outputs.shape[1:3]
        flat = tf.reshape(outputs, [-1, height * width, outputs.shape[3]])
        flat = tf.nn.softmax(flat, axis=1) * (2 * math.pi * self.sigma**2)
        return tf.reshape(flat, [-1, height, width, outputs.shape[3]])

    def merge_flipped(
        self, heatmaps: Tensor, flipped: Tensor, flip_indices: Sequence[int]
    ) -> Tensor:
        """Averages heatmaps `[B, H, W, K]` with those of the mirrored crop.

        The mirrored ones are mirrored back, and left and right keypoints swapped.
        Mirroring moves the strided grid: pixel x, cell x / 4, comes back at cell x / 4
        - 3/4. The official rule is a shift to the right by a whole cell, which suits
        maps made for whole cells, and DARK keeps it; those of the spatial softmax are
        shifted by exactly three quarters, interpolating between neighbours. UDP's
        outermost cells change places, and the face code's cells are those that points
        lie in, so that neither is shifted.
        """
        flipped = tf.gather(tf.reverse(flipped, [2]), list(flip_indices), axis=3)
        if self.convention in ("udp", "face"):
            return (heatmaps + flipped) * 0.5
        shifted = tf.concat([flipped[:, :, :1], flipped[:, :, :-1]], axis=2)
        if self.activation == "spatial_softmax":
            shifted += (flipped - shifted) / self.stride
        return (heatmaps + shifted) * 0.5

    def decode(self, heatmaps: Tensor, refine: bool = True) -> tuple[Tensor, Tensor]:
        """Finds the keypoints of heatmaps.

        Args:
            heatmaps: float32 tensor `[B, H, W, K]`.
            refine: bool. True moves the maximum by less than cells, as the convention
                or the spatial softmax does; False gives the maximum's cell.
        Returns:
            Points `[B, K, 2]` in cells and scores `[B, K]`, the maxima (at most 1 for
            the spatial softmax). Where no cell is positive the point is (0, 0); for the
            convention "face" (-0.5, -0.5).
        """
        peaks = heatmap_peaks.find_peaks(heatmaps)
        points = self._refined(peaks) if refine else peaks.cells
        if self.activation == "spatial_softmax":
            return points, tf.minimum(peaks.scores, 1.0)
        return points, peaks.scores

    def _refined(self, peaks):
        """The points `[B, K, 2]` of `Peaks`, more finely than by cells."""
        if self.activation == "spatial_softmax":
            reach = max(1, round(2 * self.sigma))
            return heatmap_peaks.center_of_mass(peaks, reach)
        # 11 for a sigma of 2 and 17 for one of 3, as DARK's and UDP's authors have it;
        # mmpose 1.x leaves 11 in most of its configurations of 384x288.
        kernel_size = max(1, 2 * int(3 * self.sigma) - 1)
        if self.convention == "dark":
            return heatmap_peaks.dark_step(peaks, kernel_size)
        if self.convention == "udp":
            return heatmap_peaks.udp_step(peaks, kernel_size)
        if self.convention == "face":
            # Points were truncated to their cell, whose middle is half a cell further.
            # The official code counts from one; an empty map's point is its zero.
            points = heatmap_peaks.quarter_step(peaks, before=1)
            return points + peaks.positive - 0.5
        return heatmap_peaks.quarter_step(peaks)

    def to_crop(self, points: Tensor) -> Tensor:
        """Maps points `[..., 2]` in cells to pixels of the crop."""
        return points * self._pixels_per_cell()

    def from_crop(self, points: Tensor) -> Tensor:
        """Maps points `[..., 2]` in pixels of the crop to cells."""
        return points / self._pixels_per_cell()

    def _pixels_per_cell(self):
        """A number, or a pair for x and y."""
        if self.convention != "udp":
            return float(self.stride)
        height, width = (side - 1 for side in self.image_size)
        rows, columns = (count - 1 for count in self.heatmap_size)
        return np.array([width / columns, height / rows], np.float32)

    def to_image(self, points: Tensor, centers: Tensor, sizes: Tensor) -> Tensor:
        """Maps points `[B, K, 2]` in cells to pixels of the image.

        Args:
            points: float tensor `[B, K, 2]`.
            centers, sizes: float tensors `[B, 2]`, the regions of `box_regions`.
        """
        height, width = self.heatmap_size
        if self.convention == "udp":
            shares = points / [width - 1.0, height - 1.0] - 0.5
            return shares * sizes[:, None, :] + centers[:, None, :]
        middle = tf.constant([width / 2, height / 2], tf.float32)
        scale = sizes[:, None, :1] / width
        return (points - middle) * scale + centers[:, None, :]
