import numpy as np
import pytest

from hrnet_tf.data.schema import PoseExample, parse_pose, serialize_pose

FIELDS = ("boxes", "keypoints", "areas", "ids", "head_sizes", "box_scores")


def make_example(num_people=3, num_keypoints=5, **changes):
    rng = np.random.default_rng(7)
    fields = {
        "image_path": "some/folder/picture 1.jpg",
        "image_id": 2**40,
        "height": 240,
        "width": 320,
        "boxes": rng.uniform(0, 100, (num_people, 4)),
        "keypoints": rng.uniform(0, 100, (num_people, num_keypoints, 3)),
        "areas": rng.uniform(0, 100, num_people),
        "ids": rng.integers(0, 2**50, num_people),
        "head_sizes": rng.uniform(0, 10, num_people),
        "box_scores": rng.uniform(0, 1, num_people),
    }
    return PoseExample(**{**fields, **changes})


@pytest.mark.parametrize("num_people", [0, 1, 3])
@pytest.mark.parametrize("in_graph", [False, True])
def test_records_return_what_was_written(num_people, in_graph):
    import tensorflow as tf

    example = make_example(num_people)
    record = serialize_pose(example, b"\xff\xd8 image")
    if in_graph:
        dataset = tf.data.Dataset.from_tensors(record)
        parsed = next(iter(dataset.map(lambda r: parse_pose(r, 5))))
    else:
        parsed = parse_pose(record, 5)
    assert parsed["image"].numpy() == b"\xff\xd8 image"
    assert parsed["image_path"].numpy() == b"picture 1.jpg"
    assert int(parsed["image_id"]) == 2**40
    assert (int(parsed["height"]), int(parsed["width"])) == (240, 320)
    for name in FIELDS:
        expected = getattr(example, name)
        np.testing.assert_array_equal(parsed[name].numpy(), expected, name)
        assert parsed[name].dtype.as_numpy_dtype == expected.dtype


def test_every_process_writes_the_same_bytes():
    """Protocol buffers hash the names of features with a seed of the process."""
    record = serialize_pose(make_example(), b"image")
    names = [b"image/" + n for n in (b"encoded", b"height", b"id", b"path", b"width")]
    names += sorted(b"people/" + name.encode() for name in FIELDS)
    places = [record.index(name) for name in names]
    assert places == sorted(places)


def test_defaults_say_ground_truth_boxes_and_unknown_heads():
    example = make_example(head_sizes=None, box_scores=None)
    assert example.num_people == 3
    np.testing.assert_array_equal(example.head_sizes, np.zeros(3, np.float32))
    np.testing.assert_array_equal(example.box_scores, np.ones(3, np.float32))
    assert example.boxes.dtype == np.float32 and example.ids.dtype == np.int64


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"keypoints": np.zeros((3, 5))}, r"picture 1.jpg: .*\[N, K, 3\].*\(3, 5\)"),
        ({"boxes": np.zeros((2, 4))}, r"boxes of 3 people .*\(3, 4\).*\(2, 4\)"),
        ({"ids": [1]}, r"ids of 3 people .*\(3,\).*\(1,\)"),
    ],
)
def test_contradictory_shapes_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        make_example(**changes)
