"""Face landmarks: a pose of one face, tested by its normalised mean error."""

import functools

from hrnet_tf.tasks import options
from hrnet_tf.tasks.base import Option, OwnData, Parts, Task

_EVALUATE = (
    options.ANNOTATIONS,
    options.with_own(
        Option(
            "format",
            ("coco", "300w", "wflw", "aflw", "cofw"),
            "Faces: coco (json), or the official files of 300w, wflw, aflw or cofw.",
            metavar="NAME",
            default="coco; segmentation: folder",
        )
    ),
    options.OWN_SPLIT,
    options.FLIP_TEST_FACES,
    options.BATCH_SIZE,
    options.SKIP_BAD,
    options.KEYPOINTS,
    Option(
        "reference",
        str,
        "The two landmarks whose distance errors are relative to, names or 0-based"
        " indices.",
        metavar="A,B",
        default="the keypoint set's",
    ),
    Option(
        "integer_pixels",
        bool,
        "Cut predictions to whole pixels and add one, as the official code does.",
        flags="--integer-pixels",
    ),
)


def _load():
    from hrnet_tf.data.formats import faces
    from hrnet_tf.models.landmarks import HRNetLandmarks
    from hrnet_tf.tasks.landmarks import own_data
    from hrnet_tf.tasks.landmarks.evaluate import evaluate, plot_tests
    from hrnet_tf.tasks.landmarks.labelled import test_files, test_own
    from hrnet_tf.tasks.landmarks.recipe import landmarks_recipe
    from hrnet_tf.tasks.pose import own_people, picture
    from hrnet_tf.tasks.pose.box_files import known_boxes
    from hrnet_tf.tasks.pose.boxes import check_known
    from hrnet_tf.tasks.pose.detectors import make_detector
    from hrnet_tf.tasks.pose.inference import PoseInference
    from hrnet_tf.tasks.pose.stream import people_stream
    from hrnet_tf.tasks.pose.tracks import track_people

    return Parts(
        models=(HRNetLandmarks,),
        # One face is found as one person is.
        inference=functools.partial(PoseInference, task="landmarks"),
        evaluate=evaluate,
        test=test_files,
        recipe=landmarks_recipe,
        stream=people_stream,
        formats={
            name: functools.partial(faces.load_faces, format=name)
            for name in faces.FORMATS
        },
        draw=picture.draw,
        summary=picture.summary,
        inputs=known_boxes,
        finder=make_detector,
        track=track_people,
        check_known=check_known,
        plot_tests=plot_tests,
        own_data=OwnData(
            reads="pose",
            choose=own_data.choose,
            recipe=own_data.recipe,
            check=own_data.check,
            facts=own_people.facts,
            draw=own_people.draw,
            test=test_own,
            has_records=True,
        ),
    )


LANDMARKS = Task(
    name="landmarks",
    title="face landmarks",
    noun=("face", "faces"),
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
    },
)
