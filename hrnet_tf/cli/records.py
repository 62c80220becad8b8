"""`hrnet records`."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common, sources
from hrnet_tf.cli.beam_options import Beam, BeamOptions, Runner, load_beam
from hrnet_tf.cli.options import (
    AnnotationFormat,
    Annotations,
    Debug,
    Format,
    Images,
    SkipBad,
    flag,
)
from hrnet_tf.io import replacing

OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR", show_default=False, help="Folder to write the records to."
    ),
]
KeypointsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        help="Keypoint set: coco, mpii, lsp, or a descriptor (.json or .py).",
        show_default="the format's",
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
OverwriteOption = Annotated[
    bool,
    flag("--overwrite", "Replace the records that the folder holds, when done."),
]


@common.command(interrupted="Stopped. Nothing was written.")
def records(
    annotations: Annotations,
    images: Images,
    out: OutOption,
    keypoints: KeypointsOption = None,
    format: AnnotationFormat = Format.coco,
    num_shards: NumShardsOption = None,
    skip_bad: SkipBad = False,
    overwrite: OverwriteOption = False,
    beam: Beam = False,
    runner: Runner = None,
    beam_option: BeamOptions = None,
    debug: Debug = False,
):
    """Check a data set thoroughly and write it as TFRecords to train from.

    Every image is decoded once, so that a damaged one is named here and not during
    training. The image files go into the records unchanged. Recipes say where they
    look for records. With --beam many workers write the same files, byte for byte.

    Example:
      hrnet records --images data/coco/train2017 --out data/coco/records/train \\
          --annotations data/coco/annotations/person_keypoints_train2017.json
    """
    from hrnet_tf.data.shards import write_pose_records

    pipeline, chosen = load_beam("records", beam, runner, beam_option)
    keypoint_set = sources.load_keypoints(keypoints, format)
    # Now, and not after minutes of checking images.
    replaced = _check_folder(out, overwrite)
    examples = sources.load_people(annotations, images, keypoint_set, format, skip_bad)
    with replacing(out) if replaced else contextlib.nullcontext(out) as folder:
        arguments = (examples, folder, keypoint_set, num_shards, skip_bad)
        if pipeline:
            with common.spinner("writing records"):
                written = pipeline.write_pose_records(*arguments, **chosen)
        else:
            with common.progress("writing records", "images") as tick:
                written = write_pose_records(*arguments, tick)
    _print_summary(written, out)


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


def _print_summary(written, folder):
    paths = [folder / Path(path).name for path in written.paths]
    size = common.size_text(sum(path.stat().st_size for path in paths))
    keypoint_set = written.keypoint_set
    facts = {
        "records": folder,
        "images": written.num_images,
        "people": written.num_people,
        "keypoints": f"{keypoint_set.num_keypoints} ({keypoint_set.name})",
        "shards": f"{len(paths)}, {size} together",
    }
    if written.num_skipped:
        facts["skipped"] = f"{written.num_skipped} bad images"
    common.print_facts(facts)
