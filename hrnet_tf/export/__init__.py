"""Models for use without this package, and the way back from any such file."""

from hrnet_tf.export.loading import load_exported, read_description

__all__ = ["load_exported", "read_description"]
