"""The kinds of networks that have weights to exchange: one for each official head."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import keras


class Kind(NamedTuple):
    """What a kind of network is to our classes.

    Attributes:
        model: str. Name of our class.
        argument: str or None. The class's argument for the number of classes, of
            keypoints or, of a pyramid, of channels.
        sized: tuple of str. Official layers whose tensors' first axis follows from
            that number; of the first one it is the number.
        background: bool. True where the first layer has one of the background more.
    """

    model: str
    argument: str | None = None
    sized: tuple = ()
    background: bool = False


_STAGES = tuple(f"roi_head.{{}}_head.{i}.{{}}" for i in range(3))

KINDS = {
    "backbone": Kind("HRNetBackbone"),
    "pose": Kind("HRNetPose", "num_keypoints", ("final_layer",)),
    "landmarks": Kind("HRNetLandmarks", "num_keypoints", ("head.3",)),
    "segmenter": Kind("HRNetSegmenter", "num_classes", ("last_layer.3",)),
    "ocr_segmenter": Kind(
        "HRNetOCRSegmenter", "num_classes", ("cls_head", "aux_head.3")
    ),
    "classifier": Kind("HRNetClassifier", "num_classes", ("classifier",)),
    "feature_pyramid": Kind(
        "HRNetFeaturePyramid",
        "num_channels",
        ("neck.reduction_conv.0", *(f"neck.fpn_conv.{i}" for i in range(5))),
    ),
    "faster_rcnn": Kind(
        "HRNetFasterRCNN",
        "num_classes",
        (
            "roi_head.bbox_head.0.fc_cls",
            "roi_head.bbox_head.0.fc_reg",
            "roi_head.mask_head.0.conv_logits",
        ),
        background=True,
    ),
    # Its boxes are moved alike for all classes.
    "cascade_rcnn": Kind(
        "HRNetCascadeRCNN",
        "num_classes",
        (
            *(stage.format("bbox", "fc_cls") for stage in _STAGES),
            *(stage.format("mask", "conv_logits") for stage in _STAGES),
        ),
        background=True,
    ),
    "fcos": Kind("HRNetFCOS", "num_classes", ("bbox_head.conv_cls",)),
    # The transposed convolution takes the heatmaps and tags, and PyTorch's kernel of
    # it starts with the inputs.
    "higher_pose": Kind(
        "HigherHRNetPose",
        "num_keypoints",
        ("final_layers.1", "final_layers.0", "deconv_layers.0.0.0"),
    ),
    "simple_baseline": Kind("SimpleBaselinePose", "num_keypoints", ("final_layer",)),
    "lite_pose": Kind("LiteHRNetPose", "num_keypoints", ("final_layer",)),
}


def kind_of(model: "keras.Model") -> str:
    """Returns the kind (str, a key of `KINDS`) of a model.

    Subclasses are of their parent's kind; models of other packages count as
    backbones.

    Args:
        model: `keras.Model`.
    """
    kinds = {kind.model: name for name, kind in KINDS.items()}
    names = [parent.__name__ for parent in type(model).__mro__]
    found = next((kinds[name] for name in names if name in kinds), "backbone")
    if found in ("pose", "landmarks"):
        # Both classes build either graph.
        arguments = getattr(model, "arguments", {})
        return "landmarks" if arguments.get("representation") == "v2" else "pose"
    return found
