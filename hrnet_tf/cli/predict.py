"""`hrnet predict`."""

import time
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common, predict_beam
from hrnet_tf.cli.beam_options import Beam, BeamOptions, Runner, load_beam
from hrnet_tf.cli.options import Debug, task_option
from hrnet_tf.cli.tasks import check_options, task_of
from hrnet_tf.pictures.video import VIDEO_SUFFIXES

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


_PEOPLE = "human pose and face landmarks"
ImagesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="IMAGE|VIDEO|DIR",
        show_default=False,
        help="Image files, videos, or folders of them.",
    ),
]
ModelOption = Annotated[
    Path,
    typer.Option(
        metavar="MODEL",
        show_default=False,
        help="A .keras file, such as the best.keras of `hrnet train`, or a folder"
        " of `hrnet export`. Its class says what is looked for.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        help="Folder for predictions.json and a picture, or video, of each input.",
    ),
]
FlipTestOption = Annotated[
    bool | None,
    typer.Option(
        "--flip-test/--no-flip-test",
        metavar="",
        help="Average with the mirrored image: a little better, for twice the time."
        " Not for classification.",
        show_default="off; an exported model does as it was exported",
    ),
]
BoxesOption = Annotated[
    Path | None,
    task_option(
        task=_PEOPLE,
        metavar="FILE.json",
        show_default="the whole image is one person",
        help="Where the people are, in pixels of the image:"
        ' {"image.jpg": \\[\\[x, y, width, height], ...], ...}; or COCO annotations'
        " or detections; or, for one image, a list of boxes. Boxes of a video are"
        " those of all its frames.",
    ),
]
MinScoreOption = Annotated[
    float | None,
    task_option(
        task=_PEOPLE,
        metavar="SCORE",
        min=0,
        max=1,
        help="Keypoints with a lower score are not drawn.",
        show_default="0.2",
    ),
]
MinBoxScoreOption = Annotated[
    float | None,
    task_option(
        task=_PEOPLE,
        metavar="SCORE",
        min=0,
        max=1,
        help="A detector's boxes with a lower score are left out.",
        show_default="0",
    ),
]
DrawBoxesOption = Annotated[
    bool | None,
    task_option(
        "--draw-boxes",
        task=_PEOPLE,
        metavar="",
        help="Also draw the boxes in the pictures.",
    ),
]
ScalesOption = Annotated[
    str | None,
    task_option(
        task="segmentation",
        metavar="S,S,...",
        help="Scales whose results are added, such as 0.75,1,1.25.",
        show_default="1",
    ),
]
TileOption = Annotated[
    int | None,
    task_option(
        task="segmentation",
        metavar="PIXELS",
        min=32,
        help="Run images in tiles of this size, a multiple of 32: for images that are"
        " larger than the memory.",
        show_default="whole images",
    ),
]
AlphaOption = Annotated[
    float | None,
    task_option(
        task="segmentation",
        metavar="SHARE",
        min=0,
        max=1,
        help="How much the colours hide the image.",
        show_default="0.6",
    ),
]
TopKOption = Annotated[
    int | None,
    task_option(
        "--top",
        task="classification",
        metavar="N",
        min=1,
        help="Number of classes that are given.",
        show_default="5",
    ),
]
CropFractionOption = Annotated[
    float | None,
    task_option(
        task="classification",
        metavar="SHARE",
        min=0.01,
        max=1,
        help="Share of the shorter side that the centre crop takes.",
        show_default="the model's own",
    ),
]
_ALLOWED = {
    "pose": ("flip_test", "boxes", "min_score", "min_box_score", "draw_boxes"),
    "landmarks": ("flip_test", "boxes", "min_score", "min_box_score", "draw_boxes"),
    "segmentation": ("flip_test", "scales", "tile", "alpha"),
    "classification": ("top_k", "crop_fraction"),
}


