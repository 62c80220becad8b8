"""Segmentation: the class of each pixel."""

import dataclasses
from pathlib import Path

from hrnet_tf.tasks import options
from hrnet_tf.tasks.base import Comparison, Option, OwnData, Parts, Task
from hrnet_tf.tasks.drawn import draw_people

_TRAIN = (
    Option(
        "labels",
        str,
        "Label set of a segmentation: camvid, cityscapes, ..., or a descriptor (.json"
        " or .py).",
        metavar="NAME|FILE",
        default="the recipe's",
    ),
    options.SKIP_BAD,
)
_EVALUATE = (
    options.with_own(
        Option(
            "format",
            (
                *("folder", "list", "cityscapes", "lip", "pascal_context", "ade20k"),
                "coco_stuff",
            ),
            "Segmentation: folder (images and label PNGs), list (lines 'image label'),"
            " or the layout of cityscapes, lip, pascal_context, ade20k or coco_stuff.",
            metavar="NAME",
            default="coco; segmentation: folder",
        )
    ),
    options.FLIP_TEST_SEGMENTS,
    options.BATCH_SIZE,
    options.SKIP_BAD,
    Option(
        "labels",
        Path,
        "Segmentation: folder of the label PNGs.",
        metavar="DIR|FILE",
    ),
    options.with_own(options.SPLIT),
    Option(
        "label_set",
        str,
        "Label set: camvid, cityscapes, ade20k, ..., or a descriptor (.json or .py).",
        metavar="NAME|FILE",
        default="the model's own",
    ),
    Option(
        "list_file",
        Path,
        "Official list file, for --format list or lip.",
        flags="--list",
        metavar="FILE",
    ),
    Option(
        "protocol",
        str,
        "Rules of the test: whole (every image at its size), cityscapes,"
        " pascal_context, pascal_context_ocr, lip, ade20k, coco_stuff.",
        metavar="NAME",
        default="whole",
    ),
    dataclasses.replace(options.SCALES, default="the protocol's"),
    Option(
        "save_labels",
        bool,
        "Write every prediction into OUT/labels, in the data set's own values.",
        flags="--save-labels",
    ),
)
_PREDICT = (
    options.FLIP_TEST_PREDICT,
    dataclasses.replace(options.SCALES, default="1"),
    Option(
        "tile",
        int,
        "Run images in tiles of this size, a multiple of 32: for images that are larger"
        " than the memory.",
        metavar="PIXELS",
        min=32,
        default="whole images",
    ),
    Option(
        "alpha",
        float,
        "How much the colours hide the image.",
        metavar="SHARE",
        min=0,
        max=1,
        default="0.6",
    ),
)


def _size(text):
    """Returns (height, width) of a text such as "512x1024"."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise ValueError(
            f"`image_size` takes HEIGHTxWIDTH, such as 512x1024. Received: {text!r}."
        )
    return tuple(map(int, sides))


_EXPORT = (
    options.FLIP_TEST_EXPORT,
    Option(
        "image_size",
        str,
        "Size of the images that a litert segmenter takes, fixed.",
        metavar="HEIGHTxWIDTH",
        default="the model's own",
        read=_size,
        only=("litert", "openvino", "onnx"),
    ),
)


def _load():
    from hrnet_tf.tasks.segmentation import (
        labelled,
        own_classes,
        own_data,
        own_test,
        picture,
    )
    from hrnet_tf.tasks.segmentation.evaluate import evaluate
    from hrnet_tf.tasks.segmentation.inference import SegmentationInference
    from hrnet_tf.tasks.segmentation.networks import NETWORKS
    from hrnet_tf.tasks.segmentation.recipe import segmentation_recipe
    from hrnet_tf.tasks.segmentation.result import SegmentationMap
    from hrnet_tf.tasks.segmentation.stream import labelled_stream

    return Parts(
        models=NETWORKS,
        inference=SegmentationInference,
        evaluate=evaluate,
        test=labelled.test_files,
        recipe=segmentation_recipe,
        stream=labelled_stream,
        formats=labelled.FORMATS,
        draw=picture.draw,
        summary=picture.summary,
        files={"_labels.png": SegmentationMap.save_labels},
        own_data=OwnData(
            reads="segmentation",
            choose=own_data.choose,
            recipe=own_data.recipe,
            check=own_classes.check,
            facts=own_classes.facts,
            draw=own_classes.draw,
            test=own_test.test_own,
        ),
    )


SEGMENTATION = Task(
    name="segmentation",
    title="segmentation",
    noun=("image", "images"),
    verb="segmenting",
    suffix="segmentation",
    load=_load,
    carries=("label_set",),
    options={
        "train": _TRAIN,
        "check": (dataclasses.replace(_TRAIN[0], default="what the data tell"),),
        "evaluate": _EVALUATE,
        "predict": _PREDICT,
        "export": _EXPORT,
    },
    comparison=Comparison(
        recipe="synthetic_parts",
        systems=(
            "hrnet_w18_small_v1",
            "hrnet_w18_small_v1:exchanges=final",
            "unet_small",
            "segnet_small",
            "deconvnet_small",
            "deeplab_small",
        ),
        draw=draw_people,
    ),
)
