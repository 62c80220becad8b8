"""The networks of top-down pose, by the names of their presets."""

from typing import Any

from hrnet_tf.models.encoder_decoder_pose import EncoderDecoderPose
from hrnet_tf.models.hourglass_pose import StackedHourglassPose
from hrnet_tf.models.lite_pose import LiteHRNetPose
from hrnet_tf.models.networks import class_of_preset, network_from_preset
from hrnet_tf.models.pose import HRNetPose
from hrnet_tf.models.presets import split_preset
from hrnet_tf.models.simple_baseline import SimpleBaselinePose
from hrnet_tf.tasks import graphs

NETWORKS = (
    HRNetPose,
    LiteHRNetPose,
    SimpleBaselinePose,
    StackedHourglassPose,
    EncoderDecoderPose,
)
# What is of HRNet alone.
_OF_HRNET = ("representation", "heatmap_stride")


def counted_as(preset: str) -> tuple[str, str]:
    """Returns a class and a preset (str) whose activations are known and are like it.

    Args:
        preset: str, an architecture of pose.
    Raises:
        ValueError: if no class has it.
    """
    name, _ = split_preset(preset)
    kind = class_of_preset(NETWORKS, name).__name__
    if kind == "EncoderDecoderPose":
        # Encoders of no more memory than this one's, and the same decoder.
        return "SimpleBaselinePose", "resnet50"
    return kind, name


def heatmap_outputs(preset: str) -> tuple[str, ...]:
    """Returns the names (tuple of str) of a network's outputs, the last one's "main".

    Args:
        preset: str, see `pose_network`.
    Returns:
        The keys of its dict of heatmaps; () of a network with one output.
    """
    name, own = split_preset(preset)
    if name not in StackedHourglassPose.architectures:
        return ()
    arguments = {**StackedHourglassPose.architectures[name], **own}
    count = arguments["num_stacks"]
    stacks = (f"stack{k}" for k in range(count - 1))
    return (*stacks, "main") if count > 1 else ()


def pose_network(preset: str, **arguments: Any) -> Any:
    """Builds the network of a preset, whichever class of pose has it.

    Args:
        preset: str, such as "hrnet_w32", "lite_hrnet_18" or "resnet50"; arguments may
            follow, as in "hrnet_w32:exchanges=final", and win over the others.
        **arguments: of `HRNetPose`; those that are HRNet's alone are left out for the
            others.
    Returns:
        An `HRNetModel`.
    Raises:
        ValueError: if no class has the preset.
    """
    return network_from_preset(NETWORKS, preset, _OF_HRNET, arguments)


def check_reads_crops(model: Any) -> None:
    """Raises ValueError unless a model finds keypoints in pixels of crops of a size.

    Args:
        model: the model.
    """
    if getattr(model, "heatmap_convention", None) is None:
        raise ValueError(
            f"Expected an HRNetPose. Received: {type(model).__name__}."
            " Only top-down pose models find keypoints in crops."
        )
    if model.image_size is None:
        raise ValueError(
            f"The model {model.name!r} has image_size=None, but crops need one size."
            " Rebuild it with image_size=(height, width), such as (256, 192), and"
            " copy the weights with set_weights."
        )
    graphs.check_takes_pixels(model)
