"""What predictions are returned as."""

from hrnet_tf.results.classification import Classification
from hrnet_tf.results.json_file import write_json
from hrnet_tf.results.keypoints import Keypoints
from hrnet_tf.results.segmentation_map import SegmentationMap

__all__ = ["Classification", "Keypoints", "SegmentationMap", "write_json"]
