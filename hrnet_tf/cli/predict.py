"""`hrnet predict`."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from hrnet_tf.cli import common, predict_beam
from hrnet_tf.cli.beam_options import Beam, BeamOptions, Runner, load_beam
from hrnet_tf.cli.find_model import model_or_starter
from hrnet_tf.cli.options import Debug
from hrnet_tf.cli.predict_annotations import Annotations
from hrnet_tf.cli.predict_video import run_video
from hrnet_tf.cli.task_options import arguments_for, arguments_of, task_options
from hrnet_tf.pictures.camera import is_camera
from hrnet_tf.pictures.video import VIDEO_SUFFIXES

# From so many images on the network is made faster first.
_MANY = 200
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
ImagesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="IMAGE|VIDEO|DIR|camera:N",
        show_default=False,
        help="Image files, videos, folders of them, or a camera, such as camera:0.",
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        metavar="MODEL",
        show_default="the starter model of poses",
        help="A .keras file, such as the best.keras of `hrnet train`, or what `hrnet"
        " export` wrote, of any format; or the name of a starter model. It says what is"
        " looked for.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        help="Folder for predictions.json and a picture, or video, of each input.",
    ),
]
WriteOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FORMAT",
        show_default=False,
        help="Also write the predictions as annotations that a person can correct, into"
        " OUT/annotations_FORMAT: coco, cvat, label_studio, labelme, sleap, dlc or yolo"
        " (of segmentations coco, cvat, labelme or masks; of objects coco, cvat,"
        " label_studio, labelme or yolo). Can be given several times.",
    ),
]
SecondsOption = Annotated[
    float | None,
    typer.Option(
        metavar="S",
        min=0.1,
        show_default="until Ctrl-C",
        help="How long to look through a camera.",
    ),
]
EveryOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="Of videos write every Nth frame as annotations.",
    ),
]


@common.command(interrupted="Stopped. predictions.json was not written.")
@task_options("predict")
def predict(
    images: ImagesArgument,
    given: dict,
    model: ModelOption = None,
    out: OutOption = Path("predictions"),
    write_annotations: WriteOption = None,
    annotate_every: EveryOption = 1,
    seconds: SecondsOption = None,
    beam: Beam = False,
    runner: Runner = None,
    beam_option: BeamOptions = None,
    debug: Debug = False,
) -> None:
    """Run a model on images and videos, and draw what it finds.

    The files themselves are never changed. predictions.json holds, for poses and
    faces, the box of each person and x, y (pixels) and score of each keypoint; for
    segmentation the share of each class, beside a label PNG of each image; for
    classification the likeliest classes.

    With --beam an exported model runs on any number of image files, and there are no
    pictures: the results of each image are a line of predictions-*.jsonl, images that
    cannot be read a line of errors.jsonl (and the exit code is 1).

    Without --model a small model of poses that comes with the package is taken; it
    has seen drawn people alone, and shows how everything works. Another that comes
    along is named: written_digits tells handwritten digits.

    Examples:
      hrnet predict person.jpg
      hrnet predict --model written_digits seven.png
      hrnet predict --model runs/lspet/best.keras person.jpg
      hrnet predict --model exported/coco --boxes detections.json \\
          --min-box-score 0.3 --out found data/coco/val2017
      hrnet predict --model runs/coco/best.keras --detector runs/people/best.keras \\
          --track photo.jpg dance.mp4
      hrnet predict --model runs/camvid/best.keras --out found drive.mp4
      hrnet predict --model runs/mice/best.keras --write-annotations sleap walk.mp4
      hrnet predict --model exported/coco --beam --out found data/coco/unlabeled2017
    """
    pipeline, chosen = load_beam("predict", beam, runner, beam_option)
    if pipeline and write_annotations:
        raise ValueError(
            "--write-annotations does not go with --beam, whose results are lines of"
            " many files. Leave it out."
        )
    inputs = _inputs(images, check=not beam)
    if seconds is not None and not any(map(is_camera, inputs)):
        raise ValueError(
            f"--seconds {seconds:g} says how long to look through a camera, but none is"
            " among the inputs. Leave it out."
        )
    model = model_or_starter(model, "predict")
    if pipeline:
        predict_beam.check_inputs(model, inputs)
    with common.spinner("loading the model"):
        from hrnet_tf.predict import Predictor, read_model
        from hrnet_tf.tasks import task_of

        loaded = read_model(model)
        task = task_of(loaded, model)
        annotations = Annotations(write_annotations or (), task, annotate_every, out)
        arguments = arguments_for(task, "predict", given, model)
        track = arguments.pop("track", False)
        _check_track(track, inputs, pipeline)
        if pipeline and "detector" in arguments:
            raise ValueError(
                "--detector does not go with --beam. Run the detector with --beam"
                " first, and pass its boxes as --boxes."
            )
        known, finder = {}, None
        for_finder = arguments_of(task.parts.finder, arguments)
        for_inputs = arguments_of(task.parts.inputs, arguments)
        if task.parts.finder is not None:
            finder = task.parts.finder(Predictor.load, **for_finder)
        if task.parts.inputs is not None and finder is None:
            known = task.parts.inputs(inputs, **for_inputs)
        told = {*for_finder, *for_inputs}
        arguments = {k: v for k, v in arguments.items() if k not in told}
        options = arguments_of(task.parts.inference, arguments)
        if any(map(_is_video, inputs)) or len(inputs) >= _MANY:
            # Takes as long as some calls, and each of them less time then.
            options |= arguments_of(task.parts.inference, {"frozen": True})
        try:
            predictor = Predictor(loaded)
            if pipeline:
                predict_beam.check_options(predictor, arguments)
            predictor = Predictor(loaded, **options)
        except ValueError as error:
            raise ValueError(f"{model}: {error}") from error
    if pipeline:
        targets = {end: _targets(inputs, out, end) for end in task.parts.files}
        beside = [
            {end: paths[i] for end, paths in targets.items()}
            for i in range(len(inputs))
        ]
        predict_beam.run(
            pipeline, predictor, model, inputs, out, beside, known, arguments, chosen
        )
    else:
        run = _Run(predictor, known, finder, arguments, track, seconds)
        _run(run, model, inputs, out, annotations)


class _Run:
    """A predictor with what the user said of inputs, runs and drawings."""

    def __init__(self, predictor, known, finder, arguments, track, seconds):
        self.predictor, self.known, self.track = predictor, known, track
        self.finder, self.seconds = finder, seconds
        self.task, self.parts = predictor.task, predictor.task.parts
        self.for_run = arguments_of(predictor.inference.run, arguments)
        self.for_drawing = arguments_of(self.parts.draw, arguments)
        self.for_tracking = arguments_of(self.parts.track, arguments)

    def find(self, image, path):
        """The result of an image: a path, or the frame of the video at the path."""
        known = self.finder(image) if self.finder else self.known.get(path, {})
        return self.predictor.predict(image, **known, **self.for_run)

    def tracker(self):
        """What numbers the results of one video's frames; without tracking, nothing."""
        if not self.track:
            return lambda found, time: found
        return self.parts.track(self.predictor.inference, **self.for_tracking)

    def assumed(self):
        """What was taken to be so, as nothing told it; a dict of facts."""
        told = [known.get("boxes") for known in self.known.values()]
        nothing = all(boxes is None for boxes in told)
        found = self.finder or getattr(self.predictor.inference, "finds_boxes", False)
        if self.parts.inputs is None or found or not nothing:
            return {}
        one, many = self.task.noun
        text = f"none given: each whole picture was one {one}"
        return {"boxes": f"{text}; --boxes or --detector tells where {many} are"}

    def draw(self, image, found, video=False):
        return self.parts.draw(image, found, video=video, **self.for_drawing)

    def row(self, found):
        """What predictions.json says of an image."""
        return without(found.to_dict(), self.predictor.inference.header)

    def files(self, found, picture):
        """Writes what belongs beside a picture; returns its names for the row."""
        stem = picture.stem.removesuffix(f"_{self.task.suffix}")
        names = {}
        for ending, write in self.parts.files.items():
            path = picture.with_name(f"{stem}{ending}")
            write(found, path)
            names[Path(ending).stem.lstrip("_")] = path.name
        return names


