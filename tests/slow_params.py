"""Cases of which some are among the quick tests, and all among the slow ones."""

import pytest


def cases(values, quick):
    """Returns the values for `pytest.mark.parametrize`; those not in `quick` are slow.

    Args:
        values: sequence of values, or of tuples whose first entry names the case.
        quick: collection of those values, or of those first entries.
    """
    made = []
    for value in values:
        several = isinstance(value, tuple)
        name = value[0] if several else value
        marks = () if name in quick else pytest.mark.slow
        made.append(pytest.param(*(value if several else (value,)), marks=marks))
    return made
