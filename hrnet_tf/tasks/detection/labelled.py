"""Files of labelled objects: testing a model on them, and writing them as records."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.detection_records import (
    DetectionRecords,
    write_detection_records,
)
from hrnet_tf.data.formats import coco_objects, voc_objects, yolo_objects
from hrnet_tf.data.formats.checked_json import decode
from hrnet_tf.data.formats.coco_entries import numbers_of_texts
from hrnet_tf.data.formats.tools.coco_outlines import OutlinedEntry
from hrnet_tf.data.object_sets import ObjectSet, load_object_set, model_object_set
from hrnet_tf.pictures.tested import tested_pictures
from hrnet_tf.tasks.detection.evaluate import evaluate
from hrnet_tf.tasks.detection.picture import draw_tested
from hrnet_tf.typing import PathLike, Progress

if TYPE_CHECKING:
    from hrnet_tf.data.formats.objects import Objects
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


FORMATS: dict[str, Callable[..., Any]] = {
    "coco": coco_objects.load_detection,
    "voc": voc_objects.load_detection,
    "yolo": yolo_objects.load_detection,
}


def test_files(
    model: "HRNetModel",
    images: PathLike,
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    annotations: Sequence[PathLike] = (),
    format: str = "coco",
    split: str | None = None,
    objects: PathLike | None = None,
    limits: tuple[int, int] | None = None,
    batch_size: int = 4,
    pictures: int = 12,
    skip_bad: bool = False,
) -> "dict[str, Report]":
    """Tests a detector on labelled images.

    With a COCO-style file the numbers are those of its own annotations, as pycocotools
    reads them.

    Args:
        model: `HRNetFasterRCNN`, `HRNetCascadeRCNN` or `HRNetFCOS`.
        images: path of the image folder; of VOC's or YOLO's data the folder itself.
        progress: `(description, unit)` to a context of a callable (done, total).
        source: path the model came from, for messages.
        out: path of what will be written, or None; in a folder pictures are drawn.
        annotations: list of one path, the json of "coco".
        format: str, a key of `FORMATS`.
        split: str or None, of "voc" and "yolo"; None takes all images.
        objects: name or descriptor file of the object set; None takes the model's.
        limits: see `DetectionInference`.
        batch_size: int.
        pictures: int. So many images are drawn, labelled and found, if `out` is a
            folder.
        skip_bad: bool. Warns of bad examples instead of raising.
    Returns:
        dict of one `Report`, "report".
    Raises:
        ValueError: if the arguments contradict each other or the data are bad.
    """
    object_set = checked_object_set(model, source, objects)
    with progress("checking images", "images") as tick:
        found = read_labelled(
            images,
            format,
            annotations,
            split,
            object_set,
            bool(getattr(model, "with_masks", False)),
            skip_bad,
            tick,
        )
    examples = found.told(images)
    draw = functools.partial(draw_tested, object_set=object_set)
    on_found = tested_pictures(out, draw, pictures, len(examples))
    truth = None
    if format == "coco" and not skip_bad:
        truth = _ground_truth(annotations[0], object_set, examples)
    with progress("finding objects", "images") as tick:
        report = evaluate(
            model,
            examples,
            truth,
            object_set,
            batch_size=batch_size,
            limits=limits,
            progress=tick,
            on_found=on_found,
        )
    return {"report": report}


def read_labelled(
    images: PathLike,
    format: str = "coco",
    annotations: Sequence[PathLike] = (),
    split: str | None = None,
    object_set: ObjectSet | None = None,
    masks: bool = False,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> "Objects":
    """Reads labelled objects of any format.

    Args:
        images, format, annotations, split, skip_bad: see `test_files`.
        object_set: `ObjectSet`, or None for the data's own.
        masks: bool. Whether masks are read; VOC's files have none.
        progress: callable (done, total) or None.
    Returns:
        `Objects`.
    Raises:
        ValueError: if the arguments contradict each other or the data are bad.
    """
    annotations = list(annotations)
    if format not in FORMATS:
        raise ValueError(
            f"`format` must be one of {', '.join(FORMATS)}. Received: {format!r}."
        )
    if format == "coco":
        if len(annotations) != 1 or split is not None:
            raise ValueError(
                "`format` coco takes `annotations` of one json, and no `split`."
                f" Received: {len(annotations)} files, split={split!r}."
            )
        return coco_objects.read_objects(
            annotations[0], images, object_set, masks, skip_bad, progress
        )
    if annotations:
        raise ValueError(
            f"`annotations` belongs to `format` coco; of {format} pass the data's"
            " folder as `images`."
        )
    if format == "voc":
        return voc_objects.read_objects(images, split, object_set, skip_bad, progress)
    return yolo_objects.read_objects(
        images, split, object_set, masks, skip_bad, progress
    )


def write_records(
    images: PathLike,
    out: PathLike,
    progress: Callable[..., Any],
    *,
    annotations: PathLike | None = None,
    format: str = "coco",
    split: str | None = None,
    objects: PathLike | None = None,
    masks: bool = False,
    num_shards: int | None = None,
    skip_bad: bool = False,
    write: Callable[..., Any] | None = None,
) -> tuple[DetectionRecords, dict[str, Any]]:
    """Checks labelled objects and writes them as records.

    Args:
        images, progress, format, split, skip_bad: see `test_files`.
        out: path of the folder to write.
        annotations: path of the json of "coco", or None.
        objects: name or descriptor file of the object set; None: the data's own.
        masks: bool. Whether the records hold masks.
        num_shards: int or None, see `write_pose_records`.
        write: what writes them, like `write_detection_records`; None means that.
    Returns:
        `DetectionRecords`, and a dict of facts to tell.
    Raises:
        ValueError: as for `read_labelled`.
    """
    with progress("checking images", "") as tick:
        found = read_labelled(
            images,
            format,
            () if annotations is None else [annotations],
            split,
            None if objects is None else load_object_set(objects),
            masks,
            skip_bad,
            tick,
        )
    examples = found.told(images)
    arguments = (examples, out, found.object_set, num_shards, skip_bad)
    if write is not None:
        written = write(*arguments)
    else:
        with progress("writing records", "images") as tick:
            written = write_detection_records(*arguments, tick)
    facts = {
        "images": written.num_images,
        "objects": written.num_objects,
        "without objects": written.num_empty,
        "masks": "yes" if masks and written.has_masks else "no",
        "classes": f"{found.object_set.num_classes} ({found.object_set.name})",
    }
    return written, facts


def checked_object_set(
    model: Any, source: PathLike, objects: PathLike | ObjectSet | None = None
) -> ObjectSet:
    """Returns the `ObjectSet` to test with, of as many classes as the model finds.

    Args:
        model: the model.
        source: path it came from, for messages.
        objects: see `test_files`.
    Raises:
        ValueError: if nothing tells the classes, or they are of another number.
    """
    object_set = model_object_set(model) if objects is None else None
    if objects is not None:
        object_set = load_object_set(objects)
    if object_set is None:
        raise ValueError(
            f"{source} does not say which classes it finds. Pass `objects`."
        )
    if object_set.num_classes != model.num_classes:
        raise ValueError(
            f"`objects` {objects} has {object_set.num_classes} classes, but {source}"
            f" finds {model.num_classes}. Leave `objects` out, or pass the set that the"
            " model was trained with."
        )
    return object_set


def _ground_truth(path, object_set, examples):
    """A COCO file's annotations of the classes of a set, as pycocotools reads them.

    Images and categories have the numbers that the examples' results name them by.
    """
    contents = coco_objects.read_contents(path)
    names = coco_objects.category_names(path, contents, object_set)
    wanted = {n: name for n, name in names.items() if name in object_set.classes}
    # Categories of one name are one class.
    ids = {name: number for number, name in reversed(wanted.items())}
    if not all(isinstance(number, int) for number in ids.values()):
        ids = {name: number for number, name in enumerate(ids, 1)}
    texts = numbers_of_texts(contents["images"])
    annotations = []
    for entry in contents["annotations"]:
        found = decode(entry, OutlinedEntry, str(path))
        if found.category_id in wanted:
            fields = {
                "image_id": texts.get(found.image_id, found.image_id),
                "category_id": ids[wanted[found.category_id]],
                "iscrowd": int(bool(found.iscrowd)),
                "bbox": found.bbox,
                "area": found.area,
                "segmentation": found.segmentation,
            }
            annotations.append({k: v for k, v in fields.items() if v is not None})
    return {
        "images": [
            {"id": e.image_id, "height": e.height, "width": e.width} for e in examples
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
    }