def without(row: dict[str, Any], header: dict[str, Any]) -> dict[str, Any]:
    """A result's row without what all results have in common."""
    return {key: value for key, value in row.items() if key not in header}


def _inputs(paths, check=True):
    """The images and videos, those of folders in the order of their names."""
    from hrnet_tf.data.formats.checks import image_size
    from hrnet_tf.data.formats.folders import chosen_files
    from hrnet_tf.data.left_out import LeftOut
    from hrnet_tf.notes import warn_noted

    found = []
    for path in paths:
        if path.is_dir():
            left_out = LeftOut()
            known = IMAGE_SUFFIXES + VIDEO_SUFFIXES
            inside = chosen_files(path.iterdir(), known, left_out)
            left_out.warn(path)
            if not inside:
                raise ValueError(
                    f"The folder {path} holds no image or video. Expected files that"
                    f" end in {', '.join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)}."
                )
            found += inside
        elif is_camera(path) or path.is_file():
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
    warn_noted()
    return found


def _check_track(track, inputs, pipeline):
    if track and pipeline:
        raise ValueError("--track does not go with --beam, which reads no videos.")
    if track and not any(map(_is_video, inputs)):
        raise ValueError(
            "--track numbers what is found in the frames of videos, but there is no"
            f" video among the {common.count_text(len(inputs), 'input', 'inputs')}."
            " Leave it out."
        )


