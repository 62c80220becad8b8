"""Scores of several networks over what they cost."""

import pytest

from hrnet_tf.pictures.comparison import plot_comparison


@pytest.mark.parametrize(("best", "from_zero"), [(0.5, True), (-0.034, False)])
def test_all_scores_lie_in_the_plot(best, from_zero, monkeypatch):
    """Scores, and errors, which are told as negative scores."""
    drawn = []
    monkeypatch.setattr(
        "hrnet_tf.pictures.comparison.write_figure",
        lambda figure, path: drawn.extend(figure.axes),
    )
    first = {"preset": "one", "model": "One", "parameters": 2e6, "multiply_adds": 3e9}
    second = {**first, "preset": "two", "score": None, "curve": []}
    first |= {"score": best, "curve": [(1.0, best - 0.2 * abs(best)), (2.0, best)]}
    plot_comparison([first, second], "score", "plot.png")
    for axes in drawn:
        low, high = axes.get_ylim()
        values = [y for line in axes.lines for y in line.get_ydata()]
        assert values and low <= min(values) <= max(values) <= high
        assert (low == 0) == from_zero
