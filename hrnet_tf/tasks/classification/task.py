"""Classification: what an image shows."""

import dataclasses
from pathlib import Path

from hrnet_tf.tasks import options
from hrnet_tf.tasks.base import Option, OwnData, Parts, Task


def _square(side):
    return side, side


_EVALUATE = (
    options.BATCH_SIZE,
    options.SKIP_BAD,
    Option(
        "labels",
        Path,
        "Classification: text file of 'file label' lines, where the images lie in one"
        " folder.",
        metavar="DIR|FILE",
    ),
    options.with_own(options.SPLIT),
    options.OWN_FORMAT,
    options.CROP_FRACTION,
    Option(
        "image_size",
        int,
        "Side of the crop.",
        metavar="PIXELS",
        min=32,
        default="the model's own",
        read=_square,
    ),
    Option(
        "class_names",
        Path,
        "Text file that names the class folders as the model does.",
        metavar="FILE",
    ),
)
_PREDICT = (
    Option(
        "top_k",
        int,
        "Number of classes that are given.",
        flags="--top",
        metavar="N",
        min=1,
        default="5",
    ),
    options.CROP_FRACTION,
)


def _load():
    from hrnet_tf.data.formats import image_folder, tfds
    from hrnet_tf.tasks.classification import labelled, own_data, picture
    from hrnet_tf.tasks.classification.evaluate import evaluate
    from hrnet_tf.tasks.classification.inference import ClassificationInference
    from hrnet_tf.tasks.classification.networks import NETWORKS
    from hrnet_tf.tasks.classification.recipe import classification_recipe
    from hrnet_tf.tasks.classification.stream import classified_stream

    return Parts(
        models=NETWORKS,
        inference=ClassificationInference,
        evaluate=evaluate,
        test=labelled.test_files,
        recipe=classification_recipe,
        stream=classified_stream,
        formats={
            "folders": image_folder.load_folders,
            "list": image_folder.load_listed,
            "tfds": tfds.load_tfds,
        },
        draw=picture.draw,
        summary=picture.summary,
        table=picture.table,
        own_data=OwnData(
            reads="classification",
            choose=own_data.choose,
            recipe=own_data.recipe,
            check=own_data.check,
            facts=own_data.facts,
            draw=own_data.draw,
            test=labelled.test_own,
        ),
    )


CLASSIFICATION = Task(
    name="classification",
    title="classification",
    noun=("image", "images"),
    verb="classifying",
    suffix="classes",
    load=_load,
    carries=("class_names",),
    options={
        "train": (options.SKIP_BAD,),
        "evaluate": _EVALUATE,
        "predict": _PREDICT,
        # A litert file takes crops.
        "export": (dataclasses.replace(options.CROP_FRACTION, only=("saved_model",)),),
    },
)
