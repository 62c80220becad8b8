"""Files of annotation tools, opened by the libraries of the tools themselves.

They come with `make test-slow`. Each test prints what docs/formats.md tells.
"""

import json
import os

import numpy as np
import pytest
from predictions import NAMES, SKELETON, largest_difference, people_of, predict_people

from hrnet_tf.data.formats.tools import read_labelled
from hrnet_tf.data.formats.tools.writers import (
    coco,
    cvat,
    dlc,
    label_studio,
    labelme,
    sleap,
    yolo,
)

pytestmark = pytest.mark.slow


def library(name):
    """A library of tools; on CI, where `make test-slow` installs it, it has to be."""
    if os.environ.get("CI"):
        return __import__(name)
    return pytest.importorskip(name)


@pytest.fixture
def predictions(tmp_path):
    return predict_people(tmp_path)


def told(capsys, format, difference):
    with capsys.disabled():
        print(f"\n{format}: largest difference {difference:.1e} px")
    assert difference < 2e-3


def close(points, predictions):
    """The largest difference to the placed points, in whatever order they come."""
    written = people_of(predictions)
    written = written[written[..., 2] > 0][:, :2]
    points = np.asarray(points, np.float64).reshape(-1, 2)
    assert len(points) == len(written)
    distances = np.abs(points[:, None] - written[None]).max(-1)
    return max(distances.min(0).max(), distances.min(1).max())


def test_coco(predictions, tmp_path, capsys):
    datumaro = library("datumaro")
    from pycocotools.coco import COCO

    path, _ = coco.write(predictions, tmp_path / "out")
    (category,) = COCO(str(path)).loadCats([1])
    assert category["keypoints"] == list(NAMES)
    opened = datumaro.Dataset.import_from(str(path), "coco_person_keypoints")
    points = [
        np.array(entry.points).reshape(-1, 2)[[v.value > 0 for v in entry.visibility]]
        for item in opened
        for entry in item.annotations
        if entry.type.name == "points"
    ]
    # It keeps two digits.
    assert close(np.concatenate(points), predictions) < 6e-3
    told(capsys, "coco", largest_difference(predictions, read_labelled(path)))


def test_cvat(predictions, tmp_path, capsys):
    datumaro = library("datumaro")
    path, *_ = cvat.write(predictions, tmp_path / "out")
    opened = datumaro.Dataset.import_from(str(path), "cvat")
    assert len(opened) == 7
    # Its points have neither names nor flags: those that are outside are there too.
    points = [
        entry.points
        for item in opened
        for entry in item.annotations
        if entry.type.name == "points"
    ]
    assert len(points) == len(NAMES) * len(people_of(predictions))
    told(capsys, "cvat", largest_difference(predictions, read_labelled(path)))


def test_label_studio(predictions, tmp_path, capsys):
    library("label_studio_sdk")
    from label_studio_sdk.label_interface import LabelInterface

    path, config, _ = label_studio.write(predictions, tmp_path / "out")
    interface = LabelInterface(config.read_text())
    tasks = json.loads(path.read_text())
    for task in tasks:
        (prediction,) = task["predictions"]
        assert interface.validate_prediction(prediction, return_errors=True) == []
    for task in tasks:
        (prediction,) = task.pop("predictions")
        task["annotations"] = [{"id": 1, "result": prediction["result"]}]
    path.write_text(json.dumps(tasks))
    told(capsys, "label_studio", largest_difference(predictions, read_labelled(path)))


def test_sleap(predictions, tmp_path, capsys):
    sleap_io = library("sleap_io")
    (path,) = sleap.write(predictions, tmp_path / "out")
    labels = sleap_io.load_slp(str(path))
    (skeleton,) = labels.skeletons
    assert skeleton.node_names == list(NAMES)
    assert tuple(skeleton.edge_names) == SKELETON
    assert len(labels.videos) == 3 and len(labels) == 7
    for frame in labels:
        # What a double click on a prediction does.
        frame.instances = [
            sleap_io.Instance.from_numpy(found.numpy(), skeleton=skeleton)
            for found in frame.instances
        ]
    labels.save(str(tmp_path / "corrected.slp"), verbose=False)
    data = read_labelled(tmp_path / "corrected.slp", work=tmp_path / "work")
    assert data.flip_pairs == (("left", "right"),)
    told(capsys, "sleap", largest_difference(predictions, data))


@pytest.mark.parametrize("writer", [labelme, yolo])
def test_what_no_library_is_there_for(predictions, tmp_path, capsys, writer):
    path, *_ = writer.write(predictions, tmp_path / "out")
    difference = largest_difference(predictions, read_labelled(path))
    told(capsys, writer.__name__.rpartition(".")[2], difference)


@pytest.mark.parametrize("people", [1, 2])
def test_dlc(predictions, tmp_path, capsys, people):
    pandas, sleap_io = library("pandas"), library("sleap_io")
    for row in predictions["images"]:
        row["people"] = row["people"][:people]
    config, *tables = dlc.write(predictions, tmp_path / "out")
    points = []
    for table in tables:
        header = [0, 1, 2] if people == 1 else [0, 1, 2, 3]
        if table.suffix == ".csv":
            read = pandas.read_csv(table, header=header, index_col=[0, 1, 2])
        else:
            read = pandas.read_hdf(table)
            points.append(read.to_numpy().reshape(-1, 2))
            # The tables of DeepLabCut themselves, without pandas.
            again = read_labelled(table) if read.notna().any().any() else None
            assert again is None or set(again.names) == set(NAMES)
        assert list(read.columns.names)[-2:] == ["bodyparts", "coords"]
    points = np.concatenate(points)
    assert close(points[np.isfinite(points).all(1)], predictions) < 1e-3
    opened = sleap_io.load_dlc(str(tables[0]), config=False)
    assert sorted(opened.skeleton.node_names) == sorted(NAMES)
    data = read_labelled(config)
    assert data.names == NAMES and data.skeleton == SKELETON
    told(capsys, f"dlc, {people} a picture", largest_difference(predictions, data))
