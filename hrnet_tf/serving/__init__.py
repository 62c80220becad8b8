"""Models behind a network: a server, a kit for TensorFlow Serving, and a client."""

from hrnet_tf.serving.client import Client, ServerError

__all__ = ["Client", "ServerError"]
