"""Bulk prediction: many image files through an exported model.

The output's folder holds predictions-00000-of-00012.jsonl ..., in which each line is
what `hrnet predict` says of an image, in the order of the images; errors.jsonl with the
image_path and error of each image that cannot be read, if there is one; and
predictions.json:

    {"model": ..., what the lines have in common, "num_images": 1234, "num_errors": 5,
     "files": [{"file": "predictions-00000-of-00012.jsonl", "images": 103}, ...]}
"""

import dataclasses
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import KeyedModelHandler, RunInference

from hrnet_tf.beam.model import ExportedModelHandler
from hrnet_tf.beam.running import LOCAL, gather, run_pipeline
from hrnet_tf.data.shards import shard_parts
from hrnet_tf.io import read_json, write_file, write_json
from hrnet_tf.tasks import task_named
from hrnet_tf.typing import PathLike

IMAGES_PER_FILE = 10_000
ERRORS_FILE = "errors.jsonl"
_SUMMARY_FILE = "predictions.json"
_FILES, _ERRORS = "files.json", "errors.json"
# Of an item; the rest is what the task takes of an image.
_OWN = ("path", "file", "position", "files")


def predict_images(
    model: PathLike,
    items: Sequence[dict[str, Any]],
    output_dir: PathLike,
    header: dict[str, Any] | None = None,
    inference_options: dict[str, Any] | None = None,
    arguments: dict[str, Any] | None = None,
    runner: str = LOCAL,
    options: Sequence[str] = (),
    images_per_file: int = IMAGES_PER_FILE,
) -> dict[str, Any]:
    """Predicts image files and writes what is found; see the module.

    The workers of a runner on other machines must have hrnet_tf installed, and see the
    model, the images and the output's folder under the same paths. What an earlier call
    wrote into the folder is replaced at the end.

    Args:
        model: path of a folder of `export_saved_model`.
        items: sequence of dicts, one an image: path (str or path); what the task takes
            of an image, such as boxes and box_scores (lists or None); and files, a dict
            of the endings of `tasks.base.Parts.files` to the paths to write, below
            `output_dir`, or None.
        output_dir: path of a folder; made if absent.
        header: dict of json values that predictions.json begins with.
        inference_options, arguments: dicts for all images, see
            `ExportedModelHandler`.
        runner, options: see `run_pipeline`.
        images_per_file: int.
    Returns:
        The content of predictions.json, a dict; with the errors' first one (str or
        None) as "first_error" and, for poses, the number of "people" of each file.
    Raises:
        ValueError: as `run_pipeline`, for instance if the model predicts what is no
            number. Images that cannot be read do not raise.
    """
    output_dir = Path(output_dir).absolute()
    output_dir.mkdir(parents=True, exist_ok=True)
    work = output_dir / f".work-{uuid.uuid4().hex}"
    work.mkdir()
    try:
        lists = _write_lists(items, work, images_per_file)
        handler = ExportedModelHandler(
            os.path.abspath(model), inference_options, arguments
        )
        header = {"model": str(model), **(header or {})}
        task = described_task(model)

        def build(pipeline):
            _build(pipeline, lists, handler, work, task, tuple(header))

        run_pipeline(build, runner, options)
        return _finish(work, output_dir, header)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _finish(work, output_dir, header):
    """Puts the results in the place of earlier ones; returns what there is to know."""
    files = sorted(read_json(work / _FILES), key=lambda row: row["file"])
    errors = sorted(read_json(work / _ERRORS))
    for path in (
        *output_dir.glob("predictions-*-of-*.jsonl"),
        *(output_dir / name for name in (ERRORS_FILE, _SUMMARY_FILE)),
    ):
        path.unlink(missing_ok=True)
    for row in files:
        os.replace(work / row["file"], output_dir / row["file"])
    if errors:
        rows = [{"image_path": path, "error": error} for _, path, error in errors]
        _write_lines(rows, output_dir / ERRORS_FILE)
    content = {
        **header,
        "num_images": sum(row["images"] for row in files),
        "num_errors": len(errors),
        "files": files,
    }
    write_json(output_dir / _SUMMARY_FILE, content)
    return {**content, "first_error": errors[0][2] if errors else None}


def _build(pipeline, lists, handler, work, task, header):
    """Adds the steps: list -> image -> result -> line -> file."""
    images = (
        pipeline
        | "lists" >> beam.Create(lists)
        | "spread lists" >> beam.Reshuffle()
        | "items" >> beam.FlatMap(read_list)
        | "spread images" >> beam.Reshuffle()
        | "read" >> beam.ParDo(ReadImage(task)).with_outputs("errors", main="images")
    )
    lines = (
        images.images
        | "predict" >> RunInference(KeyedModelHandler(handler))
        | "describe" >> beam.Map(describe, task, header)
    )
    files = (
        lines
        | "of a file" >> beam.GroupByKey()
        | "write" >> beam.Map(write_lines, str(work))
    )
    gather(files, "files", work / _FILES)
    gather(images.errors, "errors", work / _ERRORS)


