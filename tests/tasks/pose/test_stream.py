"""The input pipeline: order, seeds, sources, padding."""

import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.data import shards
from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import coco
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.tasks.pose import stream as pipeline

COCO = load_keypoint_set("coco")
CODEC = HeatmapCodec((64, 64), sigma=1.0)
PLAIN = PoseAugmentation(
    scale=0.0, rotation_probability=0.0, flip_probability=0.0, half_body_probability=0.0
)


@pytest.fixture(scope="module")
def examples(people_dir):
    annotations = people_dir / "annotations" / "person_keypoints_train2017.json"
    return coco.load_pose(annotations, people_dir / "train2017", COCO)


@pytest.fixture(scope="module")
def records(examples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / "train"
    return shards.write_pose_records(examples, folder, COCO, num_shards=3)


def people_of(source):
    return pipeline.people_stream(source, COCO.num_keypoints)


def batches(source, augmentation=None, size=4, **kwargs):
    augmentation = augmentation or PoseAugmentation()
    kwargs = {"epochs": 2, **kwargs}
    made = pipeline.training_batches(
        people_of(source), CODEC, COCO, size, augmentation, **kwargs
    )
    return [[x.numpy() for x in batch] for batch in made]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_batches_have_the_promised_shapes(examples):
    steps = people_of(examples).steps_per_epoch(4)
    made = batches(examples)
    assert len(made) == 2 * steps
    images, heatmaps, weights = made[0]
    assert images.shape == (4, 64, 64, 3) and images.dtype == np.uint8
    assert heatmaps.shape == (4, 16, 16, 17) and heatmaps.dtype == np.float32
    assert weights.shape == (4, 17) and set(np.unique(weights)) <= {0.0, 1.0}


@pytest.mark.parametrize(
    "kind", [pytest.param("files", marks=pytest.mark.slow), "records"]
)
def test_a_resumed_run_sees_what_an_undisturbed_one_sees(examples, records, kind):
    source = examples if kind == "files" else records
    tf.random.set_seed(0)
    whole = batches(source, seed=3)
    steps = people_of(source).steps_per_epoch(4)
    tf.random.set_seed(1)
    resumed = batches(source, seed=3, first_epoch=1)
    assert len(resumed) == steps
    for a, b in zip(whole[steps:], resumed, strict=True):
        assert same(a, b)
    assert not same(whole[0], whole[steps])
    assert not same(whole[0], batches(source, seed=4)[0])


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["files", pytest.param("records", marks=pytest.mark.slow)]
)
def test_a_run_resumed_within_an_epoch_sees_the_rest_of_it(
    examples, records, kind, monkeypatch
):
    # So that both whole blocks and parts of one are left out.
    monkeypatch.setattr(pipeline, "PLANNED", 3)
    source = examples if kind == "files" else records
    whole = batches(source, seed=3)
    steps = people_of(source).steps_per_epoch(4)
    for step in (1, 2, steps):
        resumed = batches(source, seed=3, first_epoch=0, first_step=step)
        assert len(resumed) == 2 * steps - step
        for a, b in zip(whole[step:], resumed, strict=True):
            assert same(a, b)


def test_files_and_records_hold_the_same_people(examples, records):
    def people(source):
        made = batches(source, PLAIN, size=1, epochs=1)
        return sorted(images.tobytes() for images, _, _ in made)

    assert people(examples) == people(records)
    assert len(people(records)) == people_of(records).count


def test_mirrored_targets_lie_on_the_mirrored_person(examples):
    """A mirrored crop's targets are the mirrored targets with the sides swapped."""
    always = PoseAugmentation(
        scale=0.0,
        rotation_probability=0.0,
        flip_probability=1.0,
        half_body_probability=0.0,
    )
    plain = batches(examples, PLAIN, size=1, epochs=1)
    mirrored = batches(examples, always, size=1, epochs=1)
    for (image, heatmaps, weights), (other, flipped, swapped) in zip(
        plain, mirrored, strict=True
    ):
        order = list(COCO.flip_indices)
        np.testing.assert_array_equal(weights[:, order], swapped)
        back = np.argmax(flipped[0, :, ::-1][..., order].reshape(256, 17), 0)
        there = np.argmax(heatmaps[0].reshape(256, 17), 0)
        shown = weights[0] > 0
        distance = np.abs(there % 16 - back % 16) + np.abs(there // 16 - back // 16)
        # The even width puts the mirrored grid a pixel, a quarter of a cell, aside.
        assert distance[shown].max(initial=0) <= 1
        difference = np.abs(image[0, :, ::-1].astype(int)[:, :-1] - other[0, :, 1:])
        assert np.median(difference) <= 8


def test_every_person_is_tested_once_and_the_last_batch_is_padded(examples):
    made = list(pipeline.test_batches(people_of(examples), CODEC, 5))
    index = np.concatenate([batch["index"] for batch in made])
    count = people_of(examples).count
    assert all(batch["images"].shape == (5, 64, 64, 3) for batch in made)
    assert index[index >= 0].tolist() == list(range(count))
    assert len(index) == -(-count // 5) * 5


def test_a_batch_larger_than_the_data_is_an_error(examples):
    with pytest.raises(ValueError, match=r"fewer than a batch.*batch_size=500"):
        batches(examples, size=500)
