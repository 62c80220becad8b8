"""The options of `hrnet evaluate`, in panels by task."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli.options import task_option
from hrnet_tf.cli.pose import GROUND_TRUTH


class AnnotationFormat(str, enum.Enum):
    coco = "coco"
    mpii = "mpii"
    w300 = "300w"
    wflw = "wflw"
    aflw = "aflw"
    cofw = "cofw"
    folder = "folder"
    list = "list"
    cityscapes = "cityscapes"
    lip = "lip"
    pascal_context = "pascal_context"
    ade20k = "ade20k"
    coco_stuff = "coco_stuff"


class Metric(str, enum.Enum):
    oks = "oks"
    pckh = "pckh"
    pck = "pck"


_PEOPLE = "human pose and face landmarks"
ModelOption = Annotated[
    Path,
    typer.Option(
        metavar="MODEL.keras",
        show_default=False,
        help="Model to test, such as the best.keras of `hrnet train`. Its class says"
        " which task is tested.",
    ),
]
ImagesOption = Annotated[
    str,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Folder of the images: what file names in annotations and lists are"
        " relative to; of a segmentation data set in its own layout, its folder; for"
        " classification, one folder a class, or tfds:NAME.",
    ),
]
FormatOption = Annotated[
    AnnotationFormat | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Poses: coco (json) or mpii. Faces: coco (json), or the official files of"
        " 300w, wflw, aflw or cofw. Segmentation: folder (images and label PNGs), list"
        " (lines 'image label'), or the layout of cityscapes, lip, pascal_context,"
        " ade20k or coco_stuff.",
        show_default="coco; segmentation: folder",
    ),
]
AnnotationsOption = Annotated[
    list[Path] | None,
    task_option(
        task=_PEOPLE,
        metavar="FILE",
        show_default=False,
        help="Annotations, see --format. For faces it may be repeated, to test official"
        " subsets one by one.",
    ),
]
FlipTestOption = Annotated[
    bool | None,
    typer.Option(
        "--flip-test/--no-flip-test",
        metavar="",
        help="Whether to average with the mirrored image: twice the time, a little"
        " better.",
        show_default="poses: on; faces: off; segmentation: the protocol's",
    ),
]
KeypointsOption = Annotated[
    str | None,
    task_option(
        task=_PEOPLE,
        metavar="NAME|FILE",
        help="Keypoint set: coco, mpii, lsp, 300w, wflw, cofw, aflw, or a descriptor"
        " (.json or .py).",
        show_default="the model's own",
    ),
]
BoxesOption = Annotated[
    str | None,
    task_option(
        task="pose",
        metavar=f"{GROUND_TRUTH}|FILE",
        help="Where the people are: in the annotated boxes, or in a detector's"
        " (a COCO result file: image_id, category_id 1, bbox, score), as in the"
        " published AP on COCO.",
        show_default=GROUND_TRUTH,
    ),
]
MetricOption = Annotated[
    Metric | None,
    task_option(
        task="pose",
        help="oks: COCO's AP and AR (0 to 1). pckh: MPII's PCKh@0.5 (percent). pck:"
        " keypoints within 0.2 of the distance between the two reference joints"
        " of the keypoint set, such as the torso (0 to 1).",
        show_default="the keypoint set's",
    ),
]
GroundTruthMatOption = Annotated[
    Path | None,
    task_option(
        task="pose",
        metavar="gt_valid.mat",
        help="Official head boxes of MPII's valid.json, which pckh needs.",
        show_default=False,
    ),
]
ReferenceOption = Annotated[
    str | None,
    task_option(
        task="landmarks",
        metavar="A,B",
        help="The two landmarks whose distance errors are relative to, names or"
        " 0-based indices.",
        show_default="the keypoint set's",
    ),
]
IntegerPixelsOption = Annotated[
    bool | None,
    task_option(
        "--integer-pixels",
        task="landmarks",
        metavar="",
        help="Cut predictions to whole pixels and add one, as the official code does.",
    ),
]
LabelsOption = Annotated[
    Path | None,
    task_option(
        task="segmentation and classification",
        metavar="DIR|FILE",
        help="Segmentation: folder of the label PNGs. Classification: text file of"
        " 'file label' lines, where the images lie in one folder.",
        show_default=False,
    ),
]
SplitOption = Annotated[
    str | None,
    task_option(
        task="segmentation and classification",
        metavar="NAME",
        help="Split of a data set in its own layout, or of tfds:NAME.",
        show_default="val; tfds: validation",
    ),
]
LabelSetOption = Annotated[
    str | None,
    task_option(
        task="segmentation",
        metavar="NAME|FILE",
        help="Label set: camvid, cityscapes, ade20k, ..., or a descriptor (.json or"
        " .py).",
        show_default="the model's own",
    ),
]
ListOption = Annotated[
    Path | None,
    task_option(
        "--list",
        task="segmentation",
        metavar="FILE",
        help="Official list file, for --format list or lip.",
        show_default=False,
    ),
]
ProtocolOption = Annotated[
    str | None,
    task_option(
        task="segmentation",
        metavar="NAME",
        help="Rules of the test: whole (every image at its size), cityscapes,"
        " pascal_context, pascal_context_ocr, lip, ade20k, coco_stuff.",
        show_default="whole",
    ),
]
ScalesOption = Annotated[
    str | None,
    task_option(
        task="segmentation",
        metavar="S,S,...",
        help="Scales whose results are added, such as 0.75,1,1.25.",
        show_default="the protocol's",
    ),
]
SaveLabelsOption = Annotated[
    bool | None,
    task_option(
        "--save-labels",
        task="segmentation",
        metavar="",
        help="Write every prediction into OUT/labels, in the data set's own values.",
    ),
]
CropFractionOption = Annotated[
    float | None,
    task_option(
        task="classification",
        metavar="SHARE",
        min=0.01,
        max=1,
        help="Share of the shorter side that the centre crop takes.",
        show_default="the model's own",
    ),
]
ImageSizeOption = Annotated[
    int | None,
    task_option(
        task="classification",
        metavar="PIXELS",
        min=32,
        help="Side of the crop.",
        show_default="the model's own",
    ),
]
ClassNamesOption = Annotated[
    Path | None,
    task_option(
        task="classification",
        metavar="FILE",
        help="Text file that names the class folders as the model does.",
        show_default=False,
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="People or images that are run at once.",
        min=1,
        show_default="32; segmentation: 8",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json|DIR",
        help="File for the numbers (of one annotation file); for all tasks but pose"
        " also a folder, for plots and pictures as well.",
        show_default=False,
    ),
]
