"""`hrnet evaluate --data DATA`: data of the user's own, as training reads them."""

import inspect
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf import tasks
from hrnet_tf.cli import common
from hrnet_tf.cli.task_options import merged_options
from hrnet_tf.cli.train_own import facts
from hrnet_tf.tasks.options import OWN_FORMAT

if TYPE_CHECKING:
    from hrnet_tf.tasks.base import Report, Task

# What tells where the data are and how they are read.
_READING = ("format", "split")


def check_words(data: Path | None, images: str | None, given: dict[str, Any]) -> None:
    """Checks that data are named in one of the two ways.

    Args:
        data: Path or None.
        images: str or None.
        given: dict of the tasks' options that the user gave.
    Raises:
        ValueError: if they are missing, or an option is of the other way.
    """
    if data is not None:
        return
    if images is None:
        raise ValueError(
            "Nothing tells what to test on. Pass --data (what `hrnet train TASK --data`"
            " reads), or --images and the labels of them."
        )
    official = {
        name
        for task in tasks.TASKS
        for option in task.options.get("evaluate", ())
        if option.name == "format"
        if option is not OWN_FORMAT
        for name in option.official or option.type
    }
    if "format" in given and given["format"] not in official:
        raise ValueError(
            f"--format {given['format']} belongs to --data: pass the file or folder of"
            " the labels as --data."
        )


def test_own(
    task: "Task",
    model: Any,
    source: Path,
    data: Path,
    images: str | None,
    out: Path | None,
    arguments: dict[str, Any],
) -> "dict[str, Report]":
    """Tests a model on data of the user's own, and says which.

    Args:
        task: `Task` of the model.
        model: the model.
        source: Path that it came from.
        data: Path of the data.
        images: str or None, the folder of the pictures.
        out: Path of what will be written, or None.
        arguments: dict of the task's options that the user gave.
    Returns:
        dict of one `Report`, "report".
    Raises:
        ValueError: if an option goes with files of labels alone, or the data are bad.
    """
    from hrnet_tf.own.split import SPLIT_FILE
    from hrnet_tf.own.testing import read_for_test

    own = task.parts.own_data
    if own is None:
        raise ValueError(f"{task.title} is not tested on --data. Leave it out.")
    options = {k: v for k, v in arguments.items() if k not in _READING}
    known = inspect.signature(own.test).parameters
    skip_bad = bool(arguments.get("skip_bad"))
    if "skip_bad" not in known:
        options.pop("skip_bad", None)
    for name in options:
        if name not in known:
            flag = merged_options("evaluate")[name][0].flag
            raise ValueError(
                f"{flag} does not go with --data, which tells where the labels are."
                " Leave it out."
            )
    folder = out if out is not None and out.suffix != ".json" else None
    # Outlines are painted as label maps, which are read while testing.
    with tempfile.TemporaryDirectory() as scratch:
        with common.progress("reading the data", "images") as tick:
            found = read_for_test(
                data,
                own.reads,
                split=arguments.get("split"),
                split_file=source.parent / SPLIT_FILE,
                images=images,
                format=arguments.get("format"),
                skip_bad=skip_bad,
                progress=tick,
                task=task.name,
                work=(folder or Path(scratch)) / "label_maps",
            )
        for line in facts(found):
            common.console().print(line, markup=False, soft_wrap=True)
        (labelled,) = found.splits.values()
        report = own.test(model, labelled, common.progress, source, out, **options)
    return {"report": report}
