"""Bottom-up human pose: all people of an image at once, without boxes."""

import dataclasses

from hrnet_tf.tasks import options
from hrnet_tf.tasks.base import Option, OwnData, Parts, Task

_SHORTER_SIDE = Option(
    "shorter_side",
    int,
    "Bottom-up poses: pixels of the image's shorter side at scale 1, divisible by 32.",
    metavar="PIXELS",
    min=32,
    default="bottom-up poses: the model's, 512 or 640",
)
_LIMIT = Option(
    "limit",
    int,
    "Bottom-up poses: the most people of an image, the surest.",
    metavar="N",
    min=1,
    default="no limit, as officially",
)
_MAX_PEOPLE = Option(
    "max_people",
    int,
    "Bottom-up poses: peaks of each keypoint that are put together to people.",
    metavar="N",
    min=1,
    default="30",
)
_SCALES = dataclasses.replace(
    options.SCALES,
    help=f"{options.SCALES.help} Bottom-up poses: whose heatmaps are averaged, one of"
    " them 1.",
    default="1",
)
_EVALUATE = (
    options.ANNOTATIONS,
    options.with_own(
        Option(
            "format",
            ("coco",),
            "Bottom-up poses: coco, as CrowdPose's files are, too.",
            metavar="NAME",
            default="coco; segmentation: folder",
        )
    ),
    options.OWN_SPLIT,
    options.FLIP_TEST_POSE,
    options.SKIP_BAD,
    options.KEYPOINTS,
    Option(
        "metric",
        ("oks", "crowdpose"),
        "crowdpose: AP and AR by OKS, and AP of easy, medium and hard images.",
        default="the keypoint set's",
    ),
    _SCALES,
    _SHORTER_SIDE,
    _LIMIT,
)
_PREDICT = (
    options.FLIP_TEST_PREDICT,
    _SCALES,
    _SHORTER_SIDE,
    _LIMIT,
    options.MIN_SCORE,
    options.DRAW_BOXES,
    Option(
        "min_person_score",
        float,
        "Bottom-up poses: people with a lower score, the mean over all their keypoints,"
        " are not drawn.",
        metavar="SCORE",
        min=0,
        max=1,
        default="0.1",
    ),
    options.TRACK,
)


def _load():
    from hrnet_tf.models.higher_pose import HigherHRNetPose
    from hrnet_tf.tasks.bottom_up import labelled, own_data, own_people, picture
    from hrnet_tf.tasks.bottom_up.evaluate import evaluate
    from hrnet_tf.tasks.bottom_up.inference import BottomUpInference
    from hrnet_tf.tasks.bottom_up.own_test import test_own
    from hrnet_tf.tasks.bottom_up.recipe import bottom_up_recipe
    from hrnet_tf.tasks.bottom_up.stream import scenes_stream
    from hrnet_tf.tasks.bottom_up.tracks import track_people
    from hrnet_tf.tasks.pose import own_people as one_person

    return Parts(
        models=(HigherHRNetPose,),
        inference=BottomUpInference,
        evaluate=evaluate,
        test=labelled.test_files,
        recipe=bottom_up_recipe,
        stream=scenes_stream,
        formats=labelled.FORMATS,
        draw=picture.draw,
        summary=picture.summary,
        track=track_people,
        own_data=OwnData(
            reads="pose",
            choose=own_data.choose,
            recipe=own_data.recipe,
            check=own_people.check,
            facts=own_people.facts,
            draw=one_person.draw,
            test=test_own,
        ),
    )


BOTTOM_UP = Task(
    name="bottom_up",
    title="bottom-up human pose",
    noun=("person", "people"),
    verb="finding people",
    suffix="people",
    load=_load,
    carries=("keypoint_set",),
    options={
        "train": (options.TRAIN_KEYPOINTS, options.SKIP_BAD),
        "check": (options.CHECK_KEYPOINTS,),
        "evaluate": _EVALUATE,
        "predict": _PREDICT,
        "export": (options.FLIP_TEST_EXPORT, _SCALES, _SHORTER_SIDE, _MAX_PEOPLE),
    },
)
