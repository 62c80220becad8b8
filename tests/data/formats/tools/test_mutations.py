"""Spoilt files give a right read or an explained error, whatever is wrong."""

import functools

import pytest
from drawn_people import NAMES
from drawn_tools import OUTLINES, PEOPLE
from mutations import survive
from own_box_tools import BOXES

from hrnet_tf.data.formats import coco
from hrnet_tf.data.formats.coco_truth import ground_truth
from hrnet_tf.data.formats.tools import read_labelled
from hrnet_tf.data.keypoint_sets import KeypointSet

QUICK, SLOW = 12, 10_000
SUFFIXES = (".json", ".yaml", ".txt", ".csv", ".xml")


def _few(draw):
    """Two pictures, as the others draw."""
    return functools.partial(draw, count=2)


CASES = [
    *((tool, draw, "pose") for tool, draw in PEOPLE.items()),
    *((tool, draw, "segmentation") for tool, draw in OUTLINES.items()),
    *((tool, _few(draw), "detection") for tool, draw in BOXES.items()),
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
        return read_labelled(path, skip_bad=skip_bad, **options).examples

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


@pytest.mark.parametrize("count", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow)])
def test_spoilt_files_of_training_and_test(tmp_path, count):
    """The reader of recipes, and that of the ground truth."""
    path = PEOPLE["coco"](tmp_path)
    keypoint_set = KeypointSet(name="bird", names=NAMES)

    def read(skip_bad):
        people = coco.load_pose(path, tmp_path, keypoint_set, skip_bad=skip_bad)
        truth = ground_truth(path, keypoint_set, skip_bad)
        assert truth["images"]
        return people

    survive([path], read, count)
