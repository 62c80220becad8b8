"""Face landmarks: one heatmap a point, from all streams."""

from typing import Any

import keras

from hrnet_tf.models.pose import HRNetPose


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetLandmarks(HRNetPose):
    """HRNetV2 for facial landmarks: one heatmap a point, at a quarter of the size.

    The same graph as `HRNetPose` with the representation "v2" and the official face
    networks' constants.

    Args:
        num_keypoints: int. Number of points: 98 (WFLW), 68 (300W), 29 (COFW) or 19
            (AFLW) officially.
        image_size: (height, width) of the crop, or None for any size.
        heatmap_sigma: float. Standard deviation of the training Gaussians, in cells;
            1.0 for 300W officially.
        interpolation, momentum: see `HRNetBackbone`.
        name: str. Name of the model.
        **others: other arguments of `HRNetPose` and of `HRNetBackbone`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        Heatmaps, float32 `[B, H/4, W/4, num_keypoints]`.
    Raises:
        ValueError: if an argument is out of its range or contradicts another one.
    Reference:
        arXiv 1908.07919, section 7.2; HRNet-Facial-Landmark-Detection.
    """

    def __init__(
        self,
        num_keypoints: int = 98,
        image_size: tuple[int, int] | None = (256, 256),
        heatmap_sigma: float = 1.5,
        interpolation: str = "bilinear",
        momentum: float = 0.99,
        name: str = "hrnet_landmarks",
        **others: Any,
    ) -> None:
        super().__init__(
            num_keypoints,
            image_size,
            heatmap_sigma=heatmap_sigma,
            interpolation=interpolation,
            momentum=momentum,
            name=name,
            **{"representation": "v2", **others},
        )