@common.command(interrupted="Stopped. predictions.json was not written.")
def predict(
    images: ImagesArgument,
    model: ModelOption,
    out: OutOption = Path("predictions"),
    flip_test: FlipTestOption = None,
    boxes: BoxesOption = None,
    min_score: MinScoreOption = None,
    min_box_score: MinBoxScoreOption = None,
    draw_boxes: DrawBoxesOption = None,
    scales: ScalesOption = None,
    tile: TileOption = None,
    alpha: AlphaOption = None,
    top: TopKOption = None,
    crop_fraction: CropFractionOption = None,
    beam: Beam = False,
    runner: Runner = None,
    beam_option: BeamOptions = None,
    debug: Debug = False,
):
    """Run a model on images and videos, and draw what it finds.

    The files themselves are never changed. predictions.json holds, for poses and
    faces, the box of each person and x, y (pixels) and score of each keypoint; for
    segmentation the share of each class, beside a label PNG of each image; for
    classification the likeliest classes.

    With --beam an exported model runs on any number of image files, and there are no
    pictures: the results of each image are a line of predictions-*.jsonl, images that
    cannot be read a line of errors.jsonl (and the exit code is 1).

    Examples:
      hrnet predict --model runs/lspet/best.keras person.jpg
      hrnet predict --model exported/coco --boxes detections.json \\
          --min-box-score 0.3 --out found data/coco/val2017
      hrnet predict --model runs/camvid/best.keras --out found drive.mp4
      hrnet predict --model exported/coco --beam --out found data/coco/unlabeled2017
    """
    given = {
        "flip_test": flip_test,
        "boxes": boxes,
        "min_score": min_score,
        "min_box_score": min_box_score,
        "draw_boxes": draw_boxes,
        "scales": scales and common.numbers("--scales", scales),
        "tile": tile,
        "alpha": alpha,
        "top_k": top,
        "crop_fraction": crop_fraction,
    }
    given = {name: value for name, value in given.items() if value is not None}
    pipeline, chosen = load_beam("predict", beam, runner, beam_option)
    inputs = _inputs(images, check=not beam)
    if pipeline:
        predict_beam.check_inputs(model, inputs)
    with common.spinner("loading the model"):
        from hrnet_tf.cli.predict_tasks import TASKS
        from hrnet_tf.predictors.loading import read_model

        loaded = read_model(model)
        task = task_of(loaded, model)
        check_options(given, _ALLOWED[task], task, model)
        if pipeline:
            predict_beam.check_options(given)
        if task == "landmarks":
            given["noun"] = ("face", "faces")
        finder = _finder(TASKS[task], loaded, model, inputs, given)
    if pipeline:
        labels = _targets(inputs, out, "labels") if finder.extras else None
        predict_beam.run(pipeline, finder, model, inputs, out, labels, given, chosen)
    else:
        _run(finder, model, inputs, out)


def _finder(kind, loaded, path, inputs, arguments):
    try:
        return kind(loaded, inputs, **arguments)
    except ValueError as error:
        if str(error).startswith(str(arguments.get("boxes"))):
            raise
        raise ValueError(f"{path}: {error}") from error


def _inputs(paths, check=True):
    """The images and videos, those of folders in the order of their names."""
    from hrnet_tf.data.formats.checks import image_size

    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                child
                for child in path.iterdir()
                if child.suffix.lower() in IMAGE_SUFFIXES + VIDEO_SUFFIXES
            )
            if not inside:
                raise ValueError(
                    f"The folder {path} holds no image or video. Expected files that"
                    f" end in {', '.join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)}."
                )
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise ValueError(
                f"The image {path} does not exist. Expected image files, videos or"
                " folders of them."
            )
    for path in found:
        if check and path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            # Cut short or of another format: said before any work is done.
            image_size(path)
    return found


def _targets(inputs, out, suffix, extras=()):
    """What is written for each input: nothing twice, nor over an input."""
    taken = {path.resolve() for path in inputs}
    targets = []
    for path in inputs:
        ending = f"_{suffix}.{'mp4' if _is_video(path) else 'png'}"
        stem, number = path.stem, 2
        while taken & (written := _written(out, stem, ending, extras)):
            stem, number = f"{path.stem}_{number}", number + 1
        taken |= written
        targets.append(out / f"{stem}{ending}")
    return targets


def _written(out, stem, ending, extras):
    """All files that are written for an input."""
    return {(out / f"{stem}{end}").resolve() for end in (ending, *extras)}


def _is_video(path):
    return path.suffix.lower() in VIDEO_SUFFIXES


def _run(finder, model, inputs, out):
    from hrnet_tf.io import write_json

    targets = _targets(inputs, out, finder.suffix, finder.extras)
    content = {"model": str(model), **finder.header, "images": []}
    rows = []
    started = time.perf_counter()
    with common.progress(finder.verb, "images") as tick:
        for i, (path, target) in enumerate(zip(inputs, targets, strict=True)):
            if _is_video(path):
                frames = _run_video(finder, path, target, tick)
                video = {"video_path": str(path), "picture": target.name}
                content.setdefault("videos", []).append({**video, "frames": frames})
                rows += frames
            else:
                rows.append(_run_image(finder, path, target))
                content["images"].append(rows[-1])
            tick(i + 1, len(inputs))
    seconds = time.perf_counter() - started
    write_json(out / "predictions.json", content)
    unit = ("frame", "frames") if "videos" in content else ("image", "images")
    found = finder.summary(rows)
    more = f" and {len(targets) - 1} more" if len(targets) > 1 else ""
    common.print_facts(
        {
            "found": f"{found} in {common.count_text(len(rows), *unit)},"
            f" {seconds:.1f} s",
            "predictions": out / "predictions.json",
            "pictures": f"{targets[0]}{more}",
        }
    )


def _run_image(finder, path, target):
    from hrnet_tf.pictures.sheet import save_image

    found = finder.find(path, path)
    save_image(finder.draw(path, found), target)
    return {
        **finder.row(found),
        "picture": target.name,
        **finder.files(found, target),
    }


def _run_video(finder, path, target, tick):
    """Runs the frames of a video and writes them drawn; returns their rows."""
    from hrnet_tf.pictures.video import VideoReader, VideoWriter

    rows = []
    with (
        VideoReader(path) as reader,
        VideoWriter(target, reader.frames_per_second) as writer,
    ):
        for frame in reader:
            found = finder.find(frame, path)
            writer.write(finder.draw(frame, found, video=True))
            rows.append(finder.row(found))
            tick(len(rows), max(reader.num_frames, len(rows)))
    return rows
