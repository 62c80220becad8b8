"""Batches of segmentation: order, resuming, class numbers and what is too little."""

import numpy as np
import pytest
from drawn_labels import draw_labels

from hrnet_tf.data import files
from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import label_folder
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.tasks.segmentation.stream import labelled_stream, training_batches

AUGMENTATION = SegmentationAugmentation(base_size=96, min_scale=0.7, max_scale=1.3)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = draw_labels(tmp_path_factory.mktemp("labels"), num_train=5)
    label_set = load_label_set(folder / "labels.json")
    examples = label_folder.load_segmentation(
        folder / "train", folder / "trainannot", label_set
    )
    return examples, label_set


def batches(source, **changes):
    arguments = {"crop_size": (32, 48), "batch_size": 2, "augmentation": AUGMENTATION}
    examples, label_set = source
    arguments = {**arguments, "epochs": 3, **changes}
    data = training_batches(labelled_stream(examples), label_set, **arguments)
    return [[part.numpy() for part in batch] for batch in data]


@pytest.mark.slow
def test_files_in_memory_give_the_same(source):
    wanted = batches(source)
    with files.kept_in_memory():
        found = batches(source)
    for a, b in zip(found, wanted, strict=True):
        for part, expected in zip(a, b, strict=True):
            np.testing.assert_array_equal(part, expected)


def test_gives_whole_batches_of_classes(source):
    found = batches(source)
    assert len(found) == 3 * labelled_stream(source[0]).steps_per_epoch(2) == 6
    for images, labels in found:
        assert images.shape == (2, 32, 48, 3) and images.dtype == np.uint8
        assert labels.shape == (2, 32, 48) and labels.dtype == np.uint8
    seen = np.unique(np.concatenate([labels for _, labels in found]))
    assert seen.tolist() == [0, 1, 2, 255]


@pytest.mark.slow
def test_a_resumed_run_sees_the_same(source):
    whole, rest = batches(source, seed=3), batches(source, seed=3, first_epoch=1)
    assert len(rest) == 4
    for a, b in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
    middle = batches(source, seed=3, first_epoch=1, first_step=1)
    assert len(middle) == 3
    for a, b in zip(whole[3:], middle, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
    other = batches(source, seed=4)
    assert any((a[0] != b[0]).any() for a, b in zip(whole, other, strict=True))


def test_needs_a_batch(source):
    with pytest.raises(ValueError, match="holds 5 images, fewer than a batch"):
        batches(source, batch_size=6)
