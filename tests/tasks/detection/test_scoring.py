"""The official numbers of detections, and what a report holds."""

import contextlib
import io
import json

import numpy as np
import pytest
from drawn_objects import FRUIT, drawn_examples, example_of
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from hrnet_tf.data.instance_masks import coco_runs, runs_of_mask
from hrnet_tf.metrics.boxes import box_confusion, box_iou
from hrnet_tf.metrics.coco_boxes import STAT_NAMES, coco_scores
from hrnet_tf.metrics.voc_map import voc_scores
from hrnet_tf.tasks.detection.result import Detections
from hrnet_tf.tasks.detection.scoring import (
    coco_results,
    ground_truth_of,
    make_report,
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fruit")
    return drawn_examples(folder, count=8, size=(200, 240))


def guesses(examples, seed=0, masks=True):
    """Detections near the labelled objects, some of them wrong."""
    rng = np.random.default_rng(seed)
    found = []
    for example in examples:
        boxes = np.concatenate([example.boxes, example.boxes[:1]])
        boxes = boxes + rng.normal(0, 1.2, boxes.shape)
        classes = np.concatenate([example.classes, [rng.integers(2)]])
        drawn = None
        if masks:
            drawn = []
            for left, top, right, bottom in boxes.round().astype(int):
                inside = np.zeros((example.height, example.width), bool)
                inside[max(top, 0) : bottom, max(left, 0) : right] = True
                drawn.append(coco_runs(runs_of_mask(inside), inside.shape))
        scores = rng.random(len(boxes))
        found.append(Detections(boxes, scores, classes, FRUIT, drawn))
    return found


def official(truth, results, kind):
    """pycocotools' own numbers."""
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = COCO()
        dataset.dataset = truth
        dataset.createIndex()
        evaluation = COCOeval(dataset, dataset.loadRes(results), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats.tolist()


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_the_twelve_numbers_are_pycocotools(examples, kind):
    truth = ground_truth_of(examples, FRUIT)
    results, _ = coco_results(examples, guesses(examples), FRUIT)
    scores = coco_scores(truth, results, kind)
    key = "bbox" if kind == "bbox" else "segmentation"
    alone = [
        {k: r[k] for k in ("image_id", "category_id", "score", key)} for r in results
    ]
    assert list(scores.numbers.values()) == official(truth, alone, kind)
    assert 0.1 < scores.numbers["AP"] < 0.95
    assert np.isclose(scores.per_class["AP"].mean(), scores.numbers["AP"])
    assert np.isclose(scores.per_class["AR100"].mean(), scores.numbers["AR100"])
    assert scores.precisions.shape == (2, 101)
    assert np.isclose(scores.precisions.mean(), scores.numbers["AP50"])


def test_real_annotations_with_crowds(shared):
    path = shared / "data" / "coco_mini" / "annotations" / "instances_val2017.json"
    truth = json.loads(path.read_text())
    rng = np.random.default_rng(0)
    results = []
    for entry in truth["annotations"]:
        box = np.array(entry["bbox"]) * rng.uniform(0.9, 1.1, 4)
        keys = ("image_id", "category_id")
        score = {"bbox": box.tolist(), "score": rng.random()}
        results.append({**{k: entry[k] for k in keys}, **score})
    found = coco_scores(truth, results)
    assert list(found.numbers.values()) == official(truth, results, "bbox")


def test_nothing_found_is_nothing_right(examples):
    scores = coco_scores(ground_truth_of(examples, FRUIT), [])
    assert scores.numbers["AP"] == 0 and set(scores.numbers) == set(STAT_NAMES)
    nothing = [Detections([], [], [], FRUIT) for _ in examples]
    report = make_report(examples, nothing, FRUIT)
    assert report.numbers["AP"] == 0 and report.numbers["mAP"] == 0
    assert report.confusion[:, -1].sum() == report.num_objects


def test_results_of_others_are_refused(examples):
    truth = ground_truth_of(examples, FRUIT)
    row = {"image_id": 99, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1.0}
    with pytest.raises(ValueError, match="values of 'image_id' .* such as \\[99\\]"):
        coco_scores(truth, [row])
    with pytest.raises(ValueError, match="nan|finite"):
        coco_scores(truth, [{**row, "image_id": 1, "score": np.nan}])


def one(boxes, scores, classes, difficult=None):
    """An example of two apples, and what was found in it."""
    labelled = [[0, 0, 10, 10], [20, 0, 30, 10]]
    example = example_of(labelled, [0, 0], difficult=difficult)
    return [example], [np.array(boxes)], [np.array(scores)], [np.array(classes)], 2


def test_voc_by_hand():
    # Right, the same one again, elsewhere, right at the threshold of a half.
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [50, 0, 60, 10], [20, 0, 30, 5]]
    found = voc_scores(*one(boxes, [0.9, 0.8, 0.7, 0.6], [0, 0, 0, 0]))
    recall, precision = found.curves[0]
    assert recall.tolist() == [0.5, 0.5, 0.5, 1.0]
    assert np.allclose(precision, [1, 1 / 2, 1 / 3, 1 / 2])
    assert np.isclose(found.area[0], 0.5 * 1 + 0.5 * 0.5)
    # Recalls of 0 to 0.5 at a precision of 1, 0.6 to 1 at a half.
    assert np.isclose(found.eleven_points[0], (6 * 1 + 5 * 0.5) / 11)
    assert np.isnan(found.area[1]) and np.isclose(found.numbers["mAP"], 0.75)


def test_voc_leaves_difficult_objects_out():
    boxes = [[0, 0, 10, 10], [20, 0, 30, 10]]
    found = voc_scores(*one(boxes, [0.9, 0.8], [0, 0], difficult=[True, False]))
    assert found.curves[0][1].tolist() == [1.0] and found.area[0] == 1.0


def test_confusion_by_hand():
    # An apple, found as a pear, and a pear where nothing is; the other one is missed.
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [50, 0, 60, 10], [20, 0, 30, 10]]
    arrays = one(boxes, [0.9, 0.8, 0.7, 0.1], [0, 1, 1, 0])
    counts = box_confusion(*arrays, min_score=0.5)
    assert counts.tolist() == [[1, 0, 1], [0, 0, 0], [0, 2, 0]]
    arrays = one(boxes[3:], [0.9], [0], difficult=[False, True])
    assert box_confusion(*arrays, min_score=0.5).tolist() == [
        *([0, 0, 1], [0, 0, 0], [0, 0, 0])
    ]


