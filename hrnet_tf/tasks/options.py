"""Options that several tasks add to the commands."""

import dataclasses
from pathlib import Path

from hrnet_tf.tasks.base import Option

ANNOTATIONS = Option(
    "annotations",
    list[Path],
    "Annotations, see --format. For faces it may be repeated, to test official subsets"
    " one by one.",
    metavar="FILE",
)
KEYPOINTS = Option(
    "keypoints",
    str,
    "Keypoint set: coco, mpii, lsp, crowdpose, 300w, wflw, cofw, aflw, or a descriptor"
    " (.json or .py).",
    metavar="NAME|FILE",
    default="the model's own",
)
FLIP_TEST = Option(
    "flip_test",
    bool,
    "Whether to average with the mirrored image: twice the time, a little better.",
    flags="--flip-test/--no-flip-test",
)
FLIP_TEST_POSE = dataclasses.replace(
    FLIP_TEST, default="poses: on where pairs of left and right are known"
)
FLIP_TEST_FACES = dataclasses.replace(FLIP_TEST, default="faces: off")
FLIP_TEST_SEGMENTS = dataclasses.replace(
    FLIP_TEST, default="segmentation: the protocol's"
)
FLIP_TEST_PREDICT = dataclasses.replace(
    FLIP_TEST, default="off; an exported model does as it was exported"
)
FLIP_TEST_EXPORT = dataclasses.replace(
    FLIP_TEST,
    flags="--flip-test",
    help="Average with the mirrored image inside the exported model: a little better,"
    " for twice the time.",
)
BATCH_SIZE = Option(
    "batch_size",
    int,
    "People or images that are run at once.",
    metavar="N",
    min=1,
    default="32; segmentation: 8",
)
SKIP_BAD = Option(
    "skip_bad",
    bool,
    "Leave out damaged or contradictory images and people, and say which, instead of"
    " stopping at the first.",
    flags="--skip-bad",
)
SPLIT = Option(
    "split",
    str,
    "Split of a data set in its own layout, or of tfds:NAME.",
    metavar="NAME",
    default="val; tfds: validation",
)
# What `hrnet_tf.data.formats.tools` reads, which is loaded when it is needed.
TOOL_FORMATS = (
    *("coco", "label_studio", "cvat", "sleap", "dlc", "deepposekit", "yolo"),
    *("labelme", "via", "supervisely", "masks", "voc", "class_folders"),
    *("mpii", "300w", "wflw", "aflw", "cofw"),
)
OWN_FORMAT = Option(
    "format",
    TOOL_FORMATS,
    "With --data: the tool that wrote it.",
    metavar="NAME",
    default="with --data: found out",
)
OWN_SPLIT = Option(
    "split",
    str,
    "With --data: the part to test on, train, val, test or all; or the split.json of"
    " the training.",
    metavar="NAME",
    default="val; with --data: as divided by the data, or by the training's split.json"
    " beside the model",
)


def with_own(option: Option) -> Option:
    """Returns an option, format or split, that also serves data of the user's own."""
    own = OWN_FORMAT if option.name == "format" else OWN_SPLIT
    kind = option.type
    if isinstance(kind, tuple):
        kind = tuple(dict.fromkeys((*kind, *own.type)))
    return dataclasses.replace(
        option,
        type=kind,
        official=option.type if isinstance(option.type, tuple) else (),
        help=f"{option.help} {own.help}",
        default=f"{option.default}; {own.default}",
    )


CROP_FRACTION = Option(
    "crop_fraction",
    float,
    "Share of the shorter side that the centre crop takes.",
    metavar="SHARE",
    min=0.01,
    max=1,
    default="the model's own",
)
LOSS = Option(
    "loss",
    ("mse", "cross_entropy"),
    "mse: squared error of the heatmaps, as published. cross_entropy: over the softmax"
    " of all cells, which learns faster from little data.",
    default="the recipe's",
)
TRAIN_KEYPOINTS = Option(
    "keypoints",
    str,
    "Keypoint set of the data: coco, mpii, lsp, crowdpose, 300w, wflw, cofw, aflw, or"
    " a descriptor (.json or .py).",
    metavar="NAME|FILE",
    default="the recipe's",
)
CHECK_KEYPOINTS = dataclasses.replace(TRAIN_KEYPOINTS, default="what the data tell")
# What finds people and faces has in common when it predicts.
BOXES = Option(
    "boxes",
    Path,
    "Where the people are, in pixels of the image:"
    ' {"image.jpg": [[x, y, width, height], ...], ...}; or COCO annotations or'
    " detections; or, for one image, a list of boxes. Boxes of a video are those of all"
    " its frames.",
    metavar="FILE.json",
    default="the whole image is one person",
)
MIN_SCORE = Option(
    "min_score",
    float,
    "Keypoints with a lower score are not drawn.",
    metavar="SCORE",
    min=0,
    max=1,
    default="0.2",
)
MIN_BOX_SCORE = Option(
    "min_box_score",
    float,
    "A detector's boxes with a lower score are left out.",
    metavar="SCORE",
    min=0,
    max=1,
    default="of files 0, with --detector 0.3",
)
DRAW_BOXES = Option(
    "draw_boxes", bool, "Also draw the boxes in the pictures.", flags="--draw-boxes"
)
DETECTOR = Option(
    "detector",
    str,
    "What finds the people, or faces, in every image and frame: a detection model (a"
    " .keras file or an exported folder), or keras_hub:NAME, a preset of KerasHub's"
    " object detectors.",
    metavar="MODEL",
    default="none",
)
DETECT_CLASS = Option(
    "detect_class",
    str,
    "The detector's class that is wanted, by its name or its number from 0.",
    metavar="NAME|N",
    default="person or face, or the only one",
)
MIN_BOX_SCORE_EXPORT = dataclasses.replace(
    MIN_BOX_SCORE, default="0.3", only=("saved_model",)
)
DETECTOR_EXPORT = dataclasses.replace(
    DETECTOR,
    type=Path,
    help="A detection model that becomes part of the export, which then finds the"
    " people of image files itself.",
    metavar="MODEL.keras",
    only=("saved_model",),
    is_model=True,
)
PEOPLE_EXPORT = (
    FLIP_TEST_EXPORT,
    DETECTOR_EXPORT,
    dataclasses.replace(DETECT_CLASS, only=("saved_model",)),
    MIN_BOX_SCORE_EXPORT,
)
TRACK = Option(
    "track",
    bool,
    "In videos give each one found a number that it keeps over the frames, and a colour"
    " of its own.",
    flags="--track",
)
PEOPLE_PREDICT = (
    FLIP_TEST_PREDICT,
    BOXES,
    DETECTOR,
    DETECT_CLASS,
    MIN_SCORE,
    MIN_BOX_SCORE,
    DRAW_BOXES,
    TRACK,
)


def numbers(text: str) -> tuple[float, ...]:
    """Returns the numbers of a text such as "0.75,1,1.25", a tuple of float.

    Raises:
        ValueError: if it holds anything else.
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(
            "`scales` takes numbers with commas between, such as 0.75,1,1.25."
            f" Received: {text!r}."
        ) from None


SCALES = Option(
    "scales",
    str,
    "Scales whose results are added, such as 0.75,1,1.25.",
    metavar="S,S,...",
    read=numbers,
)
