"""What makes training faster and smaller, apart from the layers that it is done to.

The door is `accelerate`, which the training run opens for its model. What optimizers
and the train functions need is imported from the modules themselves.
"""

from hrnet_tf.lowlevel.door import accelerate

__all__ = ["accelerate"]
