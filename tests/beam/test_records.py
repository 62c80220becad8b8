"""The pipeline against the plain writer."""

import dataclasses
import json
import os
import re
import shutil

import numpy as np
import pytest
from command_line import fail, run
from drawn_objects import FRUIT, drawn_examples

from hrnet_tf.data import detection_records, shards
from hrnet_tf.data.formats import coco
from hrnet_tf.data.instance_masks import NO_RUNS
from hrnet_tf.data.keypoint_sets import load_keypoint_set

beam_records = pytest.importorskip(
    "hrnet_tf.beam.records",
    reason="Apache Beam is not installed: pip install 'hrnet_tf[beam]'",
    exc_type=ImportError,
)


@pytest.fixture
def keypoint_set():
    return load_keypoint_set("coco")


@pytest.fixture
def examples(people_dir, keypoint_set, tmp_path):
    """12 examples whose images may be spoilt."""
    images = shutil.copytree(people_dir / "train2017", tmp_path / "images")
    annotations = people_dir / "annotations" / "person_keypoints_train2017.json"
    return coco.load_pose(annotations, images, keypoint_set)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("num_shards", [None, 1, 5])
def test_files_are_those_of_the_plain_writer(
    examples, keypoint_set, tmp_path, num_shards
):
    plain, piped = tmp_path / "plain", tmp_path / "new" / "piped"
    arguments = (examples, plain, keypoint_set, num_shards)
    first = shards.write_pose_records(*arguments)
    second = beam_records.write_pose_records(
        examples, piped, keypoint_set, num_shards, options=("direct_num_workers=2",)
    )
    assert len(contents(plain)) == (num_shards or 8) + 1
    assert contents(piped) == contents(plain)
    assert second.num_people == first.num_people > 0
    assert second == shards.open_pose_records(piped)
    assert [path.name for path in piped.parent.iterdir()] == ["piped"]


def test_bad_images_are_named_in_order_or_skipped(examples, keypoint_set, tmp_path):
    for position in (9, 2, 3):
        path = examples[position].image_path
        os.truncate(path, os.path.getsize(path) - 5)
    plain, piped = tmp_path / "plain", tmp_path / "piped"
    texts = []
    for write, folder in (
        (shards.write_pose_records, plain),
        (beam_records.write_pose_records, piped),
    ):
        with pytest.raises(ValueError, match="is cut short") as error:
            write(examples, folder, keypoint_set, 4)
        assert not folder.exists()
        with pytest.warns(UserWarning) as caught:
            records = write(examples, folder, keypoint_set, 4, skip_bad=True)
        assert records.num_skipped == 3 and records.num_images == 9
        texts.append((str(error.value), str(caught[0].message).split(": ", 1)[1]))
    assert texts[0] == texts[1]
    assert examples[2].image_path in texts[1][0]
    assert texts[1][1].startswith("skipped 3 bad examples: 3 x truncated image;")
    assert contents(piped) == contents(plain)


def test_a_shard_written_twice_is_whole_and_the_same(examples, tmp_path):
    path = tmp_path / "pose-00000-of-00001.tfrecord"
    found = [
        beam_records.write_shard(examples, str(path), False, "pose") for _ in range(2)
    ]
    assert found[0] == found[1]
    assert found[0]["shard"]["file"] == path.name
    assert shards.count_records(path) == 12
    assert [p.name for p in tmp_path.iterdir() if "pose" in p.name] == [path.name]


def test_the_system_says_what_is_wrong_on_a_worker(
    examples, keypoint_set, tmp_path, monkeypatch
):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "shard")

    monkeypatch.setattr(shards, "write_shard", full)
    with pytest.raises(ValueError, match="failed on the DirectRunner: OSError.*space"):
        beam_records.write_pose_records(examples, tmp_path / "out", keypoint_set)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_objects_are_written_as_by_the_plain_writer(tmp_path):
    objects = drawn_examples(tmp_path)
    # One that is spoilt, one without an object to learn, one without masks.
    os.truncate(objects[1].image_path, 100)
    objects[2] = dataclasses.replace(
        objects[2], crowd=np.ones(objects[2].num_objects, bool)
    )
    objects[4] = dataclasses.replace(
        objects[4],
        mask_runs=NO_RUNS,
        mask_lengths=np.zeros(objects[4].num_objects, int),
    )
    plain, piped = tmp_path / "plain", tmp_path / "piped"
    found = []
    for write, folder in (
        (detection_records.write_detection_records, plain),
        (beam_records.write_detection_records, piped),
    ):
        with pytest.raises(ValueError, match="is cut short"):
            write(objects, folder, FRUIT, 3)
        with pytest.warns(UserWarning, match="skipped 1 bad example"):
            found.append(write(objects, folder, FRUIT, 3, skip_bad=True))
    assert contents(piped) == contents(plain) and len(contents(piped)) == 4
    assert found[1] == dataclasses.replace(found[0], paths=found[1].paths)
    assert found[1].num_images == 5 and found[1].num_empty == 1
    assert found[1].num_objects > 0 and not found[1].has_masks


class TestCommand:
    def test_writes_what_it_writes_without_beam(self, people, tmp_path):
        plain, piped = tmp_path / "plain", tmp_path / "piped"
        run("records", *people, "--out", plain)
        flags = ("--runner", "DirectRunner", "--beam-option", "direct_num_workers=1")
        result = run("records", *people, "--out", piped, "--beam", *flags)
        assert re.search(r"images +4\n", result.out)
        assert contents(piped) == contents(plain)
        assert json.loads((piped / "metadata.json").read_text())["num_images"] == 4

    def test_writes_objects(self, people, tmp_path):
        plain, piped = tmp_path / "plain", tmp_path / "piped"
        command = ("records", "--task", "detection", *people, "--masks")
        run(*command, "--out", plain)
        result = run(*command, "--out", piped, "--beam")
        assert re.search(r"images +4\n", result.out)
        assert contents(piped) == contents(plain)

    def test_names_options_that_nobody_knows(self, people, tmp_path):
        flags = ("--num-shards", 1, "--beam", "--beam-option", "parralelism=2")
        result = run("records", *people, "--out", tmp_path / "out", *flags)
        assert "warning: --beam-option parralelism is none that" in result.err

    @pytest.mark.parametrize(
        "flags, text",
        [
            (["--runner", "FlinkRunner"], "--runner belongs to --beam"),
            (["--beam-option", "x=1"], "--beam-option belongs to --beam"),
            (["--beam", "--runner", "Moon"], "--runner Moon: Unexpected pipeline runn"),
            (["--beam", "--runner", "no.such"], "--runner no.such: No module named"),
            (["--beam", "--beam-option", "--x"], "takes NAME=VALUE.*Received: '--x'"),
            (
                ["--beam", "--beam-option", "direct_num_workers=all"],
                "--beam-option: argument --direct_num_workers: invalid int value",
            ),
        ],
    )
    def test_wrong_options(self, people, tmp_path, flags, text):
        error = fail("records", *people, "--out", tmp_path / "out", *flags)
        assert re.search(text, error), error
        assert list(tmp_path.iterdir()) == []
