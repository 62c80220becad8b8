"""The console command `hrnet`."""

from hrnet_tf.cli.main import app

__all__ = ["app"]
