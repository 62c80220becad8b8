"""HRNet, the High-Resolution Network, for Keras 3 and TensorFlow.

The public names load on first use, so that `import hrnet_tf` costs nothing.
"""

import importlib

__version__ = "0.1.0"

_EXPORTS = {
    "HRNetBackbone": "hrnet_tf.models.backbone",
    "HRNetPose": "hrnet_tf.models.pose",
    "KeypointSet": "hrnet_tf.data.keypoint_sets",
    "Keypoints": "hrnet_tf.results",
    "PosePredictor": "hrnet_tf.predictor",
    "load_torch_weights": "hrnet_tf.weights.convert",
    "load_model": "hrnet_tf.models.loading",
}
__all__ = ["__version__", *_EXPORTS]


def __getattr__(name):
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module 'hrnet_tf' has no attribute {name!r}")


def __dir__():
    return sorted(__all__)
