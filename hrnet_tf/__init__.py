"""HRNet, the High-Resolution Network, for Keras 3 and TensorFlow.

The public names load on first use, so that `import hrnet_tf` costs nothing.
"""

import importlib
import warnings
from typing import TYPE_CHECKING, Any

# What type checkers see in place of `_EXPORTS`.
if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet as KeypointSet
    from hrnet_tf.data.label_sets import LabelSet as LabelSet
    from hrnet_tf.export.litert import export_litert as export_litert
    from hrnet_tf.export.saved_model import export_saved_model as export_saved_model
    from hrnet_tf.hub import HubBackbone as HubBackbone
    from hrnet_tf.models.backbone import HRNetBackbone as HRNetBackbone
    from hrnet_tf.models.cascade_rcnn import HRNetCascadeRCNN as HRNetCascadeRCNN
    from hrnet_tf.models.classifier import HRNetClassifier as HRNetClassifier
    from hrnet_tf.models.deconvnet_segmenter import (
        DeconvNetSegmenter as DeconvNetSegmenter,
    )
    from hrnet_tf.models.deeplab_segmenter import DeepLabSegmenter as DeepLabSegmenter
    from hrnet_tf.models.encoder_decoder_pose import (
        EncoderDecoderPose as EncoderDecoderPose,
    )
    from hrnet_tf.models.encoder_decoder_segmenter import (
        EncoderDecoderSegmenter as EncoderDecoderSegmenter,
    )
    from hrnet_tf.models.faster_rcnn import HRNetFasterRCNN as HRNetFasterRCNN
    from hrnet_tf.models.fcn_segmenter import FCNSegmenter as FCNSegmenter
    from hrnet_tf.models.fcos import HRNetFCOS as HRNetFCOS
    from hrnet_tf.models.higher_pose import HigherHRNetPose as HigherHRNetPose
    from hrnet_tf.models.hourglass_pose import (
        StackedHourglassPose as StackedHourglassPose,
    )
    from hrnet_tf.models.landmarks import HRNetLandmarks as HRNetLandmarks
    from hrnet_tf.models.lite_pose import LiteHRNetPose as LiteHRNetPose
    from hrnet_tf.models.loading import load_model as load_model
    from hrnet_tf.models.ocr_segmenter import HRNetOCRSegmenter as HRNetOCRSegmenter
    from hrnet_tf.models.plain_classifier import PlainClassifier as PlainClassifier
    from hrnet_tf.models.pose import HRNetPose as HRNetPose
    from hrnet_tf.models.pyramid import HRNetFeaturePyramid as HRNetFeaturePyramid
    from hrnet_tf.models.segmenter import HRNetSegmenter as HRNetSegmenter
    from hrnet_tf.models.segnet_segmenter import SegNetSegmenter as SegNetSegmenter
    from hrnet_tf.models.simple_baseline import SimpleBaselinePose as SimpleBaselinePose
    from hrnet_tf.models.unet_segmenter import UNetSegmenter as UNetSegmenter
    from hrnet_tf.predict import Predictor as Predictor
    from hrnet_tf.tasks.classification.result import Classification as Classification
    from hrnet_tf.tasks.detection.result import Detections as Detections
    from hrnet_tf.tasks.pose.result import Keypoints as Keypoints
    from hrnet_tf.tasks.segmentation.result import SegmentationMap as SegmentationMap
    from hrnet_tf.weights.convert import load_torch_weights as load_torch_weights
    from hrnet_tf.weights.export_torch import (
        export_torch_state_dict as export_torch_state_dict,
    )

__version__ = "0.1.0"

_EXPORTS = {
    "HRNetBackbone": "hrnet_tf.models.backbone",
    "HRNetPose": "hrnet_tf.models.pose",
    "HRNetLandmarks": "hrnet_tf.models.landmarks",
    "HRNetSegmenter": "hrnet_tf.models.segmenter",
    "HRNetOCRSegmenter": "hrnet_tf.models.ocr_segmenter",
    "HRNetClassifier": "hrnet_tf.models.classifier",
    "HRNetFeaturePyramid": "hrnet_tf.models.pyramid",
    "HRNetFasterRCNN": "hrnet_tf.models.faster_rcnn",
    "HRNetCascadeRCNN": "hrnet_tf.models.cascade_rcnn",
    "HRNetFCOS": "hrnet_tf.models.fcos",
    "HigherHRNetPose": "hrnet_tf.models.higher_pose",
    "LiteHRNetPose": "hrnet_tf.models.lite_pose",
    "SimpleBaselinePose": "hrnet_tf.models.simple_baseline",
    "StackedHourglassPose": "hrnet_tf.models.hourglass_pose",
    "UNetSegmenter": "hrnet_tf.models.unet_segmenter",
    "SegNetSegmenter": "hrnet_tf.models.segnet_segmenter",
    "FCNSegmenter": "hrnet_tf.models.fcn_segmenter",
    "DeconvNetSegmenter": "hrnet_tf.models.deconvnet_segmenter",
    "DeepLabSegmenter": "hrnet_tf.models.deeplab_segmenter",
    "EncoderDecoderPose": "hrnet_tf.models.encoder_decoder_pose",
    "EncoderDecoderSegmenter": "hrnet_tf.models.encoder_decoder_segmenter",
    "PlainClassifier": "hrnet_tf.models.plain_classifier",
    "HubBackbone": "hrnet_tf.hub",
    "KeypointSet": "hrnet_tf.data.keypoint_sets",
    "LabelSet": "hrnet_tf.data.label_sets",
    "Keypoints": "hrnet_tf.tasks.pose.result",
    "SegmentationMap": "hrnet_tf.tasks.segmentation.result",
    "Classification": "hrnet_tf.tasks.classification.result",
    "Detections": "hrnet_tf.tasks.detection.result",
    "Predictor": "hrnet_tf.predict",
    "export_saved_model": "hrnet_tf.export.saved_model",
    "export_litert": "hrnet_tf.export.litert",
    "load_torch_weights": "hrnet_tf.weights.convert",
    "export_torch_state_dict": "hrnet_tf.weights.export_torch",
    "load_model": "hrnet_tf.models.loading",
}
MODELS = tuple(
    name
    for name, module in _EXPORTS.items()
    if module.startswith("hrnet_tf.models.") and name != "load_model"
)
# Star imports and help() must work without the extra "hub".
__all__ = ["__version__", *(name for name in _EXPORTS if name != "HubBackbone")]


# Each task had one before there was one for all.
_DEPRECATED = ("PosePredictor", "SegmentationPredictor", "ClassificationPredictor")


def __getattr__(name: str) -> Any:
    if name in _DEPRECATED:
        warnings.warn(
            f"hrnet_tf.{name} is now hrnet_tf.Predictor, for every task; the old name"
            " goes with the next release.",
            DeprecationWarning,
            stacklevel=2,
        )
        name = "Predictor"
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'hrnet_tf' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