def _targets(inputs, out, ending, extras=()):
    """What is written for each input: nothing twice, nor over an input."""
    taken = {path.resolve() for path in inputs}
    targets = []
    for path in inputs:
        end = f"{Path(ending).stem}.mp4" if _is_video(path) else ending
        stem, number = path.stem.replace(":", "_"), 2
        while taken & (written := _written(out, stem, end, extras)):
            stem = f"{path.stem.replace(':', '_')}_{number}"
            number += 1
        taken |= written
        targets.append(out / f"{stem}{end}")
    return targets


def _written(out, stem, ending, extras):
    """All files that are written for an input."""
    return {(out / f"{stem}{end}").resolve() for end in (ending, *extras)}


def _is_video(path):
    return is_camera(path) or path.suffix.lower() in VIDEO_SUFFIXES


def _run(run, model, inputs, out, annotations):
    from hrnet_tf.io import write_json

    task = run.task
    targets = _targets(inputs, out, f"_{task.suffix}.png", tuple(run.parts.files))
    header = run.predictor.inference.header
    content = {"model": str(model), **header, "images": []}
    rows = []
    started = time.perf_counter()
    with common.progress(task.verb, "images") as tick:
        for i, (path, target) in enumerate(zip(inputs, targets, strict=True)):
            if _is_video(path):
                video = run_video(run, path, target, tick)
                content.setdefault("videos", []).append(video)
                rows += video["frames"]
            else:
                rows.append(_run_image(run, path, target))
                content["images"].append(rows[-1])
            tick(i + 1, len(inputs))
    seconds = time.perf_counter() - started
    write_json(out / "predictions.json", content)
    least = (run.for_drawing.get(name) for name in ("min_score", "min_person_score"))
    written = annotations.write(content, out, *least)
    if run.parts.table is not None and content["images"]:
        common.show_table(run.parts.table(content["images"]))
    unit = ("frame", "frames") if "videos" in content else ("image", "images")
    told = arguments_of(run.parts.summary, run.for_drawing)
    found = run.parts.summary(rows, task.noun, **told)
    more = f" and {len(targets) - 1} more" if len(targets) > 1 else ""
    common.print_facts(
        {
            "found": f"{found} in {common.count_text(len(rows), *unit)},"
            f" {seconds:.1f} s",
            "predictions": out / "predictions.json",
            "pictures": f"{targets[0]}{more}",
            **run.assumed(),
            **written,
        }
    )


def _run_image(run, path, target):
    from hrnet_tf.pictures.sheet import save_image

    found = run.find(path, path)
    save_image(run.draw(path, found), target)
    return {
        **run.row(found),
        "picture": target.name,
        **run.files(found, target),
    }
