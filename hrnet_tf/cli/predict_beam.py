"""`hrnet predict --beam`."""

import time

from hrnet_tf.cli import common
from hrnet_tf.pictures.video import VIDEO_SUFFIXES

# What belongs to all images and is not part of the exported graph.
_ALLOWED = ("boxes", "min_box_score", "tile", "top_k", "crop_fraction")
_ARGUMENTS = ("tile", "top_k", "crop_fraction")


def check_inputs(model, inputs):
    """Raises ValueError for a model that is not exported, and for videos."""
    if model.is_file():
        raise ValueError(
            f"--beam runs exported models, but {model} is a file. Export it with"
            f" `hrnet export --model {model} --out DIR`, and pass that folder."
        )
    videos = [path for path in inputs if path.suffix.lower() in VIDEO_SUFFIXES]
    if videos:
        raise ValueError(
            f"--beam takes image files, but {videos[0]} is a video. Leave --beam out."
        )


def check_options(given):
    """Raises ValueError for an option that a pipeline does not have."""
    for name in given:
        if name not in _ALLOWED:
            raise ValueError(
                f"--{name.replace('_', '-')} does not go with --beam, which runs"
                " exported models as they are and draws no pictures. Leave it out."
            )


def run(pipeline, finder, model, inputs, out, labels, given, chosen):
    """Predicts all images and says what was found.

    Args:
        pipeline: the module `hrnet_tf.beam.predict`.
        finder: one of `predict_tasks.TASKS`.
        model: path.
        inputs: list of Path.
        out: Path, the folder to write to.
        labels: list of Path, the label PNG of each image; or None.
        given: dict, the options that the user gave.
        chosen: dict, the runner and its options.
    Raises:
        ValueError: if images could not be read; all others are written then.
    """
    items = [{"path": path} for path in inputs]
    for i, path in enumerate(inputs):
        if labels is not None:
            items[i]["labels"] = str(labels[i].absolute())
        if "boxes" in given:
            items[i]["boxes"], items[i]["box_scores"] = finder.boxes[path]
    arguments = {name: given[name] for name in _ARGUMENTS if name in given}
    started = time.perf_counter()
    with common.spinner(finder.verb):
        found = pipeline.predict_images(
            model, items, out, finder.header, arguments, **chosen
        )
    seconds = time.perf_counter() - started
    images = common.count_text(found["num_images"], "image", "images")
    people = [row["people"] for row in found["files"] if "people" in row]
    if people:
        images = f"{common.count_text(sum(people), *finder.noun)} in {images}"
    facts = {
        "found": f"{images}, {seconds:.1f} s",
        "predictions": out / "predictions.json",
    }
    if found["files"]:
        facts["lines"] = _shortened([out / row["file"] for row in found["files"]])
    if labels is not None:
        facts["labels"] = _shortened(labels)
    common.print_facts(facts)
    if found["num_errors"]:
        raise ValueError(
            f"{found['num_errors']} of {len(inputs)} images could not be used, see"
            f" {out / pipeline.ERRORS_FILE}; the first: {found['first_error']}"
        )


def _shortened(paths):
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}"
