"""`hrnet predict --beam`."""

import inspect
import shlex
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hrnet_tf.cli import common
from hrnet_tf.cli.task_options import arguments_of
from hrnet_tf.pictures.video import VIDEO_SUFFIXES
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.predict import Predictor


def check_inputs(model: Path, inputs: list[Path]) -> None:
    """Raises ValueError for a model that is not exported, and for videos."""
    if model.is_file():
        raise ValueError(
            f"--beam runs exported models, but {model} is a file. Export it with"
            f" `hrnet export --model {shlex.quote(str(model))} --out DIR`, and pass"
            " that folder."
        )
    videos = [path for path in inputs if path.suffix.lower() in VIDEO_SUFFIXES]
    if videos:
        raise ValueError(
            f"--beam takes image files, but {videos[0]} is a video. Leave --beam out."
        )


def check_options(predictor: "Predictor", arguments: dict[str, Any]) -> None:
    """Raises ValueError for an option that a pipeline does not have.

    Args:
        predictor: `Predictor`.
        arguments: dict, what the user gave.
    """
    built_in = predictor.inference.built_in
    drawing = inspect.signature(predictor.task.parts.draw).parameters
    for name in arguments:
        if name in drawing or name in built_in:
            raise ValueError(
                f"--{name.replace('_', '-')} does not go with --beam, which runs"
                " exported models as they are and draws no pictures. Leave it out."
            )


def run(
    pipeline: ModuleType,
    predictor: "Predictor",
    model: PathLike,
    inputs: list[Path],
    out: Path,
    beside: list[dict[str, Any]],
    known: dict[Path, dict[str, Any]],
    arguments: dict[str, Any],
    chosen: dict[str, Any],
) -> None:
    """Predicts all images and says what was found.

    Args:
        pipeline: the module `hrnet_tf.beam.predict`.
        predictor: `Predictor` of the exported model.
        model: path.
        inputs: list of Path.
        out: Path, the folder to write to.
        beside: list of dicts of an ending to the Path that is written for an image.
        known: dict of path to what is known of the image.
        arguments: dict, what the user gave.
        chosen: dict, the runner and its options.
    Raises:
        ValueError: if images could not be read; all others are written then.
    """
    items = [{"path": path, **known.get(path, {})} for path in inputs]
    for item, files in zip(items, beside, strict=True):
        item["files"] = {end: str(path.absolute()) for end, path in files.items()}
    task, inference = predictor.task, predictor.inference
    started = time.perf_counter()
    with common.spinner(task.verb):
        found = pipeline.predict_images(
            model,
            items,
            out,
            inference.header,
            arguments_of(task.parts.inference, arguments),
            arguments_of(inference.run, arguments),
            **chosen,
        )
    seconds = time.perf_counter() - started
    images = common.count_text(found["num_images"], "image", "images")
    people = [row["people"] for row in found["files"] if "people" in row]
    if people:
        images = f"{common.count_text(sum(people), *task.noun)} in {images}"
    facts = {
        "found": f"{images}, {seconds:.1f} s",
        "predictions": out / "predictions.json",
    }
    if found["files"]:
        facts["lines"] = _shortened([out / row["file"] for row in found["files"]])
    for ending in task.parts.files:
        name = Path(ending).stem.lstrip("_")
        facts[name] = _shortened([files[ending] for files in beside])
    common.print_facts(facts)
    if found["num_errors"]:
        raise ValueError(
            f"{found['num_errors']} of {len(inputs)} images could not be used, see"
            f" {out / pipeline.ERRORS_FILE}; the first: {found['first_error']}"
        )


def _shortened(paths):
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"
