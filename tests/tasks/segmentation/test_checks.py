"""What is known to be wrong with label maps before training."""

import numpy as np
import pytest

from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.tasks.segmentation.checks import check_counts, check_maps


def texts(label_set, train, val=None):
    val = train if val is None else val
    found = check_counts(label_set, np.array(train), np.array(val))
    return [f"{finding.level}: {finding}" for finding in found]


def test_masks_of_0_and_255_are_explained():
    (text,) = texts(LabelSet("polyps", ("background", "polyp")), [900, 0])
    assert text.startswith("error: 'background' is the only class")
    assert "polyp never occurs. Pixels of the value 255 are ignored." in text
    assert '"label_ids": [0, 255] and "ignored_ids": []' in text


def test_that_advice_leads_on():
    label_set = LabelSet(
        "polyps", ("background", "polyp"), label_ids=(0, 255), ignored_ids=()
    )
    assert texts(label_set, [900, 100]) == []


@pytest.mark.parametrize(
    "train, val, expected",
    [
        ([500, 400, 300], [1, 1, 1], []),
        ([500, 0, 300], [1, 0, 1], ["warning: b: no pixel of the training"]),
        ([500, 400, 300], [1, 0, 1], ["note: b: no pixel of the validation"]),
        ([500_000, 400_000, 3], [1, 1, 1], ["note: c: less than 0.01%"]),
        ([0, 0, 300], [0, 0, 1], ["error: 'c' is the only class"]),
    ],
)
def test_classes_are_counted(train, val, expected):
    found = texts(LabelSet("abc", ("a", "b", "c")), train, val)
    assert len(found) == len(expected)
    assert all(map(str.startswith, found, expected))


def test_sides_need_pairs_under_mirroring():
    label_set = LabelSet("arms", ("body", "left arm", "right arm"))
    (finding,) = check_maps([], [], label_set, flips=True)[2:]
    assert '["left arm", "right arm"]' in finding.advice
    assert len(check_maps([], [], label_set, flips=False)) == 2
