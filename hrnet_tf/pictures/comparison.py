"""Scores of several networks over what they cost."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hrnet_tf.pictures.plots import write_figure
from hrnet_tf.typing import PathLike

_MARKERS = "osD^vP*X<>"


def plot_comparison(
    networks: Sequence[Mapping[str, Any]],
    score_name: str,
    path: PathLike,
    title: str = "",
) -> None:
    """Plots scores over multiply-adds, parameters and time as a PNG.

    Args:
        networks: sequence of dicts with preset, model, parameters, multiply_adds, score
            (None is left out) and curve, a list of (minutes, score). Networks of a
            class have one colour.
        score_name: str.
        path: str or path of the PNG file.
        title: str.
    """
    # Figure instead of pyplot: no global state, no display.
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    figure = Figure(figsize=(15, 5.2), dpi=110, layout="constrained")
    by_macs, by_size, by_time = figure.subplots(1, 3, sharey=True)
    kinds = list(dict.fromkeys(network["model"] for network in networks))
    scored = [network for network in networks if network["score"] is not None]
    for k, network in enumerate(scored):
        style = {
            "color": f"C{kinds.index(network['model']) % 10}",
            "marker": _MARKERS[k % len(_MARKERS)],
            # A score of 0 lies on the axis.
            "clip_on": False,
            "zorder": 3,
        }
        label, score = network["preset"], network["score"]
        for axes, cost in (
            (by_macs, network["multiply_adds"] / 1e9),
            (by_size, network["parameters"] / 1e6),
        ):
            axes.plot(cost, score, linestyle="", markersize=9, label=label, **style)
        minutes, scores = zip(*network["curve"], strict=True)
        by_time.plot(minutes, scores, markersize=5, linewidth=1.6, **style)
    for axes, name in (
        (by_macs, "multiply-adds of an image, 10⁹"),
        (by_size, "parameters, millions"),
        (by_time, "minutes of training and tests"),
    ):
        axes.set_xlabel(name)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if scored and axes is not by_time:
            axes.set_xscale("log")
            axes.margins(x=0.15)
            # Plain numbers, also where the axis spans less than a decade.
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
    by_time.set_xlim(left=0)
    # Those that count errors are below 0.
    if all(score >= 0 for x in scored for _, score in x["curve"]):
        by_macs.set_ylim(bottom=0)
    by_macs.set_ylabel(score_name)
    if scored:
        handles, labels = by_macs.get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=min(4, len(labels)),
            fontsize=9,
            frameon=False,
        )
    if title:
        figure.suptitle(title, fontsize=11)
    write_figure(figure, Path(path))
