import json
import os

import numpy as np
import pytest
from PIL import Image

from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS, KeypointSet
from hrnet_tf.data.schema import PoseExample, parse_pose
from hrnet_tf.data.shards import count_records, open_pose_records, write_pose_records

POINTS = KeypointSet(name="points", names=("tip", "left", "right"))
# Every kind of JPEG and PNG that data sets hold.
IMAGES = (
    ("rgb.jpg", "RGB", {}),
    ("grey.jpg", "L", {}),
    ("cmyk.jpg", "CMYK", {}),
    ("progressive.jpg", "RGB", {"progressive": True}),
    ("rgb.png", "RGB", {}),
    ("palette.png", "P", {}),
    ("alpha.png", "RGBA", {}),
)


@pytest.fixture
def examples(tmp_path):
    """One example for each of IMAGES, with 0, 1, 2, ... people."""
    rng = np.random.default_rng(0)
    examples = []
    for i, (name, mode, options) in enumerate(IMAGES):
        pixels = np.full((30 + i, 40, 3), (200, 90, 30), np.uint8)
        Image.fromarray(pixels).convert(mode).save(tmp_path / name, **options)
        examples.append(
            PoseExample(
                image_path=str(tmp_path / name),
                image_id=100 + i,
                height=30 + i,
                width=40,
                boxes=rng.uniform(0, 30, (i, 4)),
                keypoints=rng.uniform(0, 30, (i, 3, 3)),
                areas=rng.uniform(0, 30, i),
                ids=np.arange(i),
            )
        )
    return examples


@pytest.fixture
def records(examples, tmp_path):
    return write_pose_records(examples, tmp_path / "records", POINTS, num_shards=3)


def leftovers(tmp_path):
    return [path.name for path in tmp_path.iterdir() if "records" in path.name]


def test_round_trip(examples, tmp_path):
    import tensorflow as tf

    calls = []
    written = write_pose_records(
        examples,
        tmp_path / "new" / "records",
        POINTS,
        num_shards=3,
        progress=lambda *call: calls.append(call),
    )
    opened = open_pose_records(tmp_path / "new" / "records")
    assert opened == written
    assert (opened.num_images, opened.num_people) == (7, 21)
    assert opened.keypoint_set == POINTS
    names = [os.path.basename(path) for path in opened.paths]
    assert names == [f"pose-0000{i}-of-00003.tfrecord" for i in range(3)]
    assert [count_records(path) for path in opened.paths] == [2, 2, 3]
    assert calls == [(i + 1, 7) for i in range(7)]
    parsed = [
        parse_pose(r, 3) for p in opened.paths for r in tf.data.TFRecordDataset(p)
    ]
    for example, fields in zip(examples, parsed, strict=True):
        with open(example.image_path, "rb") as file:
            assert fields["image"].numpy() == file.read()
        assert int(fields["image_id"]) == example.image_id
        np.testing.assert_array_equal(fields["boxes"], example.boxes)
        np.testing.assert_array_equal(fields["keypoints"], example.keypoints)


def test_grey_palette_alpha_and_cmyk_images_decode_to_rgb(records):
    import tensorflow as tf

    for record in tf.data.TFRecordDataset(list(records.paths)):
        fields = parse_pose(record, 3)
        image = tf.io.decode_image(fields["image"], 3, expand_animations=False)
        assert image.shape == (int(fields["height"]), 40, 3)
        color = np.mean(image, (0, 1))
        if fields["image_path"] == b"grey.jpg":
            assert np.ptp(color) == 0
        else:
            np.testing.assert_allclose(color, (200, 90, 30), atol=12)


def test_metadata_describes_the_shards(records, tmp_path):
    metadata = json.loads((tmp_path / "records" / "metadata.json").read_text())
    assert (metadata["num_images"], metadata["num_people"]) == (7, 21)
    assert KeypointSet.from_dict(metadata["keypoint_set"]) == POINTS
    assert [shard["records"] for shard in metadata["shards"]] == [2, 2, 3]
    for shard, path in zip(metadata["shards"], records.paths, strict=True):
        assert shard["bytes"] == os.path.getsize(path)


def test_default_number_of_shards(examples, tmp_path):
    records = write_pose_records(examples, tmp_path / "records", POINTS)
    assert len(records.paths) == 7  # 8 at least, but one for each image at most


def damage(path):
    """Keeps the header and the end of an image and overwrites what lies between."""
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[:middle] + b"\0" * (len(content) - middle - 12))
    path.write_bytes(path.read_bytes() + content[-12:])


