"""Readers of annotation files, one module a data set format.

Each returns a list of `hrnet_tf.data.schema.PoseExample`, whatever the format's own
conventions (1-based coordinates, centre and scale instead of boxes, ...).
"""
