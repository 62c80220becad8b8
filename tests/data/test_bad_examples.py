import warnings

import pytest

from hrnet_tf.data.bad_examples import BadExample, BadExamples


def test_the_first_bad_example_is_raised():
    with pytest.raises(ValueError, match="no image a.jpg"):
        BadExamples("train.json", skip=False).add(
            BadExample("absent", "no image a.jpg")
        )


def test_skipped_ones_are_counted_by_kind_in_one_warning():
    bad = BadExamples("train.json", skip=True)
    for i in range(3):
        bad.add(BadExample("absent", f"no image {i}.jpg"))
    bad.add(BadExample("cut short", "image 7.jpg"))
    assert bad.num_skipped == 4
    message = r"train.json: skipped 4 .*3 x absent, 1 x cut short; .*no image 0.jpg"
    with pytest.warns(UserWarning, match=message) as caught:
        bad.warn()
    assert len(caught) == 1


def test_nothing_skipped_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        BadExamples("train.json", skip=True).warn()
