"""Precision-recall curves of detectors."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hrnet_tf.pictures.plots import write_figure
from hrnet_tf.typing import PathLike

# More classes are drawn thin and grey, under their mean: no eye tells them apart.
_MAX_NAMED = 12


def plot_precision_recall(
    curves: Mapping[str, np.ndarray], path: PathLike, title: str = ""
) -> None:
    """Plots the precision over the recall of classes as a PNG, and their mean.

    Args:
        curves: dict from a class's name to its precisions at evenly spaced recalls
            from 0 to 1, arrays `[R]`; those of NaN are left out.
        path: str or path of the PNG file.
        title: str.
    """
    from matplotlib.figure import Figure

    real = {n: c for n, c in curves.items() if np.isfinite(c).all() and len(c)}
    real = dict(sorted(real.items(), key=lambda item: -np.mean(item[1])))
    figure = Figure(figsize=(6.4, 4.6), dpi=120, layout="constrained")
    axes = figure.subplots()
    few = len(real) <= _MAX_NAMED
    for i, (name, precision) in enumerate(real.items()):
        axes.plot(
            np.linspace(0, 1, len(precision)),
            precision,
            color=f"C{i % 10}" if few else "0.75",
            linestyle="-" if i < 10 else "--",
            linewidth=1.6 if few else 0.6,
            label=f"{name}  {np.mean(precision):.3f}" if few else None,
        )
    if len(real) > 1:
        mean = np.mean(list(real.values()), axis=0)
        axes.plot(
            np.linspace(0, 1, len(mean)),
            mean,
            color="black",
            linewidth=2,
            label=f"mean of {len(real)}  {mean.mean():.3f}",
        )
    axes.set_xlabel("Recall")
    axes.set_ylabel("Precision")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if title:
        axes.set_title(title, fontsize=10)
    if real:
        axes.legend(fontsize=8, framealpha=0.8, loc="lower left")
    write_figure(figure, Path(path))
