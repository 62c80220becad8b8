"""Files that are kept in memory give the batches that files on the disk give."""

import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.data import files
from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import coco
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.synthetic import generate_people
from hrnet_tf.tasks.pose import stream as pipeline

COCO = load_keypoint_set("coco")


def batches(folder):
    annotations = folder / "annotations" / "person_keypoints_train2017.json"
    examples = coco.load_pose(annotations, folder / "train2017", COCO)
    made = pipeline.training_batches(
        pipeline.people_stream(examples, 17),
        HeatmapCodec((64, 64), sigma=1.0),
        COCO,
        2,
        PoseAugmentation(),
    )
    return examples, made


def test_poses(tmp_path):
    folder = generate_people(tmp_path / "people", 4, 1)
    wanted = [b[0].numpy() for b in batches(folder)[1].take(4)]
    with files.kept_in_memory():
        examples, kept = batches(folder)
    for path in {example.image_path for example in examples}:
        # What is gone is not read again.
        (folder / "train2017" / path).unlink()
    for found, image in zip(kept.take(4), wanted, strict=True):
        np.testing.assert_array_equal(found[0], image)


def test_reads_as_ever_outside(tmp_path):
    with files.kept_in_memory(False):
        assert files.reader([str(tmp_path / "absent")]) is tf.io.read_file
    assert files.reader([]) is tf.io.read_file


def test_says_that_records_are_not_kept():
    with files.kept_in_memory(), pytest.warns(UserWarning, match="only image files"):
        assert files.reader(None) is None
    assert files.reader(None) is None


def test_names_what_cannot_be_read(tmp_path):
    with files.kept_in_memory(), pytest.raises(OSError, match="absent.jpg"):
        files.reader([str(tmp_path / "absent.jpg")])


def test_replicas(tmp_path):
    (tmp_path / "a").write_bytes(b"one")
    (tmp_path / "b").write_bytes(b"two")
    paths = [str(tmp_path / name) for name in "abab"]
    with files.kept_in_memory():
        read = files.reader(paths)
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    data = tf.data.Dataset.from_tensor_slices(paths).map(read).batch(2)
    found = [x.numpy().tolist() for x in strategy.experimental_distribute_dataset(data)]
    assert found == [[b"one", b"two"]] * 2
