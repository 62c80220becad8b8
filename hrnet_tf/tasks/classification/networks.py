"""The networks of classification, by the names of their presets."""

from typing import Any

from hrnet_tf.models.classifier import HRNetClassifier
from hrnet_tf.models.networks import network_from_preset
from hrnet_tf.models.plain_classifier import PlainClassifier

NETWORKS = (HRNetClassifier, PlainClassifier)


def classification_network(preset: str, **arguments: Any) -> Any:
    """Builds the network of a preset, whichever class of classification has it.

    Args:
        preset: str, such as "hrnet_w18" or "vgg16"; arguments may follow, as in
            "hrnet_w18:exchanges=final", and win over the others.
        **arguments: of `HRNetClassifier`.
    Returns:
        An `HRNetModel`.
    Raises:
        ValueError: if no class has the preset.
    """
    return network_from_preset(NETWORKS, preset, (), arguments)
