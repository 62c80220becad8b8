"""Data services in this process, against the same pipelines without them."""

import re
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
from drawn_labels import draw_labels
from drawn_shapes import CLASSES, draw_data_set

from hrnet_tf.data import service, shards
from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import coco, label_folder
from hrnet_tf.data.formats.image_folder import load_split
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.tasks.classification import stream as classification_pipeline
from hrnet_tf.tasks.pose import stream as pipeline
from hrnet_tf.tasks.segmentation import stream as segmentation_pipeline


@pytest.fixture(scope="module")
def services():
    started = [service.DataService() for _ in range(2)]
    yield [one.address for one in started]
    for one in started:
        one.stop()


def uneven(number):
    """Takes up to some milliseconds, by number, and depends on it."""
    count = tf.cast(1 + 50_000 * (number % 5), tf.int32)
    return number, tf.reduce_sum(tf.random.stateless_uniform((count,), [0, number]))


def values(dataset):
    return [tuple(np.asarray(part).tolist() for part in row) for row in dataset]


def assert_equal(found, expected):
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        for part, wanted in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, wanted)


@pytest.mark.parametrize("count, length", [(1, 41), (2, 0), (2, 40), (2, 41)])
def test_the_order_and_the_bits_stay(services, count, length):
    examples = tf.data.Dataset.range(length)
    expected = values(service.map_examples(examples, uneven))
    assert [row[0] for row in expected] == list(range(length))
    assert values(service.distribute(examples, uneven, services[:count])) == expected


class TestPipelines:
    """Their batches, also of a resumed run, are the same."""

    def check(self, services, make):
        expected = list(make().as_numpy_iterator())
        with service.reading_from(*services):
            distributed = make()
        assert_equal(list(distributed.as_numpy_iterator()), expected)

    @pytest.mark.parametrize(
        "kind", [pytest.param("files", marks=pytest.mark.slow), "records"]
    )
    def test_poses(self, services, people_dir, tmp_path, kind):
        keypoint_set = load_keypoint_set("coco")
        annotations = people_dir / "annotations" / "person_keypoints_train2017.json"
        source = coco.load_pose(annotations, people_dir / "train2017", keypoint_set)
        if kind == "records":
            folder = tmp_path / "records"
            source = shards.write_pose_records(source, folder, keypoint_set, 3)
        self.check(
            services,
            lambda: pipeline.training_batches(
                pipeline.people_stream(source, 17),
                HeatmapCodec((64, 64), sigma=1.0),
                keypoint_set,
                4,
                PoseAugmentation(),
                seed=3,
                first_epoch=1,
                epochs=3,
                first_step=1,
            ),
        )

    def test_segmentations(self, services, tmp_path):
        folder = draw_labels(tmp_path, num_train=5)
        label_set = load_label_set(folder / "labels.json")
        examples = label_folder.load_segmentation(
            folder / "train", folder / "trainannot", label_set
        )
        self.check(
            services,
            lambda: segmentation_pipeline.training_batches(
                segmentation_pipeline.labelled_stream(examples),
                label_set,
                (32, 48),
                2,
                SegmentationAugmentation(96, min_scale=0.7, max_scale=1.3),
                epochs=3,
            ),
        )

    def test_classes(self, services, tmp_path):
        folder = draw_data_set(tmp_path, 4, 3)
        examples = load_split(folder, "train", CLASSES)
        self.check(
            services,
            lambda: classification_pipeline.training_batches(
                classification_pipeline.classified_stream(examples),
                len(CLASSES),
                (32, 32),
                5,
                ClassificationAugmentation(mixup=0.2),
                epochs=2,
            ),
        )


def test_more_workers_than_one_are_found_out():
    crowded = service.DataService()
    dispatcher = crowded.address.partition("://")[2]
    config = tf.data.experimental.service.WorkerConfig(dispatcher)
    second = tf.data.experimental.service.WorkerServer(config)
    examples = tf.data.Dataset.range(40)
    with pytest.raises(tf.errors.InvalidArgumentError, match="lost its place"):
        # Both begin, sooner or later, with the first example.
        for _ in range(20):
            values(service.distribute(examples, uneven, [crowded.address]))
    second._stop()
    crowded.stop()


def test_a_restarted_service_ends_the_training():
    first = service.DataService()
    port = int(first.address.rpartition(":")[2])
    rows = iter(
        service.distribute(tf.data.Dataset.range(10**6), uneven, [first.address])
    )
    assert [int(next(rows)[0]) for _ in range(3)] == [0, 1, 2]
    first.stop()
    del first
    found = []

    def read():
        try:
            while True:
                found.append(int(next(rows)[0]))
        except tf.errors.OpError as error:
            found.append(error)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(1)
    assert reader.is_alive()
    again = service.DataService(port)
    reader.join(60)
    again.stop()
    assert isinstance(found[-1], tf.errors.OpError), found[-1]
    assert "could be caused by a dispatcher restart" in found[-1].message
    assert found[:-1] == list(range(3, 3 + len(found) - 1))


def test_a_service_that_stops_answering_is_named(monkeypatch):
    monkeypatch.setattr(service, "_WATCH_EVERY", 0.05)
    monkeypatch.setattr(service, "_PATIENCE", 0.2)
    stopped = service.DataService()
    with (
        pytest.warns(UserWarning, match=f"{stopped.address} does not answer; the tr"),
        service.reading_from(stopped.address),
    ):
        stopped.stop()
        del stopped
        time.sleep(1.5)


@pytest.mark.parametrize(
    "address, text",
    [
        ("localhost:5050", "such as grpc://host:5050. Received: 'localhost:5050'"),
        ("grpc://localhost", "Received: 'grpc://localhost'"),
        ("grpc://localhost:1", "No data service answers at grpc://localhost:1. Start"),
    ],
)
def test_wrong_addresses(address, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        with service.reading_from(address):
            pass


def test_a_port_in_use_is_named(services):
    port = int(services[0].rpartition(":")[2])
    with pytest.raises(ValueError, match=f"Port {port} of this machine is in use"):
        service.DataService(port)
