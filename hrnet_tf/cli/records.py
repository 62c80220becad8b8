"""`hrnet records`."""

import contextlib
import functools
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf import tasks
from hrnet_tf.cli import common
from hrnet_tf.cli.beam_options import Beam, BeamOptions, Runner, load_beam
from hrnet_tf.cli.options import Debug, flag
from hrnet_tf.cli.task_options import arguments_for, merged_options, task_options
from hrnet_tf.io import replacing
from hrnet_tf.words import counted

# What a folder of records of data of the user's own holds at least.
_OWN = {"records.json", "train", "train.npz"}
DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR",
        show_default=False,
        help="Data of your own, as `hrnet train TASK --data` reads them; it trains on"
        " the records' folder in their place.",
    ),
]
ImagesOption = Annotated[
    Path | None,
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
        show_default="pose; or what the data tell",
        help="Task that the records are for: pose or detection; with --data also"
        " landmarks.",
    ),
]
OverwriteOption = Annotated[
    bool,
    flag("--overwrite", "Replace the records that the folder holds, when done."),
]


@common.command(interrupted="Stopped. Nothing was written.")
@task_options("records")
def records(
    out: OutOption,
    given: dict,
    data: DataOption = None,
    images: ImagesOption = None,
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
      hrnet records --data data/mice --out data/mice-records
    """
    if data is not None:
        _write_own(data, images, out, given, task, num_shards, overwrite, beam)
        return
    check_official(images, given)
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


def check_official(images: Path | None, given: dict) -> None:
    """Checks that labels of one format are named, where no --data are.

    Raises:
        ValueError: if nothing is, or what goes with --data alone.
    """
    if images is None:
        raise ValueError(
            "Nothing tells what to write. Pass --data (what `hrnet train TASK --data`"
            " reads), or --images and the --annotations of them."
        )
    official = {
        name
        for option in merged_options("records")["format"]
        for name in option.official or option.type
    }
    if given.get("format") not in (None, *official):
        raise ValueError(
            f"--format {given['format']} belongs to --data: pass the file or folder of"
            " the labels as --data."
        )


def _write_own(data, images, out, given, name, num_shards, overwrite, beam):
    """Writes records of data of the user's own."""
    from hrnet_tf.cli.data import chosen_task

    if beam:
        raise ValueError(
            "--beam writes records of --annotations, not of --data. Leave it out."
        )
    _check_folder(out, overwrite)
    task = chosen_task(data, name, images, given.get("format"))
    _check_own(task, given)
    with common.spinner("loading TensorFlow"):
        from hrnet_tf.cli.train_own import facts, read_own
        from hrnet_tf.own.record_writing import write_own_records
    where = {"data": str(data), "images": images, "format": given.get("format")}
    skip_bad = bool(given.get("skip_bad"))
    asked = {k: v for k, v in given.items() if k in ("keypoints", "objects")}
    # Frames of videos are written as pictures, and then into the records.
    with tempfile.TemporaryDirectory() as scratch:
        where |= {"split": None, "work": scratch, "skip_bad": skip_bad}
        found, _ = read_own(task, where)
        for line in facts(found):
            common.console().print(line, markup=False, soft_wrap=True)
        written = write_own_records(
            task, found, out, asked, common.progress, num_shards, skip_bad
        )
    common.print_facts({"records": out, **written})


def _check_own(task, given):
    """Raises ValueError for a task or an option that goes with no own records."""
    own = task.parts.own_data
    if own is None or not own.has_records:
        known = {other.name: other.parts.own_data for other in tasks.TASKS}
        able = [n for n, other in known.items() if other and other.has_records]
        raise ValueError(
            f"There are no records of {task.name!r}, which is trained on files."
            f" Expected one of {', '.join(able)} as --task."
        )
    known = ["format", "skip_bad"]
    known.append("objects" if own.reads == "detection" else "keypoints")
    for option in given:
        if option not in known:
            flag = merged_options("records")[option][0].flag
            raise ValueError(
                f"{flag} does not go with --data and {task.name}. Leave it out."
            )


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
    if _OWN <= set(found):
        parts = ("train", "val", "test")
        known = {*_OWN, *parts, *(f"{part}.npz" for part in parts)}
        others = [name for name in found if name not in known]
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
