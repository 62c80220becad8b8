"""What measured files are worth: a table, a recommendation and a plot."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hrnet_tf.benchmark.machine import QUIET
from hrnet_tf.benchmark.measure import Conditions, Measured
from hrnet_tf.io import write_bytes, write_json
from hrnet_tf.pictures.plots import write_figure
from hrnet_tf.tasks.base import Table

# What a recommended file may lose: of a score in 0..1 (of percents a hundred times as
# much), or else of the largest value of an output.
MAX_LOSS = 0.005
# What it may add to an error, as a share of the model's.
MAX_ERROR_GROWTH = 0.02
MAX_DIFFERENCE = 0.01


def table(
    measured: Sequence[Measured],
    batch_sizes: Sequence[int],
    best: Measured | None = None,
    score_name: str | None = None,
) -> Table:
    """Returns the `Table` of what was measured, a row a file.

    Args:
        measured: sequence of `Measured`.
        batch_sizes: sequence of int.
        best: one of them, or None: it is printed bold.
        score_name: str or None. What the scores are called.
    """
    columns = ["file", "MB", "start s", "memory MB", "differs by"]
    columns += [score_name] if score_name else []
    for count in batch_sizes:
        columns += [f"images/s, {count}", f"p50 ms, {count}", f"p99 ms, {count}"]
    rows = [tuple(_cells(one, batch_sizes, score_name)) for one in measured]
    bold = next((i for i, one in enumerate(measured) if one is best), None)
    return Table(tuple(columns), tuple(rows), bold)


def recommended(
    measured: Sequence[Measured],
    batch_size: int,
    percent: bool = False,
    lower_is_better: bool = False,
) -> tuple[Measured | None, str]:
    """Chooses the fastest file that is as good as the model.

    Args:
        measured: sequence of `Measured`, the first one the Keras model where there is
            one.
        batch_size: int.
        percent: bool. Whether scores are percents.
        lower_is_better: bool. Whether scores are errors.
    Returns:
        One of them, or None, and the reason in words.
    """
    able = [one for one in measured if one.latencies]
    own = able[0].candidate.score if able else None
    scored = [(m, m.candidate.score) for m in able if m.candidate.score is not None]
    if own is not None and lower_is_better:
        most = own * (1 + MAX_ERROR_GROWTH)
        kept = [m for m, error in scored if error <= most]
        why = f"the fastest of those whose error is at most {most:.4f}"
    elif own is not None:
        least = own - MAX_LOSS * (100 if percent else 1)
        kept = [m for m, score in scored if score >= least]
        why = f"the fastest of those that score at least {least:.3f}"
    else:
        kept = [m for m in able if (m.candidate.difference or 0.0) <= MAX_DIFFERENCE]
        why = (
            f"the fastest of those whose outputs differ by at most {MAX_DIFFERENCE:.0%}"
        )
    if not kept:
        return None, "none is as good as the model"
    best = max(kept, key=lambda one: one.images_per_second(batch_size))
    return best, f"{why} (batches of {batch_size})"


def distance(
    one: Measured, batch_size: int, operations: float, conditions: Conditions
) -> float:
    """Returns the share (0..1) of the machine's limit in float32 that a file reaches.

    It may be above 1 where a file computes in fewer bits.

    Args:
        one: `Measured`.
        batch_size: int.
        operations: float, of an image, see `image_operations`.
        conditions: `Conditions`.
    """
    return operations * one.images_per_second(batch_size) / conditions.limit


def unrest(conditions: Conditions) -> str | None:
    """Says in words how busy the machine was; None where it was quiet."""
    parts = []
    if conditions.others is not None and conditions.others > QUIET:
        parts.append(f"other programs took {conditions.others:.0%} of the processor")
    if conditions.slowest < (1 - QUIET) * conditions.limit:
        share = conditions.slowest / conditions.limit
        parts.append(
            f"the same product of matrices went down to {share:.0%} of its best"
        )
    if not parts:
        return None
    return (
        f"The machine was not quiet: {' and '.join(parts)}. Trust ratios, and no times;"
        " measure again when nothing else runs."
    )


def write(
    folder: Path,
    measured: Sequence[Measured],
    batch_sizes: Sequence[int],
    facts: dict[str, Any],
    score_name: str | None = None,
) -> list[Path]:
    """Writes benchmark.json, benchmark.csv and speed.png.

    Args:
        folder: `Path`.
        measured, batch_sizes, score_name: see `table`.
        facts: dict of json values, of the machine and the recommendation.
    Returns:
        list of the paths.
    """
    paths = [folder / name for name in ("benchmark.json", "benchmark.csv", "speed.png")]
    write_json(
        paths[0], {**facts, "files": [_row(one, batch_sizes) for one in measured]}
    )
    shown = table(measured, batch_sizes, score_name=score_name)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([shown.columns, *shown.rows])
    write_bytes(paths[1], text.getvalue())
    _plot(
        [one for one in measured if one.latencies], batch_sizes[0], score_name, paths[2]
    )
    return paths


def _cells(one, batch_sizes, score_name):
    candidate = one.candidate
    yield candidate.name
    yield f"{candidate.num_bytes / 1e6:.1f}"
    yield f"{one.start_seconds:.1f}" if one.latencies else "-"
    yield "-" if one.memory is None else f"{one.memory / 1e6:.0f}"
    yield "-" if candidate.difference is None else f"{candidate.difference:.1e}"
    if score_name:
        yield "-" if candidate.score is None else f"{candidate.score:.4f}"
    for count in batch_sizes:
        if count not in one.latencies:
            yield from ("failed", "-", "-")
            continue
        yield f"{one.images_per_second(count):.1f}"
        yield from (f"{1e3 * one.percentile(count, p):.1f}" for p in (50, 99))


def _row(one, batch_sizes):
    """A file's row of the json."""
    candidate = one.candidate
    row = {
        "name": candidate.name,
        "path": str(candidate.path),
        "bytes": candidate.num_bytes,
        "difference": candidate.difference,
        "score": candidate.score,
    }
    if one.error is not None:
        return {**row, "error": one.error}
    speeds = {
        str(count): {
            "images_per_second": one.images_per_second(count),
            "p50_seconds": one.percentile(count, 50),
            "p99_seconds": one.percentile(count, 99),
            "calls": len(one.latencies[count]),
        }
        for count in batch_sizes
    }
    start = {"start_seconds": one.start_seconds, "memory": one.memory}
    return {**row, **start, "batch_sizes": speeds}


