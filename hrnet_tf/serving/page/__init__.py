"""The page at `/`: a photo in, what the model finds drawn over it."""

from hrnet_tf.serving.page.routes import LocalModel, add_routes

__all__ = ["LocalModel", "add_routes"]
