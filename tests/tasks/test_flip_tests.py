"""Whether tests of keypoints mirror the images, where nobody says so."""

import types

import pytest

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.tasks.bottom_up import evaluate as bottom_up
from hrnet_tf.tasks.bottom_up.recipe import coco_bottom_up_recipe
from hrnet_tf.tasks.pose import evaluate as pose

NAMES = ("hub", "left", "right")
KNOWN = KeypointSet("known", NAMES, (("left", "right"),), sigmas=(0.1, 0.1, 0.1))
# As a gauge's: its mirrored image is none, and nothing is learnt of it.
UNKNOWN = KeypointSet("unknown", ("hub", "tip"), sigmas=(0.1, 0.1))
CASES = [(KNOWN, None, True), (UNKNOWN, None, False), (UNKNOWN, True, True)]


class Asked(Exception):
    """Ends a test where it is known whether it mirrors."""


@pytest.mark.parametrize(
    ("evaluation", "work"), [(pose, "predict_people"), (bottom_up, "BottomUpInference")]
)
@pytest.mark.parametrize(("keypoint_set", "given", "mirrors"), CASES)
def test_only_where_it_is_known_what_changes_places(
    evaluation, work, keypoint_set, given, mirrors, monkeypatch
):
    def ask(*arguments, **options):
        raise Asked(next(x for x in arguments if isinstance(x, bool)))

    monkeypatch.setattr(evaluation, work, ask)
    fields = {"keypoint_set": keypoint_set.to_dict()}
    model = types.SimpleNamespace(arguments=fields, name="made")
    with pytest.raises(Asked, match=str(mirrors)):
        evaluation.evaluate(model, [], "oks", flip_test=given)


@pytest.mark.parametrize(("keypoint_set", "given", "mirrors"), CASES)
def test_training_tests_alike(keypoint_set, given, mirrors, tmp_path):
    recipe = coco_bottom_up_recipe(
        name="made",
        settings={"preset": "hrnet_test", "batch_size": 2, "epochs": 1},
        data_dir=tmp_path,
        side=64,
        keypoints=keypoint_set,
        flip_test=given,
    )
    assert recipe.protocol["flip_test"] is mirrors