def _plot(measured, batch_size, score_name, path):
    """Speed against the score where there are scores, else bars of the speed."""
    from matplotlib.figure import Figure

    names = [one.candidate.name for one in measured]
    speeds = [one.images_per_second(batch_size) for one in measured]
    scores = [one.candidate.score for one in measured]
    scored = score_name is not None and any(score is not None for score in scores)
    height = 4.2 if scored else 1.4 + 0.36 * len(measured)
    figure = Figure(figsize=(6.4, height), dpi=120, layout="constrained")
    axes = figure.subplots()
    if scored:
        for name, speed, score in zip(names, speeds, scores, strict=True):
            if score is not None:
                axes.plot(speed, score, "o", markersize=6)
                axes.annotate(
                    name, (speed, score), (5, 5), textcoords="offset points", size=8
                )
        axes.set_ylabel(score_name)
        axes.margins(x=0.25, y=0.2)
    else:
        axes.barh(names[::-1], speeds[::-1], color="#4084d0", height=0.6)
        for place, speed in enumerate(speeds[::-1]):
            axes.text(speed, place, f" {speed:.1f}", va="center", size=8)
        axes.margins(x=0.15)
    axes.set_xlabel(f"images/s, batches of {batch_size}")
    axes.grid(alpha=0.3, axis="both" if scored else "x")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    write_figure(figure, path)
