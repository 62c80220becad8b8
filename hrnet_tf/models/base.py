"""What every HRNet model shares: presets, configuration and data types."""

import logging
import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import keras

from hrnet_tf.distribution.model import ReplicatedModel
from hrnet_tf.lowlevel.half_precision import use_float32_kernels
from hrnet_tf.models.presets import (
    ARCHITECTURES,
    architecture,
    describe_presets,
    split_preset,
)
from hrnet_tf.typing import PathLike, Tensor

_LOGGER = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound="HRNetModel")


def default_initializer(kind: type[Any], *args: Any, **kwargs: Any) -> Any:
    """Makes an initializer while a module is imported, without a draw of its seed.

    Else the first model after `keras.utils.set_random_seed` would get other weights if
    its module was imported in between. Layers use clones, which draw a seed each.

    Args:
        kind: class of the initializer.
        *args, **kwargs: its arguments.
    """
    state = random.getstate()
    try:
        return kind(*args, **kwargs)
    finally:
        random.setstate(state)


# Every official pose, face and segmentation network starts from it.
OFFICIAL_INITIALIZER = default_initializer(
    keras.initializers.RandomNormal, stddev=0.001
)
# Statistics of ImageNet, used by every official network (RGB, after / 255).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
CHANNEL_ORDERS = ("rgb", "bgr")


class _Presets:
    """The attribute `presets` of a class."""

    def __get__(self, model, kind):
        return describe_presets(kind.__name__, kind.architectures)


