"""Detection: objects, their boxes and classes, and their masks."""

import dataclasses
from pathlib import Path

from hrnet_tf.tasks import options
from hrnet_tf.tasks.base import Option, OwnData, Parts, Task


def _limits(text):
    """Returns (longer, shorter) of a text such as "1333x800"."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise ValueError(
            f"`limits` takes LONGERxSHORTER, such as 1333x800. Received: {text!r}."
        )
    longer, shorter = sorted(map(int, sides), reverse=True)
    return longer, shorter


_LIMITS = Option(
    "limits",
    str,
    "Detection: images run as large as fits within these longer and shorter sides.",
    metavar="LONGERxSHORTER",
    default="detection: the model's image size, or 1333x800",
    read=_limits,
)
_OBJECTS = Option(
    "objects",
    str,
    "Object set: coco, voc, people, bccd, or a descriptor (.json or .py).",
    metavar="NAME|FILE",
    default="the model's own",
)
_FORMAT = Option(
    "format",
    ("coco", "voc", "yolo"),
    "Objects: coco (json of instances), voc (its folder, or xml beside pictures) or"
    " yolo (data.yaml or its folder).",
    metavar="NAME",
    default="coco; segmentation: folder",
)
_SPLIT = dataclasses.replace(
    options.SPLIT, default="val; tfds: validation; detection: all pictures"
)
_SCORE_THRESHOLD = Option(
    "score_threshold",
    float,
    "Detection: objects of a lower score are left out.",
    metavar="SCORE",
    min=0,
    max=1,
    default="0.05",
)
_MAX_DETECTIONS = Option(
    "max_detections",
    int,
    "Detection: the most objects of an image.",
    metavar="N",
    min=1,
    default="100",
)
_TRAIN_OBJECTS = dataclasses.replace(
    _OBJECTS,
    help="Object set of the data: coco, voc, people, bccd, or a descriptor (.json or"
    " .py).",
    default="the recipe's, or what the data tell",
)
_EVALUATE = (
    options.ANNOTATIONS,
    options.with_own(_FORMAT),
    options.with_own(_SPLIT),
    _OBJECTS,
    _LIMITS,
    options.BATCH_SIZE,
    options.SKIP_BAD,
)
_PREDICT = (
    _LIMITS,
    _SCORE_THRESHOLD,
    _MAX_DETECTIONS,
    dataclasses.replace(
        options.MIN_SCORE,
        help="Objects with a lower score are not drawn.",
        default="keypoints 0.2, objects 0.3",
    ),
    options.TRACK,
)
_RECORDS = (
    Option(
        "annotations",
        Path,
        "Json of the objects, where the format is coco.",
        metavar="FILE.json",
    ),
    options.with_own(dataclasses.replace(_FORMAT, default="coco")),
    Option(
        "split",
        str,
        "Split of VOC's or YOLO's data.",
        metavar="NAME",
        default="all pictures",
    ),
    dataclasses.replace(_OBJECTS, default="the data's own"),
    Option("masks", bool, "Also write the objects' masks.", flags="--masks"),
    options.SKIP_BAD,
)


def _load():
    from hrnet_tf.models.cascade_rcnn import HRNetCascadeRCNN
    from hrnet_tf.models.faster_rcnn import HRNetFasterRCNN
    from hrnet_tf.models.fcos import HRNetFCOS
    from hrnet_tf.tasks.detection import labelled, own_data, own_objects, picture
    from hrnet_tf.tasks.detection.evaluate import evaluate
    from hrnet_tf.tasks.detection.inference import DetectionInference
    from hrnet_tf.tasks.detection.own_test import test_own
    from hrnet_tf.tasks.detection.recipe import detection_recipe
    from hrnet_tf.tasks.detection.stream import objects_stream
    from hrnet_tf.tasks.detection.tracks import track_objects

    return Parts(
        models=(HRNetFasterRCNN, HRNetCascadeRCNN, HRNetFCOS),
        inference=DetectionInference,
        evaluate=evaluate,
        test=labelled.test_files,
        recipe=detection_recipe,
        stream=objects_stream,
        formats=labelled.FORMATS,
        draw=picture.draw,
        summary=picture.summary,
        track=track_objects,
        records=labelled.write_records,
        own_data=OwnData(
            reads="detection",
            choose=own_data.choose,
            recipe=own_data.recipe,
            check=own_objects.check,
            facts=own_objects.facts,
            draw=own_objects.draw,
            test=test_own,
            fit=own_objects.fitted,
            has_records=True,
        ),
    )


DETECTION = Task(
    name="detection",
    title="detection",
    noun=("object", "objects"),
    verb="finding objects",
    suffix="objects",
    load=_load,
    carries=("class_names",),
    options={
        "train": (_TRAIN_OBJECTS, options.SKIP_BAD),
        "check": (dataclasses.replace(_TRAIN_OBJECTS, default="what the data tell"),),
        "evaluate": _EVALUATE,
        "predict": _PREDICT,
        "export": (_LIMITS, _SCORE_THRESHOLD, _MAX_DETECTIONS),
        "records": _RECORDS,
    },
)
