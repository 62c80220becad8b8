"""The input pipeline of detection: views, boxes, masks, padding, order."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from drawn_objects import FRUIT, drawn_examples, example_of

from hrnet_tf.data.augment.detection import DetectionAugmentation, fitted_size
from hrnet_tf.data.detection_records import (
    open_detection_records,
    parse_detection,
    write_detection_records,
)
from hrnet_tf.tasks.detection import stream as pipeline

AS_THEY_ARE = DetectionAugmentation(scales=((64, 48),), flip_probability=0.0)
VARIED = DetectionAugmentation(
    scales=((80, 60), (120, 90)),
    vertical_flip_probability=0.5,
    crop_size=(50, 70),
    brightness=0.2,
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return drawn_examples(tmp_path_factory.mktemp("fruit"))


@pytest.fixture(scope="module")
def records(examples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("records") / "train"
    return write_detection_records(examples, folder, FRUIT, num_shards=2)


def batches(source, augmentation=VARIED, size=2, count=-1, **arguments):
    images = pipeline.objects_stream(source)
    arguments = {"epochs": 2, "max_boxes": 4, "masks": True, **arguments}
    made = pipeline.training_batches(images, size, augmentation, **arguments)
    return [tf.nest.map_structure(np.array, batch) for batch in made.take(count)]


def same(a, b):
    flat = zip(tf.nest.flatten(a), tf.nest.flatten(b), strict=True)
    return all(np.array_equal(x, y) for x, y in flat)


def bright(images):
    """Where the drawn objects are."""
    return images.max(-1) > 140


def test_labels_have_the_promised_form(examples):
    images, labels = batches(examples, count=1)[0]
    assert images.dtype == np.uint8 and images.shape == (2, 64, 96, 3)
    shapes = {name: (x.shape, x.dtype.name) for name, x in labels.items()}
    assert shapes == {
        "boxes": ((2, 4, 4), "float32"),
        "classes": ((2, 4), "int32"),
        "crowd": ((2, 4), "bool"),
        "image_sizes": ((2, 2), "float32"),
        "masks": ((2, 4, 112, 112), "uint8"),
    }
    padding = labels["classes"] < 0
    assert padding.any() and not labels["boxes"][padding].any()
    assert not labels["masks"][padding].any()
    assert "masks" not in batches(examples, masks=False, count=1)[0][1]


def test_images_as_they_are(examples):
    made = batches(examples, AS_THEY_ARE, epochs=1)
    assert len(made) == 3
    by_colour = {}
    for images, labels in made:
        for image, classes, boxes in zip(
            images, labels["classes"], labels["boxes"], strict=True
        ):
            by_colour[image[:48].tobytes()] = classes[classes >= 0], boxes
    assert len(by_colour) == 6
    for example in examples:
        pixels = tf.io.decode_png(tf.io.read_file(example.image_path)).numpy()
        classes, boxes = by_colour[pixels.tobytes()]
        assert sorted(classes) == sorted(example.classes)
        found = sorted(boxes[: len(classes)].tolist())
        assert found == sorted(example.boxes.tolist())


@pytest.mark.parametrize("size", [None, (64, 96)])
def test_boxes_and_masks_lie_on_their_objects(examples, size):
    """However a view is scaled, mirrored and cut, drawn objects are bright in it."""
    overlaps = []
    for images, labels in batches(examples, epochs=3, image_size=size):
        assert images.shape[1:3] == (64, 96)
        for b, bright_here in enumerate(bright(images)):
            covered = np.zeros_like(bright_here)
            for box, mask, kind in zip(
                labels["boxes"][b],
                labels["masks"][b],
                labels["classes"][b],
                strict=True,
            ):
                if kind < 0:
                    continue
                left, top, right, bottom = box
                for y in range(int(np.ceil(top - 0.5)), int(np.ceil(bottom - 0.5))):
                    for x in range(int(np.ceil(left - 0.5)), int(np.ceil(right - 0.5))):
                        u = int((x + 0.5 - left) / (right - left) * 112)
                        v = int((y + 0.5 - top) / (bottom - top) * 112)
                        covered[y, x] |= mask[min(v, 111), min(u, 111)] > 0
            common = (covered & bright_here).sum()
            overlaps.append(common / max((covered | bright_here).sum(), 1))
    assert min(overlaps) > 0.7 and np.mean(overlaps) > 0.85


def test_padding_has_the_mean_colour(examples):
    images, labels = batches(examples, image_size=(70, 100), count=1)[0]
    for image, size in zip(images, labels["image_sizes"].astype(int), strict=True):
        assert (image[size[0] :] == [124, 116, 104]).all()
        assert (image[:, size[1] :] == [124, 116, 104]).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["files", "records"])
def test_a_resumed_run_sees_what_an_undisturbed_one_sees(examples, records, kind):
    source = examples if kind == "files" else records
    tf.random.set_seed(0)
    whole = batches(source, seed=3)
    tf.random.set_seed(1)
    resumed = batches(source, seed=3, first_step=1)
    assert len(whole) == 6 and len(resumed) == 5
    assert all(map(same, whole[1:], resumed))
    assert not same(whole[0], whole[3])
    assert not same(whole[0], batches(source, seed=4, count=1)[0])


def test_records_hold_what_the_files_do(examples, records):
    assert (records.num_images, records.num_empty, records.has_masks) == (6, 0, True)
    assert open_detection_records(records.paths[0].rsplit("/", 1)[0]) == records
    found = [
        parse_detection(serialized)
        for serialized in tf.data.TFRecordDataset(list(records.paths))
    ]
    for example, record in zip(examples, found, strict=True):
        assert np.array_equal(record["boxes"], example.boxes)
        assert np.array_equal(record["classes"], example.classes)
        assert record["mask_runs"].numpy() == example.mask_runs
        assert record["image_id"] == example.image_id
    plain = [batches(source, AS_THEY_ARE, size=6)[0] for source in (examples, records)]
    ordered = [
        sorted(zip(x.sum((1, 2, 3)), y["masks"].sum((1, 2, 3)), strict=True))
        for x, y in plain
    ]
    assert ordered[0] == ordered[1]


def test_images_without_objects_are_left_out_or_kept(examples, tmp_path):
    empty = example_of([], [], examples[0].image_path)
    crowded = dataclasses.replace(examples[1], crowd=np.ones_like(examples[1].crowd))
    some = [empty, crowded, *examples[2:]]
    kept, left_out = pipeline.chosen_examples(some)
    assert len(kept) == 4 and left_out.counts["images without an object"][0] == 2
    kept, left_out = pipeline.chosen_examples(some, keep_empty=True, max_boxes=1)
    assert len(kept) == 6 and "objects beyond the 1" in left_out.describe()
    made = batches(kept, AS_THEY_ARE, epochs=1, size=6)
    classes = made[0][1]["classes"]
    assert (classes < 0).all(1).sum() == 1 and made[0][1]["crowd"].any()
    records = write_detection_records(some, tmp_path / "records", FRUIT)
    assert records.num_empty == 2
    assert pipeline.objects_stream(records).count == 4
    assert len(batches(records, epochs=1)) == 2
    with pytest.raises(ValueError, match="None of 2 images has an object"):
        pipeline.chosen_examples([empty, crowded])


def test_the_smallest_of_too_many_objects_are_left_out(examples):
    example = max(examples, key=lambda e: e.num_objects)
    _, labels = batches([example], AS_THEY_ARE, size=1, max_boxes=1, count=1)[0]
    largest = example.boxes[np.argmax(example.areas)]
    assert np.array_equal(labels["boxes"][0, 0], largest)


def test_small_objects_count_as_nothing(examples):
    strict = dataclasses.replace(AS_THEY_ARE, min_side=1000.0)
    _, labels = batches(examples, strict, count=1)[0]
    assert (labels["crowd"] == (labels["classes"] >= 0)).all()


def test_sizes_are_those_of_mmcv():
    for size, expected in (((480, 640), (800, 1067)), ((640, 427), (1199, 800))):
        assert fitted_size(tf.constant(size), 1333, 800).numpy().tolist() == [*expected]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"scales": ((600, 800),)}, "longer side, shorter side"),
        ({"scales": ()}, "longer side, shorter side"),
        ({"flip_probability": 2}, "flip_probability must be in"),
        ({"brightness": 1.0}, "brightness must be in"),
    ],
)
def test_augmentations_are_checked(fields, what):
    with pytest.raises(ValueError, match=what):
        DetectionAugmentation(**fields)
