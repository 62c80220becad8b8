"""Left and right in names."""

import pytest

from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS, KeypointSet
from hrnet_tf.data.sides import guess_pairs, listed, one_sided, tells_sides


@pytest.mark.parametrize(
    "left, right",
    [
        ("left_eye", "right_eye"),
        ("L_Eye", "R_Eye"),
        ("EyeLeft", "EyeRight"),
        ("eye_l", "eye_r"),
        ("LEye", "REye"),
        ("lefteye", "righteye"),
        ("Left Ear", "Right Ear"),
        ("leftEar1", "rightEar1"),
        ("front_left_paw", "front_right_paw"),
    ],
)
def test_pairs_are_guessed_in_any_spelling(left, right):
    names = ["nose", right, left, "tail"]
    assert guess_pairs(names) == ((left, right),)
    assert one_sided(names, ()) == (right, left)
    assert one_sided(names, [(left, right)]) == ()


@pytest.mark.parametrize("name", ["bright", "righteous", "p0", "r", "brl_2", "tailor"])
def test_other_names_have_no_side(name):
    assert guess_pairs([name, "nose"]) == () and one_sided([name, "nose"], ()) == ()


def test_a_side_without_partner_is_told():
    assert one_sided(["tail_R", "nose"], ()) == ("tail_R",)


def test_who_mirrors_has_to_know_what_changes_places():
    assert all(map(tells_sides, KEYPOINT_SETS.values()))
    names, pair = ("nose", "left_eye", "right_eye", "tail_R"), ("left_eye", "right_eye")
    assert tells_sides(KeypointSet("told", names[:3], (pair,)))
    for some, pairs in ((names, (pair,)), (names[:3], ()), (names[:1], ())):
        assert not tells_sides(KeypointSet("untold", some, pairs))


def test_long_lists_are_cut():
    assert listed([str(i) for i in range(9)]) == "0, 1, 2, 3, 4, 5 and 3 more"
