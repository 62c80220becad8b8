"""Loading of annotated people for the commands, with progress bars."""

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Format


def load_keypoints(keypoints, format):
    """Returns the `KeypointSet` of a name or descriptor; the format's if None.

    Raises:
        ValueError: if MPII's format does not have these keypoints.
    """
    from hrnet_tf.data.keypoint_sets import load_keypoint_set

    loaded = load_keypoint_set(keypoints or format.value)
    check_keypoints(loaded, format)
    return loaded


def check_keypoints(keypoint_set, format):
    """Raises ValueError if a format does not have the keypoints of a set."""
    from hrnet_tf.data.keypoint_sets import MPII

    if format is Format.mpii and keypoint_set.names != MPII.names:
        raise ValueError(
            f"Files of the format mpii hold MPII's {MPII.num_keypoints} keypoints,"
            f" which are not those of {keypoint_set.name!r}"
            f" ({keypoint_set.num_keypoints}). Convert the file to COCO's format, or"
            " use a model trained on MPII."
        )


def load_people(annotations, images, keypoint_set, format, skip_bad, mat=None):
    """Returns the labelled people, a list of `PoseExample`.

    Args:
        annotations: path of the annotation file.
        images: path of the image folder.
        keypoint_set: `KeypointSet`.
        format: `Format`.
        skip_bad: bool. Warns of bad examples instead of raising.
        mat: path of MPII's gt_valid.mat, or None.
    """
    from hrnet_tf.data.formats import coco, mpii

    with common.progress("checking images") as tick:
        if format is Format.mpii:
            return mpii.load_pose(annotations, images, mat, skip_bad, tick)
        return coco.load_pose(
            annotations, images, keypoint_set, "val", skip_bad, progress=tick
        )


def load_detections(detections, annotations, images, keypoint_set, skip_bad):
    """Returns a detector's boxes, a list of `PoseExample`."""
    from hrnet_tf.data.formats import coco
    from hrnet_tf.metrics.coco_stats import keypoint_category

    category = keypoint_category(annotations)
    with common.progress("checking images") as tick:
        return coco.load_detections(
            detections,
            annotations,
            images,
            category_id=category,
            skip_bad=skip_bad,
            keypoint_set=keypoint_set,
            progress=tick,
        )
