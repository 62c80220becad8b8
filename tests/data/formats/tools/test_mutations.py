"""Spoilt files give a right read or an explained error, whatever is wrong."""

import functools
from types import SimpleNamespace

import own_objects
import own_people
import pytest
from all_shapes import CLASSES, SHAPES
from all_shapes import PEOPLE as GROUPED
from drawn_people import NAMES, write
from drawn_tools import OUTLINES, PEOPLE
from mutations import survive
from own_box_tools import BOXES
from own_people import draw_crowds

from hrnet_tf.data.formats import coco
from hrnet_tf.data.formats.coco_objects import load_detection
from hrnet_tf.data.formats.coco_people import load_people
from hrnet_tf.data.formats.coco_truth import ground_truth
from hrnet_tf.data.formats.tools import read_labelled
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.tasks.pose.box_files import read_boxes

QUICK, SLOW = 12, 10_000
SUFFIXES = (".json", ".yaml", ".txt", ".csv", ".xml")


def _few(draw):
    """Two pictures, as the others draw."""
    return functools.partial(draw, count=2)


BOXES_OF_SETS = {
    "coco": own_objects.coco,
    "voc": own_objects.voc,
    "yolo": own_objects.yolo,
}
CASES = [
    *((tool, draw, "pose") for tool, draw in {**PEOPLE, **GROUPED}.items()),
    *((tool, draw, "segmentation") for tool, draw in {**OUTLINES, **SHAPES}.items()),
    *((tool, draw, "classification") for tool, draw in CLASSES.items()),
    *((tool, _few(draw), "detection") for tool, draw in BOXES.items()),
    *((tool, _few(draw), "detection") for tool, draw in BOXES_OF_SETS.items()),
    *((tool, draw, "detection") for tool, draw in SHAPES.items()),
]
IDS = [f"{tool} {task}" for tool, _, task in CASES]


def spoil(tmp_path, case, count):
    tool, draw, task = case
    path = draw(tmp_path / "export")
    files = sorted(p for p in path.parent.rglob("*") if p.suffix in SUFFIXES)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES)

    def read(skip_bad):
        work = tmp_path / "work"
        options = {"format": tool.split()[0], "task": task, "work": work}
        data = read_labelled(path, skip_bad=skip_bad, **options)
        assert all(isinstance(name, str) and name for name in data.names)
        return data.examples

    read(False)
    return survive(files, read, count)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_spoilt_files(tmp_path, case):
    spoil(tmp_path, case, QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_many_spoilt_files(tmp_path, case):
    read, refused = spoil(tmp_path, case, SLOW)
    assert read > SLOW // 50 and refused > SLOW // 50


def _pose(folder):
    """The reader of recipes, and that of the ground truth."""
    path = PEOPLE["coco"](folder)
    keypoint_set = KeypointSet(name="bird", names=NAMES)

    def read(skip_bad):
        people = coco.load_pose(path, folder, keypoint_set, skip_bad=skip_bad)
        truth = ground_truth(path, keypoint_set, skip_bad)
        assert truth["images"]
        areas = [entry["area"] for entry in truth["annotations"]]
        assert all(0 <= area < 1e13 for area in areas)
        return people

    return [path], read


def _crowds(folder):
    """The reader of bottom-up pose, with outlines of what is masked."""
    path = draw_crowds(folder / "crowds", count=2)
    keypoint_set = KeypointSet(name="mouse", names=own_people.NAMES)

    def read(skip_bad):
        images = path.parent / "images"
        return load_people(path, images, keypoint_set, skip_bad=skip_bad)

    return [path], read


def _masks(folder):
    """The reader of detectors that learn masks."""
    path = OUTLINES["coco"](folder)

    def read(skip_bad):
        return load_detection(path, folder, masks=True, skip_bad=skip_bad)

    return [path], read


def _boxes(folder):
    """The boxes that predictions are given, of each kind of file."""
    box = {"bbox": [1, 2, 30, 40], "score": 0.5, "category_id": 1}
    images = [{"id": i, "file_name": f"{i}.png"} for i in (1, 2)]
    entries = [{**box, "image_id": image["id"]} for image in images]
    people = {"images": images, "categories": [{"id": 1, "name": "person"}]}
    contents = {
        "names": {"1.png": [[1, 2, 30, 40]], "2.png": []},
        "results": entries,
        "people": {**people, "annotations": entries},
    }
    paths = [write(folder / f"{kind}.json", c) for kind, c in contents.items()]

    def read(skip_bad):
        found = []
        for path in paths:
            for boxes, scores in read_boxes(path, [folder / "1.png", folder / "2.png"]):
                assert len(boxes) == len(scores)
                found.append(SimpleNamespace(boxes=None))
        return found

    return paths, read


@pytest.mark.parametrize("count", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow)])
@pytest.mark.parametrize("make", [_pose, _crowds, _masks, _boxes])
def test_spoilt_files_of_recipes_and_predictions(tmp_path, make, count):
    files, read = make(tmp_path)
    read(False)
    survive(files, read, count)
