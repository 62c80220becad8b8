"""The tables of landmarks against the official code's numbers."""

import pytest

from hrnet_tf.data.keypoint_sets import FACES, load_keypoint_set

# num_keypoints, pairs, and the two landmarks that errors are relative to.
OFFICIAL = {
    "300w": (68, 29, (36, 45)),
    "wflw": (98, 44, (60, 72)),
    "cofw": (29, 11, (8, 9)),
    "aflw": (19, 8, None),
}
OFFICIAL_PAIRS = {
    "300w": """
        1 17 2 16 3 15 4 14 5 13 6 12 7 11 8 10 18 27 19 26 20 25 21 24 22 23
        32 36 33 35 37 46 38 45 39 44 40 43 41 48 42 47 49 55 50 54 51 53 62 64
        61 65 68 66 59 57 60 56""",
    "wflw": """
        0 32 1 31 2 30 3 29 4 28 5 27 6 26 7 25 8 24 9 23 10 22 11 21 12 20 13 19
        14 18 15 17 33 46 34 45 35 44 36 43 37 42 38 50 39 49 40 48 41 47
        60 72 61 71 62 70 63 69 64 68 65 75 66 74 67 73 55 59 56 58
        76 82 77 81 78 80 87 83 86 84 88 92 89 91 95 93 96 97""",
    "cofw": "1 2 5 7 3 4 6 8 9 10 11 12 13 15 17 18 14 16 19 20 23 24",
    "aflw": "1 6 2 5 3 4 7 12 8 11 9 10 13 15 16 18",
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_counts_and_normalisers(name):
    keypoint_set = load_keypoint_set(name)
    num_keypoints, num_pairs, pair = OFFICIAL[name]
    assert keypoint_set.num_keypoints == num_keypoints
    assert len(keypoint_set.flip_pairs) == num_pairs
    if pair is None:
        assert keypoint_set.pck_reference is None
    else:
        assert tuple(map(keypoint_set.index, keypoint_set.pck_reference)) == pair
    assert keypoint_set in FACES


@pytest.mark.parametrize("name", OFFICIAL)
def test_mirrored_pairs_are_the_official_ones(name):
    keypoint_set = load_keypoint_set(name)
    pairs = {
        tuple(sorted(map(keypoint_set.index, pair))) for pair in keypoint_set.flip_pairs
    }
    # The official code counts from 1 in all sets but WFLW.
    first = 0 if name == "wflw" else 1
    numbers = [int(number) - first for number in OFFICIAL_PAIRS[name].split()]
    assert pairs == {
        tuple(sorted(pair)) for pair in zip(numbers[::2], numbers[1::2], strict=True)
    }


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_line_stays_a_line_in_the_mirror(name):
    keypoint_set = load_keypoint_set(name)
    indices = keypoint_set.flip_indices
    lines = {frozenset(map(keypoint_set.index, pair)) for pair in keypoint_set.skeleton}
    assert len(lines) == len(keypoint_set.skeleton)
    assert {frozenset(indices[i] for i in line) for line in lines} == lines


def test_names_tell_the_sides():
    ibug, wflw = load_keypoint_set("300w"), load_keypoint_set("wflw")
    assert ibug.index("right_jaw_0") == 0 and ibug.index("left_jaw_0") == 16
    assert ibug.index("middle_jaw_0") == 8
    assert ibug.pck_reference == ("right_eye_0", "left_eye_0")
    assert ibug.index("left_outer_lip_0") == 54
    assert wflw.names[-2:] == ("right_pupil_0", "left_pupil_0")
    assert wflw.index("middle_nose_bridge_3") == 54
    assert load_keypoint_set("aflw").names[-1] == "chin"
