"""The heatmap codec: makes training targets and reads predictions."""

import dataclasses
import math

import tensorflow as tf

from hrnet_tf.models.pose import HEATMAP_ACTIVATIONS


@dataclasses.dataclass(frozen=True)
class HeatmapCodec:
    """Turns keypoints of a crop into heatmaps and heatmaps into keypoints.

    Attributes:
        image_size: (height, width) of the crop in pixels.
        stride: int. Pixels of the crop a heatmap cell.
        sigma: float. Standard deviation of the Gaussians, in cells.
        activation: "linear" or "spatial_softmax", how the network's output is read
            (see `HRNetPose`).
    Reference:
        deep-high-resolution-net.pytorch, lib/dataset/JointsDataset.py
        (generate_target) and lib/core/inference.py.
    """

    image_size: tuple[int, int]
    stride: int = 4
    sigma: float = 2.0
    activation: str = "linear"

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

    @classmethod
    def for_model(cls, model):
        """The codec that fits an `HRNetPose` model."""
        return cls(
            image_size=model.image_size,
            sigma=model.heatmap_sigma,
            activation=model.heatmap_activation,
        )

    @property
    def heatmap_size(self):
        """(height, width) of the heatmaps in cells."""
        return tuple(side // self.stride for side in self.image_size)

    def encode(self, points, visible):
        """Makes the heatmaps of keypoints.

        Args:
            points: float tensor `[..., K, 2]`, (x, y) in pixels of the crop.
            visible: tensor `[..., K]`; zero or False means not labelled.
        Returns:
            Heatmaps float32 `[..., H, W, K]` with peak 1, and weights float32
            `[..., K]`: 0 where a keypoint is not labelled or its Gaussian lies
            outside the crop altogether, else 1.
        """
        height, width = self.heatmap_size
        # int() truncates towards zero in the official code; so does tf.cast.
        cells = tf.cast(points / self.stride + 0.5, tf.int32)
        centers = tf.cast(cells, tf.float32)
        if self.activation == "spatial_softmax":
            # Read by its centre of mass, this map need not sit on a cell.
            centers = points / self.stride
        reach = int(3 * self.sigma)
        limits = tf.constant([width, height])
        inside = tf.reduce_all(
            (cells - reach < limits) & (cells + reach + 1 >= 0), axis=-1
        )
        weights = tf.cast(tf.cast(visible, tf.bool) & inside, tf.float32)
        x = self._profile(centers[..., 0], width, reach)
        y = self._profile(centers[..., 1], height, reach) * weights[..., None, :]
        return y[..., :, None, :] * x[..., None, :, :], weights

    def _profile(self, centers, size, reach):
        """One-dimensional Gaussians `[..., size, K]`, zero beyond their reach."""
        offsets = tf.range(size, dtype=tf.float32)[:, None] - centers[..., None, :]
        values = offsets * offsets / (-2 * self.sigma**2)
        return tf.where(tf.abs(offsets) < reach + 0.5, tf.exp(values), 0.0)

    def activate(self, outputs):
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

    def merge_flipped(self, heatmaps, flipped, flip_indices):
        """Averages heatmaps `[B, H, W, K]` with those of the mirrored crop.

        The mirrored ones are mirrored back, left and right keypoints swapped, and
        shifted right, because mirroring moves the strided grid: pixel x, cell x / 4,
        comes back at cell x / 4 - 3/4. The official rule is a shift by a whole cell,
        which suits maps made for whole cells; those of the spatial softmax are shifted
        by exactly three quarters, interpolating between neighbours.
        """
        flipped = tf.gather(tf.reverse(flipped, [2]), list(flip_indices), axis=3)
        shifted = tf.concat([flipped[:, :, :1], flipped[:, :, :-1]], axis=2)
        if self.activation == "spatial_softmax":
            shifted += (flipped - shifted) / self.stride
        return (heatmaps + shifted) * 0.5

    def decode(self, heatmaps, refine=True):
        """Finds the keypoints of heatmaps.

        Args:
            heatmaps: float32 tensor `[B, H, W, K]`.
            refine: bool. True moves the maximum by a quarter of a cell towards the
                higher neighbour, the official rule, or where the network was trained
                by the spatial softmax to the centre of mass around it.
        Returns:
            Points `[B, K, 2]` in cells and scores `[B, K]`, the maxima (at most 1 for
            the spatial softmax). Where no cell is positive the point is (0, 0).
        """
        _, height, width, num_keypoints = heatmaps.shape
        flat = tf.transpose(heatmaps, [0, 3, 1, 2])
        flat = tf.reshape(flat, [-1, num_keypoints, height * width])
        index = tf.argmax(flat, axis=2, output_type=tf.int32)
        scores = tf.reduce_max(flat, axis=2)
        x, y = index % width, index // width
        points = tf.cast(tf.stack([x, y], -1), tf.float32)
        points = points * tf.cast(scores > 0, tf.float32)[..., None]
        if self.activation == "spatial_softmax":
            if refine:
                maps = tf.reshape(flat, [-1, num_keypoints, height, width])
                points = self._center_of_mass(maps, x, y)
            return points, tf.minimum(scores, 1.0)
        if not refine:
            return points, scores
        inner = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1) & (scores > 0)

        def value(offset):
            position = tf.clip_by_value(index + offset, 0, height * width - 1)
            return tf.gather(flat, position, batch_dims=2)

        slope = tf.stack([value(1) - value(-1), value(width) - value(-width)], -1)
        shift = 0.25 * tf.sign(slope) * tf.cast(inner, tf.float32)[..., None]
        return points + shift, scores

    def _center_of_mass(self, maps, x, y):
        """Centres `[B, K, 2]` of maps `[B, K, H, W]` within two sigma of (x, y)."""
        reach = max(1, round(2 * self.sigma))

        def window(position, size):
            offsets = tf.range(size) - position[..., None]
            return tf.cast(tf.abs(offsets) <= reach, tf.float32)

        height, width = maps.shape[2:]
        near = maps * window(y, height)[..., :, None] * window(x, width)[..., None, :]
        columns, rows = tf.reduce_sum(near, 2), tf.reduce_sum(near, 3)
        mass = tf.maximum(tf.reduce_sum(columns, 2), 1e-12)
        moments = [
            tf.reduce_sum(columns * tf.range(width, dtype=tf.float32), 2),
            tf.reduce_sum(rows * tf.range(height, dtype=tf.float32), 2),
        ]
        return tf.stack(moments, -1) / mass[..., None]

    def to_image(self, points, centers, sizes):
        """Maps points `[B, K, 2]` in cells to pixels of the image.

        Args:
            points: float tensor `[B, K, 2]`.
            centers, sizes: float tensors `[B, 2]`, the regions of `box_regions`.
        """
        height, width = self.heatmap_size
        middle = tf.constant([width / 2, height / 2], tf.float32)
        scale = sizes[:, None, :1] / width
        return (points - middle) * scale + centers[:, None, :]
