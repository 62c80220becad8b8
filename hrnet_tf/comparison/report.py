"""The table and the plot of a comparison."""

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hrnet_tf.io import write_bytes, write_json
from hrnet_tf.tasks.base import Table
from hrnet_tf.typing import PathLike


@dataclasses.dataclass(frozen=True)
class Member:
    """A network of a comparison, trained.

    Attributes:
        preset: str.
        model: str. Name of its class.
        parameters: int, trainable ones.
        multiply_adds: int, of an image of the recipe's size.
        score_name: str.
        score: float or None, the best of its tests, the larger the better.
        epochs: int.
        minutes: float, of training and tests.
        images_per_second: float or None, of training alone.
        memory: float or None. The most that its process held, bytes.
        curve: list of (minutes, score) of its tests.
    """

    preset: str
    model: str
    parameters: int
    multiply_adds: int
    score_name: str
    score: float | None
    epochs: int
    minutes: float
    images_per_second: float | None
    memory: float | None
    curve: list

    @classmethod
    def of(
        cls,
        facts: dict[str, Any],
        history: list[dict[str, Any]],
        main_name: str | None = None,
    ) -> "Member":
        """Makes a member of what `describe` and `train_member` returned."""
        curve, minutes = [], 0.0
        for row in history:
            minutes += row["seconds"] / 60
            if row.get("score") is not None and math.isfinite(row["score"]):
                curve.append([minutes, row["score"]])
        speeds = [r["images_per_second"] for r in history if "images_per_second" in r]
        memory = [row["memory_mb"] for row in history if "memory_mb" in row]
        return cls(
            **facts,
            score_name=_score_name(history, main_name),
            score=max((score for _, score in curve), default=None),
            epochs=len(history),
            minutes=minutes,
            images_per_second=sorted(speeds)[len(speeds) // 2] if speeds else None,
            memory=max(memory) * 1e6 if memory else None,
            curve=curve,
        )


def _score_name(history, main_name):
    """What the score is called among the numbers of the tests.

    A process that went on with a finished run has tested nothing, and does not know.
    Then equal numbers tell, but for those that every epoch has.
    """
    tests = [row for row in history if row.get("score") is not None]
    if main_name not in (None, "score") or not tests:
        return main_name or "score"
    of_training = {"score", "epoch", "loss", "learning_rate"}
    for name in tests[0]:
        same = all(row.get(name) == row["score"] for row in tests)
        if same and name not in of_training and not name.endswith("_loss"):
            return name
    return "score"


def table_of(members: Sequence[Member], budget: str) -> Table:
    """Returns the `Table` of a comparison, the best score first."""
    ranked = sorted(members, key=lambda member: -_rank(member))
    return Table(
        columns=(
            "network",
            "class",
            members[0].score_name,
            "parameters",
            "GMACs",
            "epochs",
            "minutes",
            "images/s",
            "memory, GB",
        ),
        rows=tuple(
            (
                member.preset,
                member.model,
                _number(member.score, ".3f"),
                f"{member.parameters:,}",
                f"{member.multiply_adds / 1e9:.3f}",
                str(member.epochs),
                f"{member.minutes:.1f}",
                _number(member.images_per_second, ".1f"),
                _number(member.memory and member.memory / 1e9, ".2f"),
            )
            for member in ranked
        ),
        bold=0,
        title=f"After {budget} each",
        texts=(0, 1),
    )


def _rank(member):
    return -math.inf if member.score is None else member.score


def _number(value, form):
    return "-" if value is None else format(value, form)


def write_report(
    members: Sequence[Member], out: PathLike, budget: str, title: str = ""
) -> None:
    """Writes comparison.json, .csv, .md and .png.

    Args:
        members: sequence of `Member`.
        out: str or Path. The folder.
        budget: str. What each was trained for, in words.
        title: str, of the plot.
    """
    from hrnet_tf.pictures.comparison import plot_comparison

    out = Path(out)
    rows = [dataclasses.asdict(member) for member in members]
    write_json(out / "comparison.json", {"budget": budget, "networks": rows})
    table = table_of(members, budget)
    text = io.StringIO(newline="")
    csv.writer(text).writerows([table.columns, *table.rows])
    write_bytes(out / "comparison.csv", text.getvalue())
    lines = [table.columns, ["---"] * len(table.columns), *table.rows]
    body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    write_bytes(out / "comparison.md", f"{table.title}.\n\n{body}\n")
    plot_comparison(rows, members[0].score_name, out / "comparison.png", title)
