"""The official tests of detections, whatever found them: COCO's numbers and VOC's."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.instance_masks import coco_runs
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.io import write_json
from hrnet_tf.metrics.boxes import box_confusion
from hrnet_tf.metrics.coco_boxes import CocoScores, coco_scores
from hrnet_tf.metrics.voc_map import voc_scores
from hrnet_tf.pictures.curves import plot_precision_recall
from hrnet_tf.pictures.plots import plot_class_scores, plot_confusion
from hrnet_tf.tasks.base import Report, Table, count_text
from hrnet_tf.tasks.detection.result import Detections

# What the best checkpoint is chosen by.
MAIN_NUMBER = "AP"
# Found objects that count in the confusion picture.
MIN_SCORE = 0.3
BACKGROUND = "background"


def make_report(
    examples: Sequence[DetectionExample],
    detections: Sequence[Detections],
    object_set: ObjectSet,
    ground_truth: dict[str, Any] | None = None,
    images_per_second: float = float("nan"),
    min_score: float = MIN_SCORE,
) -> Report:
    """Scores detections as the official tests do.

    Its numbers, in 0..1, are COCO's twelve of boxes; where both have masks those of
    masks too, such as "mask_AP"; and PASCAL VOC's "mAP" (area) and "mAP_11" (eleven
    points) at IoU 0.5. COCO's are -1, and VOC's NaN, where there is nothing to find.
    Its facts are classes: dict from a class's name to a dict of "AP", "AP50", "AP75",
    "AR100" (None where nothing is labelled), "labelled" and "found" (with `min_score`
    or more); confusion, see `metrics.boxes.box_confusion`; min_score, num_images and
    num_objects.

    Args:
        examples: `I` examples, the ground truth.
        detections: `I` detections of their images.
        object_set: `ObjectSet` of both.
        ground_truth: dict as in COCO's files, of the annotations to score by; None
            makes it of the examples. VOC's numbers go by the examples.
        images_per_second: float, of what found them.
        min_score: float. Of the confusion picture and the counts.
    Returns:
        `Report`.
    Raises:
        ValueError: if there are no examples, or not as many detections.
    """
    examples, detections = list(examples), list(detections)
    if not examples or len(examples) != len(detections):
        raise ValueError(
            f"Expected detections for each of one or more examples. Received:"
            f" {len(examples)} examples and {len(detections)} detections."
        )
    truth = ground_truth or ground_truth_of(examples, object_set)
    results, ids = coco_results(examples, detections, object_set, truth)
    scores = {"": coco_scores(truth, results, "bbox")}
    has_masks = all("segmentation" in entry for entry in truth["annotations"])
    if has_masks and all(found.masks is not None for found in detections):
        scores["mask_"] = coco_scores(truth, results, "segm")
    numbers = {
        f"{prefix}{name}": value
        for prefix, found in scores.items()
        for name, value in found.numbers.items()
    }
    boxes, sure, kinds = (
        [getattr(found, name) for found in detections]
        for name in ("boxes", "scores", "classes")
    )
    count = object_set.num_classes
    numbers |= voc_scores(examples, boxes, sure, kinds, count).numbers
    confusion = box_confusion(examples, boxes, sure, kinds, count, min_score)
    facts: dict[str, Any] = {
        "classes": _classes(scores, ids, object_set, confusion),
        "confusion": confusion,
        "min_score": min_score,
        "num_images": len(examples),
        "num_objects": sum(int((~example.ignored).sum()) for example in examples),
    }
    return Report(
        numbers=numbers,
        main_name=MAIN_NUMBER,
        images_per_second=images_per_second,
        facts=facts,
        shown=_shown(numbers, facts, images_per_second),
        plots=_plots(scores[""], ids, object_set, facts, results),
    )


def ground_truth_of(
    examples: Sequence[DetectionExample], object_set: ObjectSet
) -> dict[str, Any]:
    """Makes the content of a COCO file of instances, without file names.

    Difficult objects are crowds there: what lies on them counts as nothing.

    Args:
        examples: list of `DetectionExample`, of different image ids.
        object_set: `ObjectSet`.
    Returns:
        dict with images, annotations and categories.
    """
    images, annotations = [], list[dict[str, Any]]()
    for example in examples:
        size = (int(example.height), int(example.width))
        images.append(
            {"id": int(example.image_id), "height": size[0], "width": size[1]}
        )
        assert example.areas is not None
        runs = example.runs if example.has_masks else ()
        for i, box in enumerate(example.boxes.astype(np.float64)):
            entry = {
                "id": len(annotations) + 1,
                "image_id": int(example.image_id),
                "category_id": object_set.file_ids[example.classes[i]],
                "bbox": [*box[:2].tolist(), *(box[2:] - box[:2]).tolist()],
                "area": float(example.areas[i]),
                "iscrowd": int(example.ignored[i]),
            }
            if len(runs):
                entry["segmentation"] = coco_runs(runs[i], size)
            annotations.append(entry)
    categories = [
        {"id": number, "name": name}
        for number, name in zip(object_set.file_ids, object_set.classes, strict=True)
    ]
    return {"images": images, "annotations": annotations, "categories": categories}


def coco_results(
    examples: Sequence[DetectionExample],
    detections: Sequence[Detections],
    object_set: ObjectSet,
    ground_truth: dict[str, Any] | None = None,
) -> tuple[list[dict[str, Any]], tuple[int, ...]]:
    """Returns detections as COCO's list of results, and each class's category id.

    Args:
        examples, detections, object_set: see `make_report`.
        ground_truth: dict as in COCO's files, whose categories' ids count by their
            names; None for the set's own.
    """
    ids = object_set.file_ids
    if ground_truth is not None:
        known = {entry["name"]: entry["id"] for entry in ground_truth["categories"]}
        spare = max([*known.values(), 0]) + 1
        ids = tuple(
            known.get(name, spare + i) for i, name in enumerate(object_set.classes)
        )
    results = [
        row
        for example, found in zip(examples, detections, strict=True)
        for row in found.to_coco(example.image_id, ids)
    ]
    if ground_truth is not None:
        # A class that the annotations do not know is found in vain.
        categories = set(known.values())
        results = [row for row in results if row["category_id"] in categories]
    return results, ids


def _classes(scores, ids, object_set, confusion):
    """What is known of each class, a dict by its name."""
    found = confusion[:, :-1].sum(0)
    labelled = confusion[:-1].sum(1)
    rows: dict[str, Any] = {}
    for i, name in enumerate(object_set.classes):
        row: dict[str, Any] = {}
        for prefix, part in scores.items():
            place = _place(part, ids[i])
            for key, values in part.per_class.items():
                value = np.nan if place is None else float(values[place])
                row[f"{prefix}{key}"] = None if np.isnan(value) else value
        rows[name] = {**row, "labelled": int(labelled[i]), "found": int(found[i])}
    return rows


def _place(scores: CocoScores, category_id: int) -> int | None:
    ids = scores.category_ids
    return ids.index(category_id) if category_id in ids else None


def _plots(scores, ids, object_set, facts, results):
    """What a report's folder holds beside the numbers."""
    curves = {}
    for name, number in zip(object_set.classes, ids, strict=True):
        place = _place(scores, number)
        if place is not None:
            curves[name] = scores.precisions[place]
    names = (*object_set.classes, BACKGROUND)
    known = {
        name: row["AP"]
        for name, row in facts["classes"].items()
        if row["AP"] is not None
    }
    plots = {
        "precision_recall.png": functools.partial(
            plot_precision_recall, curves, title="boxes, IoU 0.5"
        ),
        "confusion.png": functools.partial(plot_confusion, facts["confusion"], names),
        "detections.json": functools.partial(_write_results, results),
    }
    if known:
        plots["classes.png"] = functools.partial(
            plot_class_scores, known, label="AP", mean=scores.numbers["AP"]
        )
    return plots