@pytest.mark.parametrize(
    "name, spoil, message",
    [
        ("rgb.jpg", lambda path: path.unlink(), "There is no image .*rgb.jpg"),
        ("rgb.jpg", lambda path: path.write_bytes(b"BM12"), "rgb.jpg is BMP"),
        (
            "rgb.jpg",
            lambda path: path.write_bytes(path.read_bytes()[:-5]),
            "rgb.jpg is cut short",
        ),
        ("rgb.png", damage, "rgb.png cannot be decoded: Invalid PNG data, size [0-9]+"),
        (
            "rgb.jpg",
            lambda path: Image.new("RGB", (9, 8)).save(path),
            "rgb.jpg has 9x8 pixels .*example says 40x30",
        ),
    ],
)
def test_bad_images_are_named_or_skipped(examples, tmp_path, name, spoil, message):
    spoil(tmp_path / name)
    output_dir = tmp_path / "records"
    with pytest.raises(ValueError, match=message):
        write_pose_records(examples, output_dir, POINTS)
    assert leftovers(tmp_path) == []
    with pytest.warns(UserWarning, match=f"records: skipped 1 bad .*{message}"):
        records = write_pose_records(
            examples, output_dir, POINTS, num_shards=2, skip_bad=True
        )
    assert records.num_skipped == 1
    assert open_pose_records(output_dir).num_images == 6
    assert sum(count_records(path) for path in records.paths) == 6


def test_only_bad_images_leave_nothing_behind(examples, tmp_path):
    for example in examples:
        os.remove(example.image_path)
    with pytest.raises(ValueError, match="none of the 7 images .*7 x absent image"):
        write_pose_records(examples, tmp_path / "records", POINTS, skip_bad=True)
    assert leftovers(tmp_path) == []


def test_an_interruption_leaves_nothing_behind(examples, tmp_path):
    def interrupt(done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pose_records(examples, tmp_path / "records", POINTS, progress=interrupt)
    assert leftovers(tmp_path) == []


def test_wrong_arguments(examples, tmp_path):
    output_dir = tmp_path / "records"
    with pytest.raises(ValueError, match="no examples"):
        write_pose_records([], output_dir, POINTS)
    with pytest.raises(ValueError, match="num_shards=8: expected 1 to 7"):
        write_pose_records(examples, output_dir, POINTS, num_shards=8)
    with pytest.raises(ValueError, match="rgb.jpg: .*3 keypoints, but .*'coco' has 17"):
        write_pose_records(examples, output_dir, KEYPOINT_SETS["coco"])
    output_dir.mkdir()
    (output_dir / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="records exists and is not empty"):
        write_pose_records(examples, output_dir, POINTS)
    assert (output_dir / "thesis.txt").read_text() == "precious"


def test_an_empty_folder_may_be_filled(examples, tmp_path):
    (tmp_path / "records").mkdir()
    write_pose_records(examples, tmp_path / "records", POINTS)
    assert open_pose_records(tmp_path / "records").num_images == 7
    assert leftovers(tmp_path) == ["records"]


def test_a_shard_cut_short_is_named(records):
    path = records.paths[1]
    with open(path, "rb+") as file:
        file.truncate(os.path.getsize(path) - 7)
    with pytest.raises(ValueError, match=r"00001-of-00003.tfrecord has \d+ bytes.*cut"):
        open_pose_records(os.path.dirname(path))
    with pytest.raises(ValueError, match="00001-of-00003.tfrecord .*after 1 complete"):
        count_records(path)


def test_a_changed_byte_is_found(records):
    with open(records.paths[0], "rb+") as file:
        file.seek(60)
        file.write(b"\x5a\xa5")
    with pytest.raises(ValueError, match="00000-of-00003.tfrecord is damaged"):
        count_records(records.paths[0])


def test_an_absent_shard_is_named(records, tmp_path):
    os.remove(records.paths[2])
    with pytest.raises(
        ValueError, match="00002-of-00003.tfrecord is absent.* 3 shards"
    ):
        open_pose_records(tmp_path / "records")
    with pytest.raises(ValueError, match="no record shard .*00002-of"):
        count_records(records.paths[2])


@pytest.mark.parametrize(
    "text, message",
    [
        (None, "is no folder of records: it has no metadata.json"),
        ('{"shards": [', "metadata.json is not valid json"),
        ("[]", "metadata.json lacks a field or has another format"),
        ('{"num_images": 1}', "metadata.json lacks a field .*KeyError"),
    ],
)
def test_bad_metadata_is_named(tmp_path, text, message):
    if text is not None:
        (tmp_path / "metadata.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        open_pose_records(tmp_path)