def _write_lists(items, work, images_per_file):
    """Writes the items of each file of results as json; returns the lists' paths.

    In files, since a cluster takes only small pipelines.
    """
    num_files = max(1, -(-len(items) // images_per_file))
    lists = []
    for i, part in enumerate(shard_parts(len(items), num_files)):
        rows = [
            {
                **{key: value for key, value in item.items() if value is not None},
                "position": position,
                "path": str(item["path"]),
                "file": os.path.abspath(item["path"]),
            }
            for position, item in enumerate(items[part])
        ]
        name = f"predictions-{i:05d}-of-{num_files:05d}.jsonl"
        lists.append(str(work / f"{i:05d}.json"))
        write_json(lists[-1], {"name": name, "items": rows})
    return lists


def read_list(path: PathLike) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the items of a list, each with the name of its file of results."""
    content = read_json(path)
    for item in content["items"]:
        yield content["name"], item


class ReadImage(beam.DoFn):
    """Decodes images; those that cannot be used go to the output "errors".

    Args:
        task: str. Name of the task that the images are for.
    """

    def __init__(self, task: str) -> None:
        super().__init__()
        self.task = task

    def process(self, element: tuple[str, dict[str, Any]]) -> Iterator[Any]:
        """Reads an image.

        Args:
            element: pair (name of the file of results, item).
        Yields:
            A pair of the element without what is known of the image and what
            `ExportedModelHandler` takes; or, as an error, a list of position (name,
            number), path and text.
        """
        name, item = element
        try:
            example = read_example(item, self.task)
        except (ValueError, OSError) as error:
            problem = [[name, item["position"]], item["path"], str(error)]
            yield beam.pvalue.TaggedOutput("errors", problem)
            return
        told = {key: item.get(key) for key in ("position", "path", "files")}
        yield (name, told), example


def read_example(item: dict[str, Any], task: str) -> dict[str, Any]:
    """Returns what `ExportedModelHandler` takes, for an item of `predict_images`.

    Args:
        item: dict.
        task: str, a task's name.
    Raises:
        ValueError: naming the file, if it cannot be read, or what is known of it is
            wrong, such as a box that is not in the image.
    """
    from hrnet_tf.io import read_image

    check = task_named(task).parts.check_known
    known = {key: value for key, value in item.items() if key not in _OWN}
    try:
        image, _ = read_image(item["file"])
        if check is not None:
            known = check(image, item["path"], **known)
    except ValueError as error:
        # As the user called it.
        raise ValueError(str(error).replace(item["file"], item["path"])) from error
    return {"image": image, **known}


def described_task(model: PathLike) -> str:
    """Returns the name of the task of an exported model's folder."""
    from hrnet_tf.export import read_description

    return read_description(model)["task"]


def describe(
    element: tuple[Any, Any], task: str, header: tuple[str, ...]
) -> tuple[str, tuple[int, dict[str, Any]]]:
    """Writes what belongs beside a result, and makes its line.

    Args:
        element: pair of a key of `ReadImage` and the image's result.
        task: str, the task's name.
        header: tuple of str, what is said once for all images.
    Returns:
        A pair (name of the file of results, (position, line)).
    """
    (name, item), result = element
    row = dataclasses.replace(result, image_path=item["path"]).to_dict()
    row = {key: value for key, value in row.items() if key not in header}
    for ending, path in (item["files"] or {}).items():
        task_named(task).parts.files[ending](result, path)
        row[Path(ending).stem.lstrip("_")] = os.path.basename(path)
    return name, (item["position"], row)


def write_lines(
    element: tuple[str, Iterable[tuple[int, dict[str, Any]]]], folder: str
) -> dict[str, Any]:
    """Writes the rows of a file as lines, in the order of their positions.

    Args:
        element: pair (name of the file, pairs of position and row).
        folder: str.
    Returns:
        A dict: file, images and, for poses, people.
    """
    name, rows = element
    in_order = [row for _, row in sorted(rows, key=lambda pair: pair[0])]
    _write_lines(in_order, Path(folder) / name)
    found: dict[str, Any] = {"file": name, "images": len(in_order)}
    if "people" in in_order[0]:
        found["people"] = sum(len(row["people"]) for row in in_order)
    return found


def _write_lines(rows, path):
    lines = (json.dumps(row, allow_nan=False) + "\n" for row in rows)
    write_file(path, lambda file: file.writelines(map(str.encode, lines)))
