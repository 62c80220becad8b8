"""Data sets of TensorFlow Datasets: a small one, written by the test."""

import io

import numpy as np
import pytest
import tensorflow as tf
from drawn_shapes import CLASSES, draw_shape

from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.data.formats.tfds import is_tfds, load_tfds
from hrnet_tf.tasks.classification import stream as pipeline

tfds = pytest.importorskip("tensorflow_datasets")


def make_builder(name, features, supervised_keys, examples):
    def info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=supervised_keys,
        )

    parts = {
        "VERSION": tfds.core.Version("1.0.0"),
        "_info": info,
        "_split_generators": lambda self, _: {
            "train": examples(14),
            "test": examples(5),
        },
        "_generate_examples": None,
    }
    return type(name, (tfds.core.GeneratorBasedBuilder,), parts)


def draw(count):
    for number in range(count):
        file = io.BytesIO()
        draw_shape(CLASSES[number % 3], number).save(file, "PNG")
        label = CLASSES[number % 3]
        yield number, {"image": io.BytesIO(file.getvalue()), "label": label}


@pytest.fixture(scope="module")
def tfds_dir(tmp_path_factory):
    """A folder with the data sets "shapes" and "numbers"."""
    folder = tmp_path_factory.mktemp("tfds")
    shapes = make_builder(
        "Shapes",
        {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "label": tfds.features.ClassLabel(names=CLASSES),
        },
        ("image", "label"),
        draw,
    )
    numbers = make_builder(
        "Numbers",
        {"value": tfds.features.Scalar(tf.int64)},
        None,
        lambda count: ((i, {"value": i}) for i in range(count)),
    )
    for builder in (shapes, numbers):
        builder(data_dir=folder).download_and_prepare()
    return folder


def test_names():
    assert is_tfds("tfds:beans") and not is_tfds("data/beans")


def test_split(tfds_dir):
    source = load_tfds("tfds:shapes", "train", tfds_dir)
    assert source.name == "shapes/1.0.0" and source.split == "train"
    assert source.num_images == 14 and source.class_names == CLASSES


def test_validation_is_the_first_split_that_there_is(tfds_dir):
    assert load_tfds("tfds:shapes", "val", tfds_dir).split == "test"


def test_images_in_order(tfds_dir):
    source = load_tfds("tfds:shapes", "train", tfds_dir)
    loaded = tfds.load("shapes", split="train", data_dir=tfds_dir, as_supervised=True)
    expected = [int(label) for _, label in loaded]
    found = list(
        pipeline.test_batches(
            pipeline.classified_stream(source), (32, 32), 1.0, 4
        ).as_numpy_iterator()
    )
    assert np.concatenate([labels for _, labels in found]).tolist() == expected
    assert found[0][0].shape == (4, 32, 32, 3) and found[-1][0].shape[0] == 2


def test_part_of_a_split(tfds_dir):
    source = load_tfds("tfds:shapes", "train[2:6]", tfds_dir)
    assert source.num_images == 4
    loaded = tfds.load("shapes", split="train", data_dir=tfds_dir, as_supervised=True)
    expected = [int(label) for _, label in loaded][2:6]
    (_, labels) = next(
        iter(
            pipeline.test_batches(pipeline.classified_stream(source), (32, 32), 1.0, 8)
        )
    )
    assert labels.numpy().tolist() == expected


@pytest.mark.slow
def test_training_resumes(tfds_dir):
    source = load_tfds("tfds:shapes", "train", tfds_dir)

    def batches(epochs):
        data = pipeline.training_batches(
            pipeline.classified_stream(source),
            3,
            (32, 32),
            7,
            ClassificationAugmentation(),
            first_epoch=epochs[0],
            epochs=epochs[1],
        )
        return list(data.as_numpy_iterator())

    whole, resumed = batches((0, 3)), batches((1, 3))
    assert len(whole) == 6
    labels = np.concatenate([labels for _, labels in whole[:2]])
    np.testing.assert_array_equal(np.bincount(labels), [5, 5, 4])
    for expected, found in zip(whole[2:], resumed, strict=True):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])


def test_bad_names(tfds_dir):
    with pytest.raises(ValueError, match=r"cannot provide 'absent' \(DatasetNotFound"):
        load_tfds("tfds:absent", "train", tfds_dir)
    with pytest.raises(ValueError, match=r"no split 'dev'. It has: t.*"):
        load_tfds("tfds:shapes", "dev", tfds_dir)
    with pytest.raises(ValueError, match=r"'numbers' holds .*expected an Image and a"):
        load_tfds("tfds:numbers", "train", tfds_dir)
