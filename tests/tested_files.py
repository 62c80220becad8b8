"""Runs what `hrnet evaluate` does with a task, on a console of the tests."""

import contextlib
import io
from pathlib import Path

from rich.console import Console

from hrnet_tf.cli import common
from hrnet_tf.cli.evaluate import save_reports


@contextlib.contextmanager
def no_progress(description, unit=""):
    yield lambda done, total: None


def evaluate(task, model, images, source="m.keras", out=None, **options):
    """Returns the reports (dict) and what was printed."""
    reports = task.parts.test(
        model, images, no_progress, source=source, out=out, **options
    )
    text = io.StringIO()
    console = Console(file=text, width=100, highlight=False)
    for name, report in reports.items():
        title = name if len(reports) > 1 else source
        common.show_report(report, title, console)
    if out is not None:
        save_reports(task, reports, Path(out))
    return reports, text.getvalue()
