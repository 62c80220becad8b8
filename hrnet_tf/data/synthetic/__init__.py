"""Drawn people with exact labels: the embedded data set."""

from hrnet_tf.data.synthetic.people import generate_people

__all__ = ["generate_people"]
