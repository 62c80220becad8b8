"""Runs pipelines on the runner that the user chose."""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineState, create_runner

from hrnet_tf.io import write_json
from hrnet_tf.typing import PathLike

LOCAL = "DirectRunner"


def run_pipeline(
    build: Callable[..., Any], runner: str = LOCAL, options: Sequence[str] = ()
) -> None:
    """Builds a pipeline, runs it and waits for its end.

    Args:
        build: callable `(beam.Pipeline)` that adds the steps.
        runner: str. The name of a runner of Apache Beam.
        options: sequence of str, the runner's options as "name=value", or "name" for
            those without a value; see `PipelineOptions`.
    Raises:
        ValueError: if there is no such runner, an option cannot be read, or a step
            fails.
    """
    pipeline = beam.Pipeline(runner=_runner(runner), options=_options(options))
    build(pipeline)
    try:
        with _quiet(runner == LOCAL):
            state = pipeline.run().wait_until_finish()
    except Exception as error:
        # Each runner has its own; what happened on a worker may be the text of a
        # traceback.
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = lines[-1].strip() if lines else type(error).__name__
        raise ValueError(f"The pipeline failed on the {runner}: {reason}") from error
    if state not in (None, PipelineState.DONE):
        raise ValueError(f"The pipeline on the {runner} ended as {state}.")


@contextlib.contextmanager
def _quiet(wanted):
    """Without the log of a runner here, whose errors are raised anyway."""
    before = logging.root.manager.disable
    if wanted:
        logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def gather(rows: Any, name: str, path: PathLike) -> None:
    """Adds the steps that write all rows into one json file, a list in any order.

    Args:
        rows: `beam.PCollection` of json values.
        name: str, what the steps are called by.
        path: path of the file, the same on every worker.
    """
    gathered = rows | f"gather {name}" >> beam.combiners.ToList()
    _ = gathered | f"list {name}" >> beam.Map(_write_rows, str(path))


def _write_rows(rows, path):
    write_json(path, rows)


def _runner(name):
    if name == LOCAL:
        # Beam's own choice of this name would first try to download another runner.
        return FnApiRunner()
    try:
        return create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise ValueError(f"`runner={name!r}`: {error}") from error


def _options(options):
    wrong = [option for option in options if not option or option.startswith("-")]
    if wrong:
        raise ValueError(
            "`options` takes NAME=VALUE, such as direct_num_workers=4."
            f" Received: {wrong[0]!r}."
        )
    flags = [f"--{option}" for option in options]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parsed = PipelineOptions(flags)
            known = parsed.get_all_options()
            every = parsed.get_all_options(retain_unknown_options=True)
    except SystemExit:
        reason = said.getvalue().strip().splitlines()[-1].partition("error: ")[2]
        raise ValueError(f"`options`: {reason}.") from None
    for name in sorted(set(every) - set(known)):
        warnings.warn(
            f"`options={name!r}` is none that Apache Beam knows of itself; it is"
            " passed on to the runner.",
            stacklevel=3,
        )
    return parsed
