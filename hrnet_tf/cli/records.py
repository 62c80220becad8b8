"""`hrnet records`."""

import contextlib
import functools
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf import tasks
from hrnet_tf.cli import common
from hrnet_tf.cli.beam_options import Beam, BeamOptions, Runner, load_beam
from hrnet_tf.cli.options import Debug, flag
from hrnet_tf.cli.task_options import arguments_for, task_options
from hrnet_tf.io import replacing
from hrnet_tf.words import counted

ImagesOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Folder which the file names in the annotations are relative to.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR", show_default=False, help="Folder to write the records to."
    ),
]
NumShardsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Number of files.",
        show_default="about 100 MB each, at least 8",
    ),
]
TaskOption = Annotated[
    str | None,
    typer.Option(
        "--task",
        metavar="NAME",
        show_default="pose",
        help="Task that the records are for: pose or detection.",
    ),
]
OverwriteOption = Annotated[
    bool,
    flag("--overwrite", "Replace the records that the folder holds, when done."),
]


@common.command(interrupted="Stopped. Nothing was written.")
@task_options("records")
def records(
    images: ImagesOption,
    out: OutOption,
    given: dict,
    task: TaskOption = None,
    num_shards: NumShardsOption = None,
    overwrite: OverwriteOption = False,
    beam: Beam = False,
    runner: Runner = None,
    beam_option: BeamOptions = None,
    debug: Debug = False,
) -> None:
    """Check a data set thoroughly and write it as TFRecords to train from.

    Every image is decoded once, so that a damaged one is named here and not during
    training. The image files go into the records unchanged. Recipes say where they
    look for records. With --beam many workers write the same files, byte for byte.

    Example:
      hrnet records --images data/coco/train2017 --out data/coco/records/train \\
          --annotations data/coco/annotations/person_keypoints_train2017.json
      hrnet records --task detection --images data/coco/train2017 \\
          --annotations data/coco/annotations/instances_train2017.json \\
          --out data/coco/records/objects
    """
    pipeline, chosen = load_beam("records", beam, runner, beam_option)
    # Now, and not after minutes of checking images.
    replaced = _check_folder(out, overwrite)
    chosen_task = _task_named(task)
    arguments = arguments_for(chosen_task, "records", given, out)
    write_records = chosen_task.parts.records
    assert write_records is not None
    write = None
    if pipeline:
        write = functools.partial(pipeline.WRITERS[chosen_task.name], **chosen)
    with replacing(out) if replaced else contextlib.nullcontext(out) as folder:
        written, facts = write_records(
            images,
            folder,
            common.progress,
            num_shards=num_shards,
            write=write,
            **arguments,
        )
    _print_summary(written, out, facts)


def _task_named(name):
    """The task of a name; without one the first that has records."""
    having = {task.name: task for task in tasks.TASKS if "records" in task.options}
    if name is None:
        return next(iter(having.values()))
    if name not in having:
        raise ValueError(
            f"There are no records of {name!r}. Expected one of {', '.join(having)}."
        )
    return having[name]


def _check_folder(folder, overwrite):
    """Whether there are records to be replaced; raises ValueError if not allowed."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise ValueError(f"--out {folder} is a file; expected a folder.")
    found = sorted(child.name for child in folder.iterdir())
    if not found:
        return False
    others = [
        name
        for name in found
        if name != "metadata.json" and not name.endswith(".tfrecord")
    ]
    if others:
        raise ValueError(
            f"--out {folder} holds other files than records, such as {others[0]}, which"
            " are never removed. Choose another folder."
        )
    if not overwrite:
        raise ValueError(
            f"--out {folder} already holds records. Choose another folder, or pass"
            " --overwrite to replace them."
        )
    return True


def _print_summary(written, folder, facts):
    paths = [folder / Path(path).name for path in written.paths]
    size = common.size_text(sum(path.stat().st_size for path in paths))
    facts = {"records": folder, **facts, "shards": f"{len(paths)}, {size} together"}
    if written.num_skipped:
        facts["skipped"] = counted(written.num_skipped, "bad images")
    common.print_facts(facts)
