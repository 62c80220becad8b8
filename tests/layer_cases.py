"""The layers of the package with small arguments, for the tests of all of them."""

import importlib
import pkgutil

import keras

import hrnet_tf.layers
from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.classification import StreamGathering
from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.layers.crop_like import CropLike
from hrnet_tf.layers.deconv_norm import DeconvNorm
from hrnet_tf.layers.dilated import DilatedConvNorm
from hrnet_tf.layers.fill_up import FillUp
from hrnet_tf.layers.fusion import FusionBlock
from hrnet_tf.layers.hourglass import Hourglass
from hrnet_tf.layers.max_pool_places import MaxPoolPlaces
from hrnet_tf.layers.max_unpool import MaxUnpool
from hrnet_tf.layers.object_context import ObjectContext
from hrnet_tf.layers.parallel import HighResolutionModule, Transition
from hrnet_tf.layers.pre_activation import PreActivationBlock
from hrnet_tf.layers.pyramid import HighResolutionPyramid
from hrnet_tf.layers.representation import StreamConcatenation
from hrnet_tf.layers.residual import BasicBlock, Bottleneck
from hrnet_tf.layers.resize import ResizeLike

MAP = (2, 6, 8, 3)
STREAMS = [(2, 16, 8, 3), (2, 8, 4, 4), (2, 4, 2, 5)]
FOUR = [*STREAMS, (2, 2, 1, 6)]
# By name: class, arguments, shapes of the inputs and of the outputs.
CASES = {
    "norm": (BatchNorm, {}, MAP, MAP),
    "norm_frozen": (
        BatchNorm,
        {
            "momentum": 0.7,
            "epsilon": 1e-3,
            "synchronized": False,
            "frozen_statistics": True,
            "gamma_initializer": "zeros",
        },
        MAP,
        MAP,
    ),
    "conv": (Conv2D, {"filters": 4, "kernel_size": 3}, MAP, (2, 4, 6, 4)),
    "unit": (ConvNorm, {"filters": 4}, MAP, (2, 6, 8, 4)),
    "unit_options": (
        ConvNorm,
        {
            "filters": 4,
            "kernel_size": 5,
            "strides": 2,
            "activation": None,
            "momentum": 0.7,
            "kernel_initializer": keras.initializers.RandomNormal(stddev=0.1),
            "use_bias": True,
            "frozen_statistics": True,
        },
        (2, 7, 8, 3),
        (2, 4, 4, 4),
    ),
    "deconv": (DeconvNorm, {"filters": 4, "momentum": 0.8}, MAP, (2, 12, 16, 4)),
    "deconv_frozen": (
        DeconvNorm,
        {"filters": 4, "frozen_statistics": True},
        MAP,
        (2, 12, 16, 4),
    ),
    "basic": (BasicBlock, {"filters": 3}, MAP, MAP),
    "basic_projected": (
        BasicBlock,
        {"filters": 4, "strides": 2, "frozen_statistics": True},
        MAP,
        (2, 3, 4, 4),
    ),
    "bottleneck": (Bottleneck, {"filters": 2}, MAP, (2, 6, 8, 8)),
    "bottleneck_strided": (
        Bottleneck,
        {"filters": 2, "strides": 2, "momentum": 0.8},
        MAP,
        (2, 3, 4, 8),
    ),
    "resize": (ResizeLike, {}, [STREAMS[1], STREAMS[0]], (2, 16, 8, 4)),
    "resize_corners": (
        ResizeLike,
        {"interpolation": "bilinear_align_corners"},
        [STREAMS[1], (2, 15, 9, 2)],
        (2, 15, 9, 4),
    ),
    "fusion": (FusionBlock, {"widths": (3, 4, 5)}, STREAMS, STREAMS),
    "fusion_first": (
        FusionBlock,
        {
            "widths": (3, 4, 5),
            "num_outputs": 1,
            "interpolation": "bilinear",
            "momentum": 0.8,
            "frozen_statistics": True,
        },
        STREAMS,
        STREAMS[:1],
    ),
    "module": (
        HighResolutionModule,
        {"widths": (3, 4, 5), "num_blocks": 1},
        STREAMS,
        STREAMS,
    ),
    "module_frozen": (
        HighResolutionModule,
        {
            "widths": (3, 4),
            "num_blocks": 2,
            "num_outputs": 1,
            "interpolation": "bilinear",
            "frozen_statistics": True,
        },
        STREAMS[:2],
        STREAMS[:1],
    ),
    "transition": (
        Transition,
        {"widths": (3, 7, 5), "frozen_statistics": True},
        STREAMS[:2],
        [(2, 16, 8, 3), (2, 8, 4, 7), (2, 4, 2, 5)],
    ),
    "concatenation": (StreamConcatenation, {}, STREAMS, (2, 16, 8, 12)),
    "dilated": (DilatedConvNorm, {"filters": 3, "dilation": 3}, MAP, (2, 6, 8, 3)),
    "crop": (CropLike, {"stride": 2}, [MAP, (2, 9, 13, 2)], (2, 5, 7, 3)),
    "fill_up": (FillUp, {"least": 7}, MAP, (2, 7, 8, 3)),
    "pre_activation": (PreActivationBlock, {"filters": 6}, MAP, (2, 6, 8, 6)),
    "hourglass": (Hourglass, {"depth": 2}, (2, 8, 4, 4), (2, 8, 4, 4)),
    "pool_places": (MaxPoolPlaces, {}, MAP, [(2, 3, 4, 3), (2, 3, 4, 4, 3)]),
    "unpool": (MaxUnpool, {}, [(2, 3, 4, 3), (2, 3, 4, 4, 3), MAP], MAP),
    "pyramid": (
        HighResolutionPyramid,
        {"filters": 4, "num_levels": 3},
        STREAMS,
        [(2, 16, 8, 4), (2, 8, 4, 4), (2, 4, 2, 4)],
    ),
    "gathering": (
        StreamGathering,
        {"width": 2, "momentum": 0.8, "frozen_statistics": True},
        FOUR,
        (2, 2, 1, 128),
    ),
    "context": (
        ObjectContext,
        {
            "filters": 6,
            "key_filters": 4,
            "dropout": 0.5,
            "frozen_statistics": True,
        },
        [(2, 6, 8, 8), (2, 6, 8, 3)],
        (2, 6, 8, 6),
    ),
}


def layer_classes():
    """All layers that are defined in the package and not private, by name."""
    found = {}
    for module in pkgutil.iter_modules(hrnet_tf.layers.__path__):
        module = importlib.import_module(f"hrnet_tf.layers.{module.name}")
        for name, value in vars(module).items():
            is_layer = isinstance(value, type) and issubclass(value, keras.layers.Layer)
            if is_layer and value.__module__ == module.__name__:
                if not name.startswith("_"):
                    found[name] = value
    return found
