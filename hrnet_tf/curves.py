"""Curves of training runs, and the writing of figures."""

import csv
from pathlib import Path

import numpy as np

from hrnet_tf.visualize import write_file


def plot_history(history, path):
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
    figure = Figure(figsize=(5.4 * len(panels), 4.2), dpi=120, layout="constrained")
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (title, names) in zip(all_axes, panels.items(), strict=True):
        for i, name in enumerate(names):
            finite = np.isfinite(curves[name])
            # Values of validation only exist at some epochs: mark these.
            few = np.count_nonzero(finite) <= 40
            axes.plot(
                epochs[finite],
                curves[name][finite],
                color=f"C{i % 10}",
                linestyle="-" if i < 10 else "--",
                marker="o" if few else None,
                markersize=3.5,
                linewidth=1.6,
                label=name,
            )
        _finish_axes(axes, title, [curves[name] for name in names])
    write_figure(figure, Path(path))


def write_figure(figure, path):
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
        if np.isfinite(numbers).any():
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
    panels = {"Loss": [], "Score": [], "Score (percent)": [], "Learning rate": []}
    for name, values in curves.items():
        if "loss" in name.lower():
            panels["Loss"].append(name)
        elif name.lower() in ("lr", "learning_rate"):
            panels["Learning rate"].append(name)
        else:
            percent = np.nanmax(values) > 1.5
            panels["Score (percent)" if percent else "Score"].append(name)
    return {title: names for title, names in panels.items() if names}


def _finish_axes(axes, title, curves):
    from matplotlib.ticker import MaxNLocator

    values = np.concatenate(curves)
    values = values[np.isfinite(values)]
    if title in ("Loss", "Learning rate") and values.min() > 0:
        if values.max() > 9 * values.min():
            axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, ncols=2 if len(curves) > 6 else 1, framealpha=0.8)
