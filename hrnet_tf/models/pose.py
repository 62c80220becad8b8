"""Top-down human pose: one heatmap a keypoint."""

from typing import Any

import keras

from hrnet_tf.models import heads
from hrnet_tf.models.base import HRNetModel, check_count

HEATMAP_ACTIVATIONS = ("linear", "spatial_softmax")
# What they mean is told by `hrnet_tf.data.heatmaps.HeatmapCodec`.
HEATMAP_CONVENTIONS = ("official", "dark", "udp", "face")
REPRESENTATIONS = ("v1", "v2")
HEATMAP_STRIDES = (4, 8, 16)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetPose(HRNetModel):
    """HRNet for top-down pose: one heatmap a keypoint, at a quarter of the size.

    `heatmap_activation`, `heatmap_sigma`, `heatmap_convention` and `keypoint_set` do
    not change the graph: they tell decoders how to read the maps, and travel with the
    saved model.

    Args:
        num_keypoints: int. Number of heatmaps.
        image_size: (height, width) of the crop, or None for any size.
        representation: "v1" (the official pose networks: the finest stream alone) or
            "v2" (all streams upsampled and mixed, as for face landmarks; small
            networks learn faster with it).
        heatmap_stride: 4, 8 or 16. Pixels of the crop a heatmap cell: the stream that
            the heatmaps are made of, as in the paper's ablation; other than 4 with "v1"
            alone.
        heatmap_activation: "linear" (trained by mean squared error) or
            "spatial_softmax" (the outputs are logits over all cells).
        heatmap_sigma: float. Standard deviation of the training Gaussians, in cells.
        heatmap_convention: "official", "dark", "udp" or "face": how crops are cut,
            targets made and maps read, see `HeatmapCodec`. With "spatial_softmax" it
            is "official".
        keypoint_set: dict or None. `KeypointSet.to_dict()` of the keypoints.
        name: str. Name of the model.
        **body: arguments of `HRNetBackbone`, such as `width`, `interpolation`
            ("nearest" if not given), `momentum` and `dtype`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        Heatmaps, float32 `[B, H/4, W/4, num_keypoints]`, or of another stride.
    Raises:
        ValueError: if an argument is out of its range or contradicts another one.
    Reference:
        arXiv 1908.07919, sections 3.3 and 4.
    """

    def __init__(
        self,
        num_keypoints: int = 17,
        image_size: tuple[int, int] | None = (256, 192),
        representation: str = "v1",
        heatmap_stride: int = 4,
        heatmap_activation: str = "linear",
        heatmap_sigma: float = 2.0,
        heatmap_convention: str = "official",
        keypoint_set: dict[str, Any] | None = None,
        name: str = "hrnet_pose",
        **body: Any,
    ) -> None:
        if representation not in REPRESENTATIONS:
            raise ValueError(
                f"representation must be one of {REPRESENTATIONS}."
                f" Received: representation={representation!r}."
            )
        check_heatmaps(num_keypoints, heatmap_activation, heatmap_sigma, keypoint_set)
        check_convention(heatmap_convention, heatmap_activation)
        check_stride(heatmap_stride, representation)
        stream = HEATMAP_STRIDES.index(heatmap_stride)
        num_streams = stream + 1 if representation == "v1" else 4
        built = heads.make_body(
            num_streams, image_size=image_size, first_output=stream, **body
        )
        features = built.streams[0]
        if representation == "v2":
            features = heads.mix(built, heads.concatenate_streams(built))
        super().__init__(
            inputs=built.inputs,
            outputs=heads.predict(built, features, num_keypoints),
            arguments={
                **built.arguments,
                "num_keypoints": num_keypoints,
                "representation": representation,
                "heatmap_stride": heatmap_stride,
                "heatmap_activation": heatmap_activation,
                "heatmap_sigma": heatmap_sigma,
                "heatmap_convention": heatmap_convention,
                "keypoint_set": keypoint_set,
            },
            name=name,
        )
        self.backbone = built.backbone
        self.num_keypoints = num_keypoints
        self.image_size = None if image_size is None else tuple(image_size)
        self.heatmap_stride = heatmap_stride
        self.heatmap_activation = heatmap_activation
        self.heatmap_sigma = heatmap_sigma
        self.heatmap_convention = heatmap_convention


def check_heatmaps(
    num_keypoints: int,
    heatmap_activation: str | None,
    heatmap_sigma: float,
    keypoint_set: Any,
) -> None:
    """Raises ValueError if these arguments of `HRNetPose` contradict each other."""
    check_count(num_keypoints=num_keypoints)
    if not heatmap_sigma > 0:
        raise ValueError(
            "heatmap_sigma must be positive, in cells."
            f" Received: heatmap_sigma={heatmap_sigma!r}."
        )
    if keypoint_set is not None and not isinstance(keypoint_set, dict):
        raise ValueError(
            "keypoint_set must be a dict, such as load_keypoint_set('coco').to_dict()."
            f" Received: {type(keypoint_set).__name__}."
        )
    if heatmap_activation not in HEATMAP_ACTIVATIONS:
        raise ValueError(
            f"heatmap_activation must be one of {HEATMAP_ACTIVATIONS}."
            f" Received: heatmap_activation={heatmap_activation!r}."
        )
    if keypoint_set is not None and len(keypoint_set["names"]) != num_keypoints:
        raise ValueError(
            f"keypoint_set {keypoint_set['name']!r} names"
            f" {len(keypoint_set['names'])} keypoints, which contradicts"
            f" num_keypoints={num_keypoints}. Pass the same number."
        )


def check_stride(heatmap_stride: int, representation: str) -> None:
    """Raises ValueError if a representation has no heatmaps of this stride."""
    if heatmap_stride not in HEATMAP_STRIDES:
        raise ValueError(
            f"heatmap_stride must be one of {HEATMAP_STRIDES}."
            f" Received: heatmap_stride={heatmap_stride!r}."
        )
    if heatmap_stride != 4 and representation != "v1":
        raise ValueError(
            "The representation 'v2' is made at a quarter of the size. Received:"
            f" heatmap_stride={heatmap_stride}. Use representation='v1'."
        )


def check_convention(convention: str, activation: str | None) -> None:
    """Raises ValueError if heatmaps of this activation cannot be of the convention.

    Args:
        convention, activation: `heatmap_convention` and `heatmap_activation` of
            `HRNetPose`.
    """
    if convention not in HEATMAP_CONVENTIONS:
        raise ValueError(
            f"The heatmaps' convention must be one of {HEATMAP_CONVENTIONS}."
            f" Received: {convention!r}."
        )
    if activation == "spatial_softmax" and convention != "official":
        raise ValueError(
            "Maps of the spatial softmax have exact targets and are read by their"
            " centre of mass, for which the convention is 'official'. Received:"
            f" {convention!r}. Leave it out, or use the activation 'linear' (in"
            " recipes: loss='mse')."
        )
