"""Found objects that are written for annotation tools are read again."""

import numpy as np
import pytest
from drawn_objects import FRUIT, drawn_examples

from hrnet_tf.data.formats import coco_objects, yolo_objects
from hrnet_tf.data.formats.tools.writers import coco, yolo
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
