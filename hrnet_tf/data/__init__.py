"""Data: annotation files -> examples -> TFRecord shards -> batches.

Nothing is imported here: `keypoint_sets` and `sources` work without TensorFlow, and
importing it for every look at a descriptor would cost seconds.
"""
