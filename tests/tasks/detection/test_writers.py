"""Found objects that are written for annotation tools are read again."""

import json

import numpy as np
import pytest
from drawn_objects import FRUIT, drawn_examples

from hrnet_tf.data.formats import coco_objects, yolo_objects
from hrnet_tf.data.formats.tools import read_labelled
from hrnet_tf.data.formats.tools.writers import coco, cvat, label_studio, labelme, yolo
from hrnet_tf.tasks.detection.picture import labelled_objects


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return drawn_examples(tmp_path_factory.mktemp("fruit"), count=3)


@pytest.fixture
def predictions(examples):
    rows = [labelled_objects(example, FRUIT).to_dict() for example in examples]
    rows[0]["objects"].append({**rows[0]["objects"][0], "score": 0.1})
    return {"object_set": FRUIT.to_dict(), "images": rows}


def same(read, examples, masks):
    for found, example in zip(read, examples, strict=True):
        np.testing.assert_allclose(found.boxes, example.boxes, atol=0.01)
        assert np.array_equal(found.classes, example.classes)
        if masks:
            assert np.array_equal(found.mask(0), example.mask(0))


def test_coco(predictions, examples, tmp_path):
    path, images = coco.write(predictions, tmp_path)
    assert path.name == "instances_default.json"
    read = coco_objects.load_detection(path, images, FRUIT, masks=True)
    same(read, examples, True)


def test_yolo(predictions, examples, tmp_path):
    path, *_ = yolo.write(predictions, tmp_path)
    read = yolo_objects.read_objects(path, "train")
    assert read.object_set.classes == FRUIT.classes
    same(read.examples, examples, False)


def classes_of(data, examples):
    """The examples as the set numbers the classes."""
    return [[FRUIT.classes.index(data.names[c]) for c in e.classes] for e in examples]


@pytest.mark.parametrize("writer", [cvat, labelme])
def test_boxes_of_tools(predictions, examples, tmp_path, writer):
    path, *_ = writer.write(predictions, tmp_path / "out")
    data = read_labelled(path, task="detection")
    for found, example in zip(data.examples, examples, strict=True):
        np.testing.assert_allclose(found.boxes, example.boxes, atol=0.01)
    wanted = [example.classes.tolist() for example in examples]
    assert classes_of(data, data.examples) == wanted
    if writer is cvat:
        assert data.names == FRUIT.classes
        labels = json.loads((tmp_path / "out" / "labels.json").read_text())
        assert [label["type"] for label in labels] == ["rectangle"] * len(labels)


def test_boxes_of_label_studio(predictions, examples, tmp_path):
    """Which reads them when somebody has accepted them."""
    path, config, _ = label_studio.write(predictions, tmp_path / "out")
    tasks = json.loads(path.read_text())
    with pytest.raises(ValueError, match="with predictions that nobody accepted"):
        read_labelled(path, format="label_studio", task="detection")
    for task in tasks:
        task["annotations"] = task.pop("predictions")
    path.write_text(json.dumps(tasks))
    data = read_labelled(path, task="detection")
    for found, example in zip(data.examples, examples, strict=True):
        np.testing.assert_allclose(found.boxes, example.boxes, atol=0.01)
    assert classes_of(data, data.examples) == [e.classes.tolist() for e in examples]
    assert all(f'"{name}"' in config.read_text() for name in FRUIT.classes)
