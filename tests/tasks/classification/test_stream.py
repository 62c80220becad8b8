"""The batches of classification: order, draws, labels and resuming."""

import numpy as np
import pytest
import tensorflow as tf
from drawn_shapes import CLASSES, draw_data_set

from hrnet_tf.data import files
from hrnet_tf.data.augment.classification import (
    ClassificationAugmentation,
    center_crop,
)
from hrnet_tf.data.formats.image_folder import load_split
from hrnet_tf.io import decode_image
from hrnet_tf.tasks.classification import stream as pipeline

SIZE = (32, 32)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = draw_data_set(tmp_path_factory.mktemp("shapes"), 4, 3)
    return load_split(folder, "train", CLASSES)


def batches(
    examples, augmentation=None, epochs=(0, 1), seed=0, batch_size=5, first_step=0
):
    first_epoch, last = epochs
    data = pipeline.training_batches(
        pipeline.classified_stream(examples),
        len(CLASSES),
        SIZE,
        batch_size,
        augmentation or ClassificationAugmentation(),
        seed,
        first_epoch=first_epoch,
        epochs=last,
        first_step=first_step,
    )
    return list(data.as_numpy_iterator())


def test_files_in_memory_give_the_same(examples):
    wanted = batches(examples)
    with files.kept_in_memory():
        found = batches(examples)
    for a, b in zip(found, wanted, strict=True):
        for part, expected in zip(a, b, strict=True):
            np.testing.assert_array_equal(part, expected)


def test_plain_batches(examples):
    found = batches(examples)
    assert len(found) == pipeline.classified_stream(examples).steps_per_epoch(5) == 2
    for images, labels in found:
        assert images.shape == (5, *SIZE, 3) and images.dtype == np.uint8
        assert labels.shape == (5,) and labels.dtype == np.int64


def test_an_epoch_shows_every_image_once(examples):
    labels = np.concatenate([labels for _, labels in batches(examples, batch_size=12)])
    np.testing.assert_array_equal(np.bincount(labels), [4, 4, 4])
    assert labels.tolist() != sorted(labels)


@pytest.mark.slow
@pytest.mark.parametrize(
    "augmentation",
    [
        ClassificationAugmentation(rotation=10, rand_augment=1, contrast=0.2),
        ClassificationAugmentation(mixup=0.2, cutmix=1.0, label_smoothing=0.1),
    ],
)
def test_a_resumed_run_sees_what_an_undisturbed_one_sees(examples, augmentation):
    tf.random.set_seed(0)
    whole = batches(examples, augmentation, (0, 3), seed=2)
    tf.random.set_seed(5)
    resumed = batches(examples, augmentation, (1, 3), seed=2)
    assert len(whole) == 6 and len(resumed) == 4
    for expected, found in zip(whole[2:], resumed, strict=True):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])
    for step in (1, 2):
        middle = batches(examples, augmentation, (1, 3), seed=2, first_step=step)
        for expected, found in zip(whole[2 + step :], middle, strict=True):
            np.testing.assert_array_equal(found[0], expected[0])
            np.testing.assert_array_equal(found[1], expected[1])
    other = batches(examples, augmentation, (0, 1), seed=3)
    assert np.mean(other[0][0] != whole[0][0]) > 0.5


def test_smoothed_labels(examples):
    smooth = ClassificationAugmentation(label_smoothing=0.3)
    images, labels = batches(examples, smooth)[0]
    assert images.dtype == np.uint8 and labels.dtype == np.float32
    plain = batches(examples)[0][1]
    expected = 0.7 * np.eye(3)[plain] + 0.1
    np.testing.assert_allclose(labels, expected, atol=1e-6)


def test_mixed_labels(examples):
    images, labels = batches(examples, ClassificationAugmentation(mixup=1.0))[0]
    assert images.dtype == np.float32 and labels.shape == (5, 3)
    np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)


def test_test_batches_are_centre_crops_in_order(examples):
    found = list(
        pipeline.test_batches(
            pipeline.classified_stream(examples), SIZE, 0.875, 5
        ).as_numpy_iterator()
    )
    assert [len(labels) for _, labels in found] == [5, 5, 2]
    images = np.concatenate([images for images, _ in found])
    labels = np.concatenate([labels for _, labels in found])
    assert labels.tolist() == [example.label for example in examples]
    for image, example in zip(images, examples, strict=True):
        pixels = decode_image(tf.io.read_file(example.image_path))
        np.testing.assert_array_equal(image, center_crop(pixels, SIZE, 0.875))


def test_fewer_images_than_a_batch(examples):
    with pytest.raises(ValueError, match=r"12 images, fewer.*batch_size=13.*up to 12"):
        pipeline.classified_stream(examples).steps_per_epoch(13)