def _write_results(results, path):
    write_json(path, results)


def _shown(numbers, facts, images_per_second):
    """Tables of the numbers and the classes, and a line below them."""
    with_masks = "mask_AP" in numbers
    columns = ("metric", "boxes", "masks") if with_masks else ("metric", "boxes")
    rows = []
    for name, value in numbers.items():
        if name.startswith("mask_"):
            continue
        row = [name, _text(value)]
        if with_masks:
            row.append(_text(numbers.get(f"mask_{name}", np.nan)))
        rows.append(tuple(row))
    shown = [Table(columns=columns, rows=tuple(rows), bold=0)]
    keys = ["AP", "AP50", "AP75", "AR100"]
    if with_masks:
        keys += ["mask_AP", "mask_AP50"]
    classes = [
        (
            name,
            *(_text(np.nan if row[key] is None else row[key]) for key in keys),
            str(row["labelled"]),
            str(row["found"]),
        )
        for name, row in facts["classes"].items()
    ]
    titles = [key.replace("mask_", "mask ") for key in keys]
    shown.append(
        Table(columns=("class", *titles, "labelled", "found"), rows=tuple(classes))
    )
    images = count_text(facts["num_images"], "image", "images")
    objects = count_text(facts["num_objects"], "labelled object", "labelled objects")
    line = f"{images}, {objects}; found: with a score of {facts['min_score']:g} or more"
    if np.isfinite(images_per_second):
        line += f"; {images_per_second:.1f} images/s"
    return (*shown, line)


def _text(value):
    # COCO's -1, and NaN, say that there was nothing to measure it on.
    return f"{value:.4f}" if value >= 0 else "-"
