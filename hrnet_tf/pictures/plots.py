"""Curves of training runs, plots of classes' scores, and the writing of figures."""

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.io import write_file
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_BARS_IN_COLUMN = 60
# More classes are numbered by the axes: their names would need a poster.
_MAX_NAMED = 200
# Which are -1 where there is nothing to find, such as people of a size.
_COCO_SCORE = re.compile(r"A[PpR]\b")
# More curves than these are told beside their panel, where the names hide none.
_CURVES_INSIDE = 8
_LINES = ("-", "--", ":", "-.")
# Columns of a run's history that say nothing of the model.
_MEASUREMENTS = {"images_per_second", "seconds", "memory_mb", "gpu_memory_mb"}


def plot_history(history: PathLike | Mapping[str, Any], path: PathLike) -> None:
    """Plots the curves of a training run as a PNG: losses, scores and learning rate.

    Args:
        history: path of the CSV log (a column `epoch`, and one for each value; cells
            may be empty), or a dict of name to list of values, such as
            `keras.callbacks.History.history`.
        path: str or path of the PNG file.
    Raises:
        ValueError: if the log is missing, empty, or holds no numbers.
    """
    # Figure instead of pyplot: no global state, no display, safe in any thread.
    from matplotlib.figure import Figure

    epochs, curves = _read_history(history)
    panels = _panels(curves)
    widths = [5.4 if len(n) <= _CURVES_INSIDE else 7.4 for n in panels.values()]
    figure = Figure(figsize=(sum(widths), 4.2), dpi=120, layout="constrained")
    all_axes = figure.subplots(1, len(panels), squeeze=False, width_ratios=widths)[0]
    for axes, (title, names) in zip(all_axes, panels.items(), strict=True):
        for i, name in enumerate(names):
            finite = np.isfinite(curves[name])
            # Values of validation only exist at some epochs: mark these.
            few = np.count_nonzero(finite) <= 40
            axes.plot(
                epochs[finite],
                curves[name][finite],
                color=f"C{i % 10}",
                linestyle=_LINES[i // 10 % len(_LINES)],
                marker="o" if few else None,
                markersize=3.5,
                linewidth=1.6,
                label=name,
            )
        _finish_axes(axes, title, [curves[name] for name in names])
        # The panels share their epochs, also where one has values at few of them.
        margin = max(0.02 * (epochs.max() - epochs.min()), 0.5)
        axes.set_xlim(epochs.min() - margin, epochs.max() + margin)
    write_figure(figure, Path(path))


def plot_confusion(
    confusion: np.ndarray, class_names: Sequence[str] | None, path: PathLike
) -> None:
    """Plots a confusion matrix as a PNG, each row as shares of the labelled class.

    Args:
        confusion: array `[C, C]` of counts: the row is the labelled class, the column
            the predicted one. Rows without a count are left grey.
        class_names: `C` str, or None to number the classes.
        path: str or path of the PNG file.
    Raises:
        ValueError: if the matrix is not square, or there is another number of names.
    """
    from matplotlib.figure import Figure

    confusion = np.asarray(confusion, np.float64)
    count = len(confusion)
    names = [str(i) for i in range(count)] if class_names is None else class_names
    if confusion.shape != (count, count) or len(names) != count:
        raise ValueError(
            "Expected a matrix [C, C] and C names. Received the shape"
            f" {confusion.shape} and {len(names)} names."
        )
    totals = confusion.sum(1, keepdims=True)
    shares = np.divide(
        confusion, totals, out=np.full(confusion.shape, np.nan), where=totals > 0
    )
    # Cells with room for a percentage, just for a readable name beside them, or none.
    few = count <= 30
    side = count * 0.46 if few else min(count, _MAX_NAMED) * 0.14
    figure = Figure(
        figsize=(max(side, 2) + 2.6, max(side, 2) + 2), dpi=110, layout="constrained"
    )
    axes = figure.subplots()
    axes.set_facecolor("0.85")
    shown = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(shown, ax=axes, shrink=0.6, label="share of the labelled class")
    if few:
        for row, column in np.argwhere(shares >= 0.005):
            share = shares[row, column]
            color = "white" if share > 0.6 else "black"
            text = f"{100 * share:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=color, size=8)
    if count <= _MAX_NAMED:
        size = 9 if few else 6.5
        axes.set_xticks(range(count), names, rotation=90, fontsize=size)
        axes.set_yticks(range(count), names, fontsize=size)
        axes.tick_params(length=2)
    axes.set_xlabel("predicted")
    axes.set_ylabel("labelled")
    if few:
        axes.set_title("percent of each labelled class", fontsize=10)
    write_figure(figure, Path(path))


def plot_class_scores(
    class_scores: Mapping[str, float],
    path: PathLike,
    label: str = "IoU",
    mean: float | None = None,
) -> None:
    """Plots a bar for each class as a PNG, the best first.

    Args:
        class_scores: dict from a class's name to its score, 0..1.
        path: str or path of the PNG file.
        label: str. What the score is called.
        mean: float or None. Marked by a line.
    Raises:
        ValueError: if there is no class.
    """
    from matplotlib.figure import Figure

    if not class_scores:
        raise ValueError("There is no class to plot. Received: class_scores={}.")
    ranked = sorted(class_scores.items(), key=lambda item: -item[1])
    columns = -(-len(ranked) // _BARS_IN_COLUMN)
    rows = -(-len(ranked) // columns)
    figure = Figure(
        figsize=(4.8 * columns, 0.23 * rows + 1.1), dpi=120, layout="constrained"
    )
    all_axes = figure.subplots(1, columns, squeeze=False)[0]
    for i, axes in enumerate(all_axes):
        part = ranked[i * rows : (i + 1) * rows]
        values = [value for _, value in part]
        bars = axes.barh(range(len(part)), values, color="C0", height=0.7)
        axes.bar_label(bars, [f"{value:.3f}" for value in values], padding=3, size=8)
        axes.set_yticks(range(len(part)), [name for name, _ in part], fontsize=8)
        # The same height of bars in a last column that is not full.
        axes.set_ylim(rows - 0.4, -0.6)
        axes.set_xlim(0, 1.15)
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.set_xlabel(label)
        axes.grid(alpha=0.3, axis="x")
        axes.spines[["top", "right"]].set_visible(False)
        if mean is not None:
            axes.axvline(mean, color="C3", linewidth=1.2, linestyle="--", zorder=0)
            all_axes[0].set_title(f"mean {mean:.4f}", color="C3", fontsize=10)
    write_figure(figure, Path(path))


def plot_learning_rates(
    rates: Sequence[float],
    losses: Sequence[float],
    smoothed: Sequence[float],
    marks: Mapping[str, float],
    path: PathLike,
) -> None:
    """Plots the loss against the learning rate as a PNG, see `training.find_rate`.

    Args:
        rates: `N` floats, increasing.
        losses: `N` floats, of single steps; drawn as dots.
        smoothed: `N` floats; drawn as a line.
        marks: dict from what a rate is called to the rate, each marked by a line.
        path: str or path of the PNG file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.5), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses, ".", color="C0", alpha=0.35, markersize=5)
    axes.plot(rates, smoothed, color="C0", linewidth=1.8)
    for i, (name, rate) in enumerate(marks.items()):
        label = f"{name}: {rate:.2g}"
        axes.axvline(rate, color=f"C{i + 1}", linestyle="--", label=label)
    axes.set_xscale("log")
    # The divergence in full would flatten what comes before it.
    lowest = int(np.argmin(smoothed))
    low, high = smoothed[lowest], np.max(smoothed[: lowest + 1])
    if high > low:
        axes.set_ylim(low - 0.15 * (high - low), high + 0.6 * (high - low))
    axes.set_xlabel("Learning rate")
    axes.set_ylabel("Loss")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if marks:
        axes.legend(fontsize=9, framealpha=0.8)
    write_figure(figure, Path(path))


def write_figure(figure: "Figure", path: Path) -> None:
    """Writes a matplotlib figure as a PNG beside `path` and renames it.

    Args:
        figure: `matplotlib.figure.Figure`.
        path: `pathlib.Path`; folders are made.
    """
    write_file(path, lambda file: figure.savefig(file, format="png"))


def _read_history(history):
    """Returns the epochs `[E]` and a dict of the numeric curves `[E]`."""
    source = "The history"
    if not isinstance(history, dict):
        source = str(history)
        try:
            with open(history, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except OSError as error:
            raise ValueError(f"{source} cannot be read: {error}.") from error
        history = (
            {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
        )
    curves = {}
    for name, values in history.items():
        numbers = np.array([_number(value) for value in values])
        if _COCO_SCORE.match(name):
            numbers[numbers == -1] = np.nan
        if np.isfinite(numbers).any() and name not in _MEASUREMENTS:
            curves[name] = numbers
    lengths = {name: len(values) for name, values in curves.items()}
    epochs = curves.pop("epoch", None)
    if not curves or len(set(lengths.values())) != 1:
        raise ValueError(
            f"{source} has nothing to plot. Expected columns of numbers of the same"
            f" length, such as epoch, loss, val_loss. Received {lengths}."
        )
    if epochs is None:
        epochs = np.arange(1, 1 + max(lengths.values()))
    return epochs, curves


def _number(value):
    try:
        return float(value)
    except (TypeError, ValueError):
        # CSV logs write NA, or nothing, where a value was not measured.
        return np.nan


def _panels(curves):
    """Names of the curves by what can share an axis."""
    titles = ("Loss", "Score", "Score (percent)", "Error", "Learning rate")
    panels = {title: [] for title in (*titles, "Gradient norm")}
    for name, values in curves.items():
        if "loss" in name.lower():
            panels["Loss"].append(name)
        elif name.lower() in ("lr", "learning_rate"):
            panels["Learning rate"].append(name)
        elif name == "gradient_norm":
            panels["Gradient norm"].append(name)
        elif name == "NME":
            panels["Error"].append(name)
        else:
            percent = np.nanmax(values) > 1.5
            panels["Score (percent)" if percent else "Score"].append(name)
    return {title: names for title, names in panels.items() if names}


def _finish_axes(axes, title, curves):
    from matplotlib.ticker import MaxNLocator

    values = np.concatenate(curves)
    values = values[np.isfinite(values)]
    if title in ("Loss", "Learning rate", "Gradient norm") and values.min() > 0:
        if values.max() > 9 * values.min():
            axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    place = {"framealpha": 0.8, "ncols": 2 if len(curves) > 6 else 1}
    if len(curves) > _CURVES_INSIDE:
        beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "frameon": False}
        place = {**beside, "ncols": 2 if len(curves) > 16 else 1}
    axes.legend(fontsize=8, **place)
