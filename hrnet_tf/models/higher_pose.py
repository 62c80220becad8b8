"""Bottom-up human pose: the network of HigherHRNet."""

from typing import Any

import keras

from hrnet_tf.layers.deconv_norm import DeconvNorm
from hrnet_tf.layers.residual import BasicBlock
from hrnet_tf.models import heads
from hrnet_tf.models.base import HRNetModel, check_count
from hrnet_tf.models.pose import check_heatmaps

_NUM_BLOCKS = 4


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HigherHRNetPose(HRNetModel):
    """HigherHRNet: heatmaps at two resolutions, and tags that group keypoints.

    `shorter_side`, `detection_threshold` and `keypoint_set` do not change the graph:
    they tell the test how images are seen and heatmaps read, and travel with the saved
    model.

    Args:
        num_keypoints: int. Number of heatmaps at each resolution, and of tag maps.
        image_size: (height, width) or None for any size, sides divisible by 32.
        shorter_side: int, divisible by 32. Pixels of the shorter side of images as
            they are tested.
        detection_threshold: float in [0, 1). Peaks of the heatmaps have to be higher;
            officially 0.1. Where cells on keypoints weigh more in training, all
            heights are higher.
        keypoint_set: dict or None. `KeypointSet.to_dict()` of the keypoints.
        name: str. Name of the model.
        **body: other arguments of `HRNetBackbone`, such as `width` and `dtype`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        A dict of float32 tensors: "heatmaps_quarter" and "tags" `[B, H/4, W/4,
        num_keypoints]`, "heatmaps_half" `[B, H/2, W/2, num_keypoints]`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1908.10357; HigherHRNet-Human-Pose-Estimation.
    """

    def __init__(
        self,
        num_keypoints: int = 17,
        image_size: tuple[int, int] | None = None,
        shorter_side: int = 512,
        detection_threshold: float = 0.1,
        keypoint_set: dict[str, Any] | None = None,
        name: str = "higher_hrnet_pose",
        **body: Any,
    ) -> None:
        check_heatmaps(num_keypoints, "linear", 2.0, keypoint_set)
        check_count(shorter_side=shorter_side)
        if shorter_side % 32:
            raise ValueError(
                "shorter_side must be divisible by 32, as 512 is. Received:"
                f" shorter_side={shorter_side!r}."
            )
        if not 0 <= detection_threshold < 1:
            raise ValueError(
                "detection_threshold is a height of heatmaps, 0 or more and below 1."
                f" Received: detection_threshold={detection_threshold!r}."
            )
        built = heads.make_body(1, image_size=image_size, **body)
        (features,) = built.streams
        quarter = heads.predict(built, features, 2 * num_keypoints)
        joined = keras.ops.concatenate(
            [features, keras.ops.cast(quarter, features.dtype)], axis=-1
        )
        width = features.shape[-1]
        x = DeconvNorm(width, name="deconv", **built.unit)(joined)
        for k in range(_NUM_BLOCKS):
            x = BasicBlock(width, name=f"deconv_block{k}", **built.unit)(x)
        super().__init__(
            inputs=built.inputs,
            outputs={
                "heatmaps_quarter": quarter[..., :num_keypoints],
                "tags": quarter[..., num_keypoints:],
                "heatmaps_half": heads.predict(
                    built, x, num_keypoints, name="high_head"
                ),
            },
            arguments={
                **built.arguments,
                "num_keypoints": num_keypoints,
                "shorter_side": shorter_side,
                "detection_threshold": detection_threshold,
                "keypoint_set": keypoint_set,
            },
            name=name,
        )
        self.backbone = built.backbone
        self.num_keypoints = num_keypoints
        self.shorter_side = shorter_side
        self.detection_threshold = detection_threshold
