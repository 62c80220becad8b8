"""What every HRNet model shares: presets, configuration and data types."""

import keras

from hrnet_tf.models.presets import architecture

# Every official pose, face and segmentation network starts from it.
OFFICIAL_INITIALIZER = keras.initializers.RandomNormal(stddev=0.001)


class HRNetModel(keras.Model):
    """A functional `keras.Model` rebuilt from flat keyword arguments.

    Subclasses build their graph in `__init__`, pass `inputs`, `outputs` and the
    arguments they were given to `super().__init__`, and so get `get_config`,
    `from_config` and `from_preset`.
    """

    def __init__(self, inputs, outputs, arguments, name=None):
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        # Functional models have no dtype of their own: their layers have it.
        self.arguments = arguments

    @classmethod
    def from_preset(cls, preset, **kwargs):
        """Builds the model with a published architecture and random weights.

        Args:
            preset: str. One of `hrnet_tf.models.presets.ARCHITECTURES`.
            **kwargs: arguments of the class; they win over the preset's.
        Raises:
            ValueError: if the preset is unknown.
        """
        return cls(**{**architecture(preset), **kwargs})

    def get_config(self):
        config = dict(self.arguments)
        config["dtype"] = keras.dtype_policies.serialize(config["dtype"])
        initializer = config["kernel_initializer"]
        config["kernel_initializer"] = keras.initializers.serialize(initializer)
        return {**config, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        # JSON has no tuples.
        return cls(**{k: tuple(v) if type(v) is list else v for k, v in config.items()})


def check_size(image_size, interpolation):
    """Returns `(height, width)`; raises ValueError where the streams cannot meet."""
    if image_size is None:
        return (None, None)
    size = tuple(image_size)
    if len(size) != 2 or any(not isinstance(s, int) or s <= 0 for s in size):
        raise ValueError(
            "image_size must be a pair of positive integers (height, width) or"
            f" None. Received: image_size={image_size!r}."
        )
    if interpolation == "nearest" and any(side % 32 for side in size):
        raise ValueError(
            "Nearest fusion needs sides divisible by 32."
            f" Received: image_size={size}. Use the next multiple of 32, or pass"
            " interpolation='bilinear'."
        )
    return size
