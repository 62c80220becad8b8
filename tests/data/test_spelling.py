"""Names that are likely one."""

import pytest

from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS
from hrnet_tf.data.label_sets import LABEL_SETS
from hrnet_tf.data.spelling import check_spelling


@pytest.mark.parametrize(
    "names",
    [
        ("left_claw", "Left_claw"),
        ("left claw", "left_claw"),
        ("left-claw", "LEFT_CLAW"),
        ("claw", "claw "),
    ],
)
def test_one_name_in_two_spellings_is_told(names):
    found = check_spelling(("tail", *names, "mouth"), "keypoints")
    assert [finding.level for finding in found] == ["warning"]
    assert f"{names[0]}, {names[1]} differ" in found[0].text
    assert "learnt as 2 keypoints" in found[0].text
    assert "one name" in found[0].advice


def test_other_names_are_not():
    different = ("p1", "p_1", "left", "right", "lefteye", "left_eye", "a+", "a-b", "ab")
    assert not check_spelling(different, "classes")
    # Published sets hold no name twice.
    for known in KEYPOINT_SETS.values():
        assert not check_spelling(known.names, "keypoints")
    for known in LABEL_SETS.values():
        assert not check_spelling(known.classes, "classes")