class HRNetModel(ReplicatedModel):
    """A functional `keras.Model` rebuilt from flat keyword arguments.

    Subclasses build their graph in `__init__`, pass `inputs`, `outputs` and the
    arguments they were given to `super().__init__`, and so get `get_config`,
    `from_config` and `from_preset`.

    Attributes:
        architectures: dict. Of the class: keyword arguments by name.
        presets: dict. Of the class: what `from_preset` takes, architectures and
            published weights, with a description (str) of each.
    """

    architectures = ARCHITECTURES
    presets = _Presets()

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        arguments: dict[str, Any],
        name: str | None = None,
    ) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name)
        # Functional models have no dtype of their own: their layers have it.
        self.arguments = arguments
        # Else prediction would take 30 times as long on some processors.
        use_float32_kernels(self)

    @classmethod
    def from_preset(
        cls: type[_Model],
        preset: str,
        load_weights: bool = True,
        backbone_weights: PathLike | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> _Model:
        """Builds the model with a published architecture, or with published weights.

        Args:
            preset: str, one of the class's `presets`: an architecture, which has random
                weights, or the name of published weights, which are downloaded once.
                Published weights whose head has another number of outputs than asked
                for in `kwargs` give everything but the head. Arguments may stand behind
                a colon, see `split_preset`; they win over `kwargs`.
            load_weights: bool. False gives random weights: of published weights it
                takes the architecture and the arguments, and downloads nothing. Where
                it is left True and nothing is loaded, as with an architecture alone,
                the log says so.
            backbone_weights: what to load into the body, leaving the head as it is: a
                checkpoint (`.pth`, `.safetensors`), a `.keras` file of this package, a
                mapping of names to arrays, or the name of published weights. None
                loads nothing.
            **kwargs: arguments of the class; they win over the preset's.
        Raises:
            ValueError: if the preset is unknown or belongs to another class, the class
                takes no such argument as stands behind its colon, or the weights cannot
                be had or do not fit.
        """
        from hrnet_tf.models import pretrained

        name, own = split_preset(preset)
        kwargs = {**kwargs, **own}
        try:
            if name in cls.architectures:
                model = cls(**{**architecture(name, cls.architectures), **kwargs})
                if load_weights and backbone_weights is None:
                    _LOGGER.warning(cls._random_text(name))
            else:
                model = pretrained.build(cls, name, kwargs, load_weights)
        except TypeError as error:
            if not own:
                raise
            raise ValueError(
                f"{cls.__name__} does not take all of the arguments {own} of the preset"
                f" {preset!r}: {error}"
            ) from error
        if backbone_weights is not None:
            pretrained.load_body(model, backbone_weights)
        return model

    @classmethod
    def _random_text(cls, preset):
        """The note that a model has random weights."""
        published = [name for name in cls.presets if name not in cls.architectures]
        published.sort(key=lambda name: not name.startswith(f"{preset}_"))
        example = f", such as {published[0]!r}" if published else ""
        return (
            f"{cls.__name__}.from_preset({preset!r}) has random weights, as {preset!r}"
            f" is an architecture. {cls.__name__}.presets lists all there is{example}."
            " Pass load_weights=False where random weights are meant."
        )

    def get_config(self) -> dict[str, Any]:
        config = dict(self.arguments)
        config["dtype"] = keras.dtype_policies.serialize(config["dtype"])
        initializer = config["kernel_initializer"]
        config["kernel_initializer"] = keras.initializers.serialize(initializer)
        frozen = [layer.name for layer in self._parts() if not layer.trainable]
        if frozen:
            config["frozen_layers"] = frozen
        return {**config, "name": self.name}

    @classmethod
    def from_config(
        cls: type[_Model],
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
    ) -> _Model:
        config = dict(config)
        frozen = config.pop("frozen_layers", ())
        # JSON has no tuples.
        arguments: dict[str, Any] = {
            k: tuple(v) if type(v) is list else v for k, v in config.items()
        }
        model = cls(**arguments)
        for layer in model._parts():
            if layer.name in frozen:
                layer.trainable = False
        return model

    def _parts(self):
        """The layers that one freezes: the model's own, and its backbone's."""
        body = getattr(self, "backbone", None)
        return [*self.layers, *(body.layers if body is not None else ())]


def check_count(**counts: Any) -> None:
    """Raises ValueError unless the one named argument is a positive integer."""
    ((name, count),) = counts.items()
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise ValueError(
            f"{name} must be a positive integer. Received: {name}={count!r}."
        )


def check_names(
    num_classes: int, argument: str, value: Any, key: str | None = None
) -> None:
    """Raises ValueError unless as many classes are named as there are.

    Args:
        num_classes: int.
        argument: str. Name of the argument.
        value: the argument: a sequence of names, or a dict that has one at `key`; None
            names nothing.
        key: str or None.
    """
    if value is None:
        return
    names = value if key is None else dict(value).get(key, ())
    if len(names) != num_classes:
        raise ValueError(
            f"{argument} names {len(names)} classes, which contradicts"
            f" num_classes={num_classes}. Pass the same number."
        )


def normalize(
    pixels: Tensor, channel_order: str, mean: Sequence[float], std: Sequence[float]
) -> Tensor:
    """Normalises RGB pixels 0..255 as a network was trained to see them.

    Args:
        pixels: Keras tensor `[B, H, W, 3]`.
        channel_order: "rgb", or "bgr" to reverse the channels first.
        mean, std: three floats in the network's channel order, of pixels / 255.
    Returns:
        A Keras tensor `[B, H, W, 3]`.
    Raises:
        ValueError: if an argument is none of these.
    """
    if channel_order not in CHANNEL_ORDERS:
        raise ValueError(
            f"channel_order must be one of {CHANNEL_ORDERS}."
            f" Received: channel_order={channel_order!r}."
        )
    if len(mean) != 3 or len(std) != 3 or any(s <= 0 for s in std):
        raise ValueError(
            "pixel_mean and pixel_std must be three numbers each, the latter positive."
            f" Received: pixel_mean={mean!r}, pixel_std={std!r}."
        )
    if channel_order == "bgr":
        pixels = keras.ops.flip(pixels, axis=-1)
    return keras.layers.Rescaling(
        [1 / (255 * s) for s in std],
        [-m / s for m, s in zip(mean, std, strict=True)],
        dtype="float32",
        name="normalize",
    )(pixels)


def check_size(
    image_size: tuple[int, int] | None, interpolation: str | None
) -> tuple[int | None, int | None]:
    """Returns `(height, width)` of a network, checked.

    Args:
        image_size: pair of int, or None for any size.
        interpolation: str, of the fusions; None for a network without them.
    Raises:
        ValueError: if it is no size, or one whose streams cannot meet.
    """
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
    if interpolation is None and any(side % 32 for side in size):
        raise ValueError(
            "The sides must be divisible by 32, for the heatmaps to have a quarter of"
            f" the size. Received: image_size={size}. Use the next multiple of 32."
        )
    return size
