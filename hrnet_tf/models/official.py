"""The networks of the official repositories, task by task."""

from typing import NamedTuple

_ALL_WIDTHS = (
    "hrnet_w18_small_v1",
    "hrnet_w18_small_v2",
    "hrnet_w18",
    "hrnet_w30",
    "hrnet_w32",
    "hrnet_w40",
    "hrnet_w44",
    "hrnet_w48",
    "hrnet_w64",
)
_POSE_WIDTHS = ("hrnet_w32", "hrnet_w48")
_SEGMENTATION_WIDTHS = ("hrnet_w18_small_v1", "hrnet_w18_small_v2", "hrnet_w48")
_DETECTION_WIDTHS = ("hrnet_w18", "hrnet_w32", "hrnet_w40", "hrnet_w48")
_LITE = (
    "lite_hrnet_18",
    "lite_hrnet_30",
    "naive_lite_hrnet_18",
    "wider_naive_lite_hrnet_18",
)
_RESNETS = ("resnet50", "resnet101", "resnet152")


class OfficialNetwork(NamedTuple):
    """A published network.

    Attributes:
        task: str.
        dataset: str. What it was published for.
        model: str. Name of our class.
        preset: str. A preset of that class.
        head: dict. Arguments of the head.
        image_size: (height, width) of its input.
    """

    task: str
    dataset: str
    model: str
    preset: str
    head: dict
    image_size: tuple


# Task, data set, class, presets, head, sizes of the input.
_GROUPS = (
    (
        "pose",
        "COCO",
        "HRNetPose",
        _POSE_WIDTHS,
        {"num_keypoints": 17},
        ((256, 192), (384, 288)),
    ),
    ("pose", "MPII", "HRNetPose", _POSE_WIDTHS, {"num_keypoints": 16}, ((256, 256),)),
    (
        "pose",
        "COCO",
        "SimpleBaselinePose",
        _RESNETS,
        {"num_keypoints": 17},
        ((256, 192), (384, 288)),
    ),
    (
        "pose",
        "MPII",
        "SimpleBaselinePose",
        _RESNETS,
        {"num_keypoints": 16},
        ((256, 256),),
    ),
    (
        "pose",
        "COCO",
        "LiteHRNetPose",
        _LITE,
        {"num_keypoints": 17},
        ((256, 192),),
    ),
    (
        "pose",
        "COCO",
        "LiteHRNetPose",
        _LITE[:2],
        {"num_keypoints": 17},
        ((384, 288),),
    ),
    ("pose", "MPII", "LiteHRNetPose", _LITE, {"num_keypoints": 16}, ((256, 256),)),
    (
        "pose",
        "COCO",
        "StackedHourglassPose",
        ("hourglass_8",),
        {"num_keypoints": 17},
        ((256, 192),),
    ),
    (
        "pose",
        "MPII",
        "StackedHourglassPose",
        ("hourglass_1", "hourglass_2", "hourglass_8"),
        {"num_keypoints": 16},
        ((256, 256),),
    ),
    (
        "bottom-up pose",
        "COCO",
        "HigherHRNetPose",
        ("hrnet_w32",),
        {"num_keypoints": 17},
        ((512, 512),),
    ),
    (
        "bottom-up pose",
        "COCO",
        "HigherHRNetPose",
        ("hrnet_w48",),
        {"num_keypoints": 17},
        ((640, 640),),
    ),
    (
        "bottom-up pose",
        "CrowdPose",
        "HigherHRNetPose",
        ("hrnet_w32",),
        {"num_keypoints": 14},
        ((512, 512),),
    ),
    *(
        (
            "landmarks",
            dataset,
            "HRNetLandmarks",
            ("hrnet_w18",),
            {"num_keypoints": count},
            ((256, 256),),
        )
        for dataset, count in (("WFLW", 98), ("300W", 68), ("COFW", 29), ("AFLW", 19))
    ),
    (
        "segmentation",
        "Cityscapes",
        "HRNetSegmenter",
        _SEGMENTATION_WIDTHS,
        {"num_classes": 19},
        ((512, 1024),),
    ),
    *(
        (
            "segmentation",
            dataset,
            model,
            ("hrnet_w48",),
            {"num_classes": count},
            (size,),
        )
        for dataset, model, count, size in (
            ("LIP", "HRNetSegmenter", 20, (473, 473)),
            ("PASCAL-Context", "HRNetSegmenter", 59, (480, 480)),
            ("PASCAL-Context", "HRNetSegmenter", 60, (480, 480)),
            ("ADE20K", "HRNetSegmenter", 150, (520, 520)),
            ("Cityscapes", "HRNetOCRSegmenter", 19, (512, 1024)),
            ("LIP", "HRNetOCRSegmenter", 20, (473, 473)),
            ("PASCAL-Context", "HRNetOCRSegmenter", 59, (520, 520)),
            ("PASCAL-Context", "HRNetOCRSegmenter", 60, (520, 520)),
            ("COCO-Stuff", "HRNetOCRSegmenter", 171, (520, 520)),
            ("ADE20K", "HRNetOCRSegmenter", 150, (520, 520)),
        )
    ),
    (
        "detection",
        "COCO",
        "HRNetFeaturePyramid",
        _DETECTION_WIDTHS,
        {},
        ((800, 1280),),
    ),
    (
        "classification",
        "ImageNet",
        "HRNetClassifier",
        _ALL_WIDTHS,
        {"num_classes": 1000},
        ((224, 224),),
    ),
)

NETWORKS = tuple(
    OfficialNetwork(task, dataset, model, preset, head, size)
    for task, dataset, model, presets, head, sizes in _GROUPS
    for preset in presets
    for size in sizes
)
TASKS = tuple(dict.fromkeys(network.task for network in NETWORKS))
