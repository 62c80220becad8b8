"""Each task sees a turned photo as its upright picture, from training to export."""

import numpy as np
import pytest
import tensorflow as tf
from photos import exif_block, stored_turned
from PIL import Image

import hrnet_tf
from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.label_sets import LabelSet
from hrnet_tf.data.schema import (
    ClassificationExample,
    PoseExample,
    SegmentationExample,
)
from hrnet_tf.data.shards import open_pose_records, write_pose_records
from hrnet_tf.pictures.sheet import to_pillow
from hrnet_tf.tasks.classification import stream as classification
from hrnet_tf.tasks.pose import stream as pose
from hrnet_tf.tasks.segmentation import stream as segmentation

TAGS = (1, 3, 6, 7)
SIZE = (96, 128)
KEYPOINTS = KeypointSet.from_dict(
    {"name": "ends", "names": ["top", "bottom"], "flip_pairs": [], "skeleton": []}
)
LABELS = LabelSet("sides", ("left", "right"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """PNG files of the same picture, which keep each value, by their orientation."""
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), np.uint8)
    label = np.zeros(SIZE, np.uint8)
    label[:, 70:] = 1
    Image.fromarray(label).save(folder / "label.png")
    for tag in TAGS:
        path = folder / f"{tag}.png"
        stored = Image.fromarray(stored_turned(noise, tag))
        stored.save(path, exif=exif_block(tag))
    return folder


def assert_same(read, photos):
    """All that is read of the photos is equal; returns it."""
    first, *others = [read(photos / f"{tag}.png") for tag in TAGS]
    for other in others:
        tf.nest.map_structure(np.testing.assert_array_equal, other, first)
    return first


def batch(data):
    return tf.nest.map_structure(lambda tensor: tensor.numpy(), next(iter(data)))


def person(path):
    keypoints = [[[60, 20, 2], [60, 80, 2]]]
    return PoseExample(
        str(path), 1, *SIZE, [[30.0, 10, 50, 80]], keypoints, [4000.0], [1]
    )


@pytest.mark.slow
def test_poses(photos, tmp_path):
    codec = HeatmapCodec((64, 64), 4, 1.5)

    def batches(source):
        people = pose.people_stream(source, 2)
        trained = pose.training_batches(
            people, codec, KEYPOINTS, 1, PoseAugmentation(), seed=3, epochs=1
        )
        tested = batch(pose.test_batches(people, codec, 1))["images"]
        return batch(trained), tested

    of_files = assert_same(lambda path: batches([person(path)]), photos)

    def through_records(path):
        folder = tmp_path / path.stem
        write_pose_records([person(path)], folder, KEYPOINTS)
        return batches(open_pose_records(folder))

    of_records = assert_same(through_records, photos)
    tf.nest.map_structure(np.testing.assert_array_equal, of_records, of_files)
    model = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", num_keypoints=2, image_size=(64, 64), load_weights=False
    )
    predictor = hrnet_tf.Predictor(model)
    boxes = [[30.0, 10, 50, 80]]
    found = assert_same(lambda path: predictor.predict(path, boxes).xy, photos)
    graph = predictor.inference.signatures["serving_default"]

    def serve(path):
        files = tf.constant([path.read_bytes()])
        return graph(files, tf.constant([boxes]))["keypoints"].numpy()

    np.testing.assert_allclose(assert_same(serve, photos)[0], found, atol=1e-3)


@pytest.mark.slow
def test_classes(photos):
    def batches(path):
        images = classification.classified_stream([ClassificationExample(str(path), 1)])
        trained = classification.training_batches(
            images, 2, (64, 64), 1, ClassificationAugmentation(), seed=3, epochs=1
        )
        return batch(trained), batch(
            classification.test_batches(images, (64, 64), 0.875, 1)
        )

    assert_same(batches, photos)
    model = hrnet_tf.HRNetClassifier.from_preset(
        "hrnet_test", num_classes=2, image_size=(64, 64), load_weights=False
    )
    predictor = hrnet_tf.Predictor(model)
    assert_same(lambda path: predictor.predict(path).probabilities, photos)
    graph = predictor.inference.signatures["serving_default"]
    assert_same(lambda path: graph(tf.constant([path.read_bytes()])), photos)


@pytest.mark.slow
def test_segments(photos):
    def batches(path):
        example = SegmentationExample(str(path), str(photos / "label.png"))
        labelled = segmentation.labelled_stream([example])
        augmentation = SegmentationAugmentation(base_size=128)
        return batch(
            segmentation.training_batches(
                labelled, LABELS, (64, 64), 1, augmentation, seed=3, epochs=1
            )
        )

    assert_same(batches, photos)
    model = hrnet_tf.HRNetSegmenter.from_preset(
        "hrnet_test",
        num_classes=2,
        load_weights=False,
        label_set=LABELS.to_dict(),
    )
    predictor = hrnet_tf.Predictor(model)
    found = assert_same(lambda path: predictor.predict(path).labels, photos)
    assert found.shape == SIZE
    graph = predictor.inference.signatures["serving_default"]
    assert_same(lambda path: graph(tf.constant([path.read_bytes()])), photos)


def test_drawings(photos):
    drawn = assert_same(lambda path: np.asarray(to_pillow(path)), photos)
    assert drawn.shape == (*SIZE, 3)
