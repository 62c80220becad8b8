"""Top-down human pose."""

from pathlib import Path

from hrnet_tf.tasks import options
from hrnet_tf.tasks.base import Comparison, Option, OwnData, Parts, Task
from hrnet_tf.tasks.drawn import draw_people

_EVALUATE = (
    options.ANNOTATIONS,
    options.with_own(
        Option(
            "format",
            ("coco", "mpii"),
            "Poses: coco (json) or mpii.",
            metavar="NAME",
            default="coco; segmentation: folder",
        )
    ),
    options.OWN_SPLIT,
    options.FLIP_TEST_POSE,
    options.BATCH_SIZE,
    options.SKIP_BAD,
    options.KEYPOINTS,
    Option(
        "boxes",
        str,
        "Where the people are: in the annotated boxes, or in a detector's (a COCO"
        " result file: image_id, category_id 1, bbox, score), as in the published AP on"
        " COCO.",
        metavar="ground-truth|FILE",
        default="ground-truth",
    ),
    Option(
        "metric",
        ("oks", "pckh", "pck"),
        "oks: COCO's AP and AR (0 to 1). pckh: MPII's PCKh@0.5 (percent). pck:"
        " keypoints within 0.2 of the distance between the two reference joints of the"
        " keypoint set, such as the torso (0 to 1).",
        default="the keypoint set's",
    ),
    Option(
        "ground_truth_mat",
        Path,
        "Official head boxes of MPII's valid.json, which pckh needs.",
        metavar="gt_valid.mat",
    ),
)
_RECORDS = (
    Option(
        "annotations",
        Path,
        "Annotations of the people, see --format.",
        metavar="FILE.json",
    ),
    Option(
        "keypoints",
        str,
        "Keypoint set: coco, mpii, lsp, crowdpose, or a descriptor (.json or .py).",
        metavar="NAME|FILE",
        default="the format's",
    ),
    options.with_own(
        Option(
            "format",
            ("coco", "mpii"),
            "coco: COCO's json, with any keypoints. mpii: the json of the official pose"
            " code.",
            default="coco",
        )
    ),
    options.SKIP_BAD,
)


def _load():
    from hrnet_tf.data.formats import coco, mpii
    from hrnet_tf.tasks.pose import labelled, own_data, own_people, own_test, picture
    from hrnet_tf.tasks.pose.box_files import known_boxes
    from hrnet_tf.tasks.pose.boxes import check_known
    from hrnet_tf.tasks.pose.detectors import make_detector
    from hrnet_tf.tasks.pose.evaluate import evaluate
    from hrnet_tf.tasks.pose.inference import PoseInference
    from hrnet_tf.tasks.pose.networks import NETWORKS
    from hrnet_tf.tasks.pose.recipe import pose_recipe
    from hrnet_tf.tasks.pose.stream import people_stream
    from hrnet_tf.tasks.pose.tracks import track_people

    return Parts(
        models=NETWORKS,
        inference=PoseInference,
        evaluate=evaluate,
        test=labelled.test_files,
        recipe=pose_recipe,
        stream=people_stream,
        formats={"coco": coco.load_pose, "mpii": mpii.load_pose},
        draw=picture.draw,
        summary=picture.summary,
        inputs=known_boxes,
        finder=make_detector,
        track=track_people,
        check_known=check_known,
        records=labelled.write_records,
        own_data=OwnData(
            reads="pose",
            choose=own_data.choose,
            recipe=own_data.recipe,
            check=own_people.check,
            facts=own_people.facts,
            draw=own_people.draw,
            test=own_test.test_own,
            has_records=True,
        ),
    )


POSE = Task(
    name="pose",
    title="human pose",
    noun=("person", "people"),
    verb="finding keypoints",
    suffix="keypoints",
    load=_load,
    carries=("keypoint_set",),
    options={
        "train": (options.LOSS, options.TRAIN_KEYPOINTS, options.SKIP_BAD),
        "check": (options.CHECK_KEYPOINTS,),
        "evaluate": _EVALUATE,
        "predict": options.PEOPLE_PREDICT,
        "export": options.PEOPLE_EXPORT,
        "records": _RECORDS,
    },
    comparison=Comparison(
        recipe="synthetic_pose",
        systems=(
            "hrnet_w18_small_v1",
            "hrnet_w18_small_v1:exchanges=final",
            "lite_hrnet_18",
            "resnet50",
            "hourglass_1:depth=3",
        ),
        draw=draw_people,
    ),
)
