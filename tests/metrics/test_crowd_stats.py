"""CrowdPose's numbers, by hand and on real annotations."""

import numpy as np
import pytest

from hrnet_tf.data.formats.coco_people import load_people
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.metrics.crowd_stats import STAT_NAMES, crowd_keypoint_stats
from hrnet_tf.tasks.bottom_up.evaluate import checked_metric, score
from hrnet_tf.tasks.bottom_up.picture import labelled_people

CROWDPOSE = load_keypoint_set("crowdpose")


def truth_and_results(crowding, moved=()):
    """An image for each crowd index, with a person of 14 points on a line."""
    annotations, results = [], []
    for image_id in range(1, len(crowding) + 1):
        points = np.stack([np.arange(14) * 5.0, np.full(14, 20.0)], -1)
        fields = {"image_id": image_id, "category_id": 1}
        labelled = np.concatenate([points, np.full((14, 1), 2.0)], 1)
        annotations.append(
            {
                **fields,
                "id": image_id,
                "iscrowd": 0,
                "bbox": [0, 0, 70, 40],
                "keypoints": labelled.ravel().tolist(),
            }
        )
        labelled[:, 0] += 1000 if image_id in moved else 0
        keypoints = labelled.ravel().tolist()
        results.append({**fields, "keypoints": keypoints, "score": 0.5})
    images = [{"id": number + 1} for number in range(len(crowding))]
    indices = {number + 1: index for number, index in enumerate(crowding)}
    return {"images": images, "annotations": annotations}, results, indices


def test_images_count_where_their_crowd_index_puts_them():
    truth, results, indices = truth_and_results((0.1, 0.2, 0.79, 0.8), moved=(4,))
    found = crowd_keypoint_stats(truth, results, CROWDPOSE.sigmas, indices)
    assert tuple(found) == STAT_NAMES
    assert found["AP (easy)"] == pytest.approx(1)
    assert found["AP (medium)"] == pytest.approx(1)
    assert found["AP (hard)"] == 0 and found["AR"] == pytest.approx(0.75)
    del indices[3]
    with pytest.raises(ValueError, match="1 of 4 lack, such as the image 3"):
        crowd_keypoint_stats(truth, results, CROWDPOSE.sigmas, indices)


def test_the_area_is_a_part_of_the_box():
    """Points that are off by d have an OKS of exp(-d^2 / (8 s^2 * 0.53 * w h))."""
    truth, results, indices = truth_and_results((0.5,))
    keypoints = np.reshape(results[0]["keypoints"], (14, 3))
    similarity = 0.73
    spread = 8 * np.square(CROWDPOSE.sigmas) * 0.53 * 70 * 40
    keypoints[:, 1] += np.sqrt(-np.log(similarity) * spread)
    results[0]["keypoints"] = keypoints.ravel().tolist()
    found = crowd_keypoint_stats(truth, results, CROWDPOSE.sigmas, indices)
    # The thresholds 0.5, 0.55, ..., 0.7 of ten.
    assert found["AP"] == pytest.approx(0.5) and found["AP .75"] == 0


def test_real_annotations_found_exactly_score_one(shared):
    folder = shared / "samples" / "crowdpose"
    path = folder / "test_crowdpose.json"
    examples = load_people(path, folder, CROWDPOSE, "val")
    assert [example.crowd_index for example in examples] == [0.33, 0.39]
    exact = [labelled_people(example, CROWDPOSE) for example in examples]
    metric = checked_metric(None, CROWDPOSE)
    numbers = score(exact, examples, CROWDPOSE, metric, path)
    assert numbers["AP"] == pytest.approx(1)
    assert numbers["AP (medium)"] == pytest.approx(1)
    assert numbers["AP (easy)"] == numbers["AP (hard)"] == -1
