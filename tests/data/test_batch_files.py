"""The named files of a batch are those that the pipelines put into it.

Each image has a grey of its own, by which it is found again in the batch.
"""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats.tfds import TfdsImages
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.data.schema import (
    ClassificationExample,
    PoseExample,
    SegmentationExample,
)
from hrnet_tf.data.shards import write_pose_records
from hrnet_tf.tasks.classification import stream as classification_pipeline
from hrnet_tf.tasks.pose import stream as pipeline
from hrnet_tf.tasks.segmentation import stream as segmentation_pipeline

COCO = load_keypoint_set("coco")
NUM_IMAGES, BATCH, SEED, EPOCHS = 11, 3, 5, 2
STEPS = NUM_IMAGES // BATCH


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Paths of images by their grey."""
    folder = tmp_path_factory.mktemp("grey")
    greys = 20 * np.arange(1, NUM_IMAGES + 1)
    paths = {}
    for grey in greys.tolist():
        paths[grey] = str(folder / f"grey{grey}.png")
        Image.new("RGB", (48, 48), (grey, grey, grey)).save(paths[grey])
    Image.new("L", (48, 48)).save(folder / "label.png")
    return paths


def pose_examples(files):
    keypoints = np.full((2, 17, 3), 24.0)
    keypoints[..., 2] = 2
    return [
        PoseExample(
            image_path=path,
            image_id=grey,
            height=48,
            width=48,
            # Some images show two people.
            boxes=np.array([[8.0, 8, 32, 32]] * 2)[: 1 + grey % 40 // 20],
            keypoints=keypoints[: 1 + grey % 40 // 20],
            areas=np.ones(1 + grey % 40 // 20),
            ids=np.arange(1 + grey % 40 // 20),
        )
        for grey, path in files.items()
    ]


def found(batches, files, name=str):
    """The files of each batch, by the greys in the middle of its images."""
    names = []
    for images, *_ in batches.as_numpy_iterator():
        side = images.shape[1] // 2
        names.append([name(files[int(grey)]) for grey in images[:, side, side, 0]])
    return names


def named(stream, epochs, steps):
    return [
        stream.batch_files(BATCH, SEED, epoch, step)
        for epoch in epochs
        for step in range(steps)
    ]


def file_name(path):
    return path.rsplit("/", 1)[-1]


@pytest.mark.parametrize(
    "kind", ["files", pytest.param("records", marks=pytest.mark.slow)]
)
def test_people(files, kind, tmp_path):
    source, name = pose_examples(files), str
    if kind == "records":
        source = write_pose_records(source, tmp_path / "train", COCO, num_shards=3)
        name = file_name
    people = pipeline.people_stream(source, COCO.num_keypoints)
    batches = pipeline.training_batches(
        people,
        HeatmapCodec((32, 32), sigma=1.0),
        COCO,
        BATCH,
        PoseAugmentation(),
        seed=SEED,
        epochs=EPOCHS,
    )
    steps = people.steps_per_epoch(BATCH)
    seen = found(batches, files, name)
    assert steps > STEPS and len(seen) == EPOCHS * steps
    assert named(people, range(EPOCHS), steps) == seen
    assert seen[:steps] != seen[steps:]


def test_segmentation(files):
    source = [
        SegmentationExample(path, path.replace(f"grey{grey}", "label"))
        for grey, path in files.items()
    ]
    labelled = segmentation_pipeline.labelled_stream(source)
    batches = segmentation_pipeline.training_batches(
        labelled,
        load_label_set("camvid"),
        (16, 16),
        BATCH,
        SegmentationAugmentation(base_size=48, min_scale=1.0, max_scale=1.5),
        seed=SEED,
        epochs=EPOCHS,
    )
    seen = found(batches, files)
    assert len(seen) == EPOCHS * STEPS
    assert named(labelled, range(EPOCHS), STEPS) == seen


def test_classification(files):
    source = [ClassificationExample(path, 0) for path in files.values()]
    classified = classification_pipeline.classified_stream(source)
    batches = classification_pipeline.training_batches(
        classified,
        1,
        (16, 16),
        BATCH,
        ClassificationAugmentation(),
        SEED,
        epochs=EPOCHS,
    )
    seen = found(batches, files)
    assert len(seen) == EPOCHS * STEPS
    assert named(classified, range(EPOCHS), STEPS) == seen


def test_records_of_tensorflow_datasets_have_no_files():
    fields = {field.name: None for field in dataclasses.fields(TfdsImages)}
    source = TfdsImages(**{**fields, "shards": (("a", 0, 4),), "num_images": 4})
    classified = classification_pipeline.classified_stream(source)
    assert classified.batch_files(4, 0, 0, 0) == []
