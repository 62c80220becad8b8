"""Left and right in names."""

import pytest

from hrnet_tf.data.sides import guess_pairs, listed, one_sided


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


def test_long_lists_are_cut():
    assert listed([str(i) for i in range(9)]) == "0, 1, 2, 3, 4, 5 and 3 more"