def test_overlaps():
    boxes = [[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10]]
    assert np.allclose(box_iou(boxes[:1], boxes), [[1, 1 / 3, 0]])
    assert box_iou(np.zeros((0, 4)), boxes).shape == (0, 3)


def test_a_report_is_written_with_its_plots(examples, tmp_path):
    report = make_report(examples, guesses(examples), FRUIT, images_per_second=2.0)
    assert report.main_number == report.numbers["AP"]
    assert {"mask_AP", "mAP_11", "APs"} < set(report.numbers)
    assert report.classes["apple"]["labelled"] + report.classes["pear"][
        "labelled"
    ] == sum(e.num_objects for e in examples)
    report.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("classes.png", "confusion.png", "detections.json"),
        *("precision_recall.png", "report.json"),
    ]
    rows = json.loads((tmp_path / "detections.json").read_text())
    assert set(rows[0]) == {"image_id", "category_id", "bbox", "score", "segmentation"}
    assert make_report(examples, guesses(examples, masks=False), FRUIT).shown
    with pytest.raises(ValueError, match="8 examples and 0 detections"):
        make_report(examples, [], FRUIT)


def test_categories_of_a_file_count_by_their_names(examples):
    truth = ground_truth_of(examples, FRUIT)
    ids = {1: 17, 2: 4}
    for entry in truth["annotations"]:
        entry["category_id"] = ids[entry["category_id"]]
    truth["categories"] = [{"id": 4, "name": "pear"}, {"id": 17, "name": "apple"}]
    found = guesses(examples)
    by_file = make_report(examples, found, FRUIT, truth)
    assert by_file.numbers == make_report(examples, found, FRUIT).numbers
    assert by_file.classes["apple"]["AP"] != by_file.classes["pear"]["AP"]
