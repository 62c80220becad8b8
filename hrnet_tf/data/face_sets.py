"""Tables of the facial landmark sets: 300W, WFLW, COFW and AFLW.

Left and right are the person's own, as in the body's sets: a right eye lies on the
left of a face that looks at the camera. Pairs are (left, right). `keypoint_sets` makes
`KeypointSet`s of these fields.

Reference: HRNet-Facial-Landmark-Detection, lib/utils/transforms.py (mirrored pairs)
and lib/core/evaluation.py (the distance that errors are relative to).
"""

import collections


def _names(pairs, *parts):
    """Names of consecutive parts `(name, how many)`, by their sides.

    The landmarks of a part are numbered on each side; mirrored ones share the number.
    """
    parts = [name for name, count in parts for _ in range(count)]
    names, counts = {}, collections.Counter()
    for left, right in sorted(pairs, key=lambda pair: pair[1]):
        part = parts[right]
        names[left] = f"left_{part}_{counts[part]}"
        names[right] = f"right_{part}_{counts[part]}"
        counts[part] += 1
    counts.clear()
    for index, part in enumerate(parts):
        if index not in names:
            names[index] = f"middle_{part}_{counts[part]}"
            counts[part] += 1
    return tuple(names[index] for index in range(len(parts)))


def _line(first, last):
    """The lines through consecutive landmarks."""
    return tuple((index, index + 1) for index in range(first, last))


def _loop(first, last):
    """As `_line`, closed."""
    return (*_line(first, last), (last, first))


def _outline(*indices):
    """The closed line through landmarks in any order."""
    return tuple(zip(indices, (*indices[1:], indices[0]), strict=True))


def _mirrored(*ranges):
    """Pairs (left, right) of ranges (right, left, count) that mirror each other."""
    return tuple(
        (left - step, right + step)
        for right, left, count in ranges
        for step in range(count)
    )


_IBUG_PAIRS = (
    *_mirrored((0, 16, 8), (17, 26, 5), (31, 35, 2)),
    *((45, 36), (44, 37), (43, 38), (42, 39), (47, 40), (46, 41)),
    *_mirrored((48, 54, 3)),
    *((55, 59), (56, 58), (64, 60), (63, 61), (65, 67)),
)
_WFLW_PAIRS = (
    *_mirrored((0, 32, 16), (33, 46, 5), (38, 50, 4), (55, 59, 2)),
    *((72, 60), (71, 61), (70, 62), (69, 63), (68, 64)),
    *((75, 65), (74, 66), (73, 67)),
    *_mirrored((76, 82, 3)),
    *((83, 87), (84, 86), (92, 88), (91, 89), (93, 95), (97, 96)),
)

FACE_SETS = (
    # The order of iBUG, which Multi-PIE's and dlib's 68 points share.
    {
        "name": "300w",
        "names": _names(
            _IBUG_PAIRS,
            ("jaw", 17),
            ("brow", 5),
            ("brow", 5),
            ("nose_bridge", 4),
            ("nostril", 5),
            ("eye", 6),
            ("eye", 6),
            ("outer_lip", 12),
            ("inner_lip", 8),
        ),
        "flip_pairs": _IBUG_PAIRS,
        "skeleton": (
            *_line(0, 16),
            *_line(17, 21),
            *_line(22, 26),
            *_line(27, 30),
            *_line(31, 35),
            *_loop(36, 41),
            *_loop(42, 47),
            *_loop(48, 59),
            *_loop(60, 67),
        ),
        "pck_reference": (36, 45),
    },
    {
        "name": "wflw",
        "names": _names(
            _WFLW_PAIRS,
            ("jaw", 33),
            ("brow", 9),
            ("brow", 9),
            ("nose_bridge", 4),
            ("nostril", 5),
            ("eye", 8),
            ("eye", 8),
            ("outer_lip", 12),
            ("inner_lip", 8),
            ("pupil", 1),
            ("pupil", 1),
        ),
        "flip_pairs": _WFLW_PAIRS,
        "skeleton": (
            *_line(0, 32),
            *_loop(33, 41),
            *_loop(42, 50),
            *_line(51, 54),
            *_line(55, 59),
            *_loop(60, 67),
            *_loop(68, 75),
            *_loop(76, 87),
            *_loop(88, 95),
        ),
        "pck_reference": (60, 72),
    },
    {
        "name": "cofw",
        "names": (
            *("right_brow_outer", "left_brow_outer"),
            *("right_brow_inner", "left_brow_inner"),
            *("right_brow_top", "right_brow_bottom"),
            *("left_brow_top", "left_brow_bottom"),
            *("right_eye_outer", "left_eye_outer"),
            *("right_eye_inner", "left_eye_inner"),
            *("right_eye_top", "right_eye_bottom"),
            *("left_eye_top", "left_eye_bottom"),
            *("right_pupil", "left_pupil"),
            *("right_nostril", "left_nostril", "nose_tip", "nose_bottom"),
            *("right_mouth_corner", "left_mouth_corner"),
            *("upper_lip_top", "upper_lip_bottom"),
            *("lower_lip_top", "lower_lip_bottom", "chin"),
        ),
        "flip_pairs": (
            *((1, 0), (3, 2), (6, 4), (7, 5), (9, 8), (11, 10), (14, 12), (15, 13)),
            *((17, 16), (19, 18), (23, 22)),
        ),
        "skeleton": (
            *_outline(0, 4, 2, 5),
            *_outline(1, 6, 3, 7),
            *_outline(8, 12, 10, 13),
            *_outline(9, 14, 11, 15),
            *_outline(18, 20, 19, 21),
            *_outline(22, 24, 23, 27),
            *_outline(22, 25, 23, 26),
        ),
        "pck_reference": (8, 9),
    },
    # Errors are relative to the annotated box here, not to two landmarks.
    {
        "name": "aflw",
        "names": (
            *("right_brow_outer", "right_brow", "right_brow_inner"),
            *("left_brow_inner", "left_brow", "left_brow_outer"),
            *("right_eye_outer", "right_eye", "right_eye_inner"),
            *("left_eye_inner", "left_eye", "left_eye_outer"),
            *("right_nostril", "nose_tip", "left_nostril"),
            *("right_mouth_corner", "mouth", "left_mouth_corner", "chin"),
        ),
        "flip_pairs": (
            *_mirrored((0, 5, 3), (6, 11, 3)),
            *((14, 12), (17, 15)),
        ),
        "skeleton": (
            *_line(0, 2),
            *_line(3, 5),
            *_line(6, 8),
            *_line(9, 11),
            *_line(12, 14),
            *_line(15, 17),
        ),
    },
)
