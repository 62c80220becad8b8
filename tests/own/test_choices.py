"""Settings that follow from data and machine, and checks of people."""

import dataclasses
import json
import zipfile

import numpy as np
import pytest

from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS, KeypointSet
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.lowlevel import half_precision
from hrnet_tf.own.choices import Choices, Machine, choose_batch, image_bytes
from hrnet_tf.own.reading import UserData
from hrnet_tf.own.weights import preset_of
from hrnet_tf.tasks.landmarks import own_data as landmarks
from hrnet_tf.tasks.pose import own_data as pose
from hrnet_tf.tasks.pose.checks import check_people

HERE = Machine(memory=8e9)
SIDED = ("nose", "left_ear", "right_ear")


def people(count, size=(60, 100), visible=2, num_keypoints=3, start=0):
    """Examples of one person each, whose box has this (width, height)."""
    width, height = size
    found = []
    for i in range(start, start + count):
        points = np.full((1, num_keypoints, 3), (50.0 + i % 7, 60.0, visible))
        points[0, :, 0] += np.arange(num_keypoints)
        box = [[10.0, 10.0, width, height]]
        example = PoseExample(f"{i}.png", i, 480, 640, box, points, [600.0], [i])
        found.append(example)
    return found


def data_of(examples, names=SIDED, fields=None, **arguments):
    train = LabelledData("pose", "coco", "x.json", examples[:-2], names, **arguments)
    val = dataclasses.replace(train, examples=examples[-2:])
    return UserData("x.json", "pose", {"train": train, "val": val}, fields or {})


def chosen(data, room=pose, machine=HERE, **given):
    return {choice.name: choice for choice in room.choose(data, machine, given)}


def test_each_setting_of_poses_has_a_reason():
    found = chosen(data_of(people(402)))
    values = {name: choice.value for name, choice in found.items()}
    assert values["preset"] == "hrnet_w18_small_v1"
    # 100 px with the margin, higher than wide.
    assert values["image_size"] == (128, 96)
    assert values["batch_size"] == 16 and values["epochs"] == 200
    assert values["flips"] and values["metric"] == "pck"
    assert all(choice.reason and choice.option for choice in found.values())


@pytest.mark.parametrize(
    "size, expected",
    [((60, 62), (128, 128)), ((200, 120), (128, 192)), ((900, 900), (256, 256))],
)
def test_crops_follow_the_boxes(size, expected):
    assert chosen(data_of(people(20, size)))["image_size"].value == expected


def test_boxes_of_all_shapes_make_square_crops():
    mixed = [*people(20, (40, 100)), *people(22, (100, 40), start=20)]
    assert chosen(data_of(mixed))["image_size"].value == (128, 128)


@pytest.mark.parametrize(
    "names, fields, flips, reason",
    [
        (SIDED, {}, True, "by their names: left_ear - right_ear"),
        (("nose", "left_ear", "tail"), {}, False, "no partner in flip_pairs: left_ear"),
        (("a", "b", "c"), {}, False, "nothing tells"),
        (("a", "b", "c"), {"flip_pairs": ()}, True, "as flip_pairs says"),
        (("a", "b", "c"), {"flip_pairs": (("a", "b"),)}, True, "change places: a - b"),
    ],
)
def test_flips_need_pairs(names, fields, flips, reason):
    choice = chosen(data_of(people(30), names, fields))["flips"]
    assert choice.value is flips and reason in choice.reason


def test_pairs_of_the_file_are_taken():
    data = data_of(people(30), ("a", "b", "c"), flip_pairs=(("a", "c"),))
    found = chosen(data)
    assert found["flips"].value
    assert found["keypoints"].value["flip_pairs"] == [["a", "c"]]


def test_a_descriptor_in_another_order_keeps_the_datas():
    given = KeypointSet("mine", SIDED[::-1], sigmas=(0.1, 0.2, 0.3)).to_dict()
    found = chosen(data_of(people(30)), keypoints=given)["keypoints"].value
    assert found["names"] == list(SIDED) and found["sigmas"] == [0.3, 0.2, 0.1]


def test_a_descriptor_of_another_number_is_refused():
    with pytest.raises(
        ValueError, match="has 3 keypoints, but the keypoint set 'coco'"
    ):
        chosen(data_of(people(30)), keypoints="coco")


@pytest.mark.parametrize("flags, said", [({"avx512_bf16"}, True), ({"avx2"}, False)])
def test_tells_of_half_precision_where_the_processor_has_it(flags, said, monkeypatch):
    monkeypatch.setattr(half_precision, "_processor_flags", lambda: flags)
    choice = chosen(data_of(people(30)))["dtype"]
    assert choice.value is None
    assert ("mixed_bfloat16 trains faster" in choice.reason) is said
    on_gpu = chosen(data_of(people(30)), machine=Machine(memory=8e9, num_gpus=1))
    assert on_gpu["dtype"].reason == "float32"


def test_few_examples_make_small_batches():
    assert chosen(data_of(people(22)))["batch_size"].value == 2
    assert chosen(data_of(people(66)))["batch_size"].value == 8


def test_batches_fit_into_memory():
    size = (256, 256)
    needed = image_bytes("HRNetPose", "hrnet_w32", size)
    choices = Choices({})
    machine = Machine(memory=2 * 5 * needed)
    batch = choose_batch(choices, 16, 10_000, machine, "HRNetPose", "hrnet_w32", size)
    assert batch == 4
    assert choices.finish()[0].reason.startswith("memory; about")


def test_sigmas_make_it_oks():
    fields = {"sigmas": (0.05, 0.05, 0.05)}
    assert chosen(data_of(people(30), fields=fields))["metric"].value == "oks"


def test_landmarks_are_measured_by_pair_or_box():
    by_box = chosen(data_of(people(30)), landmarks)["metric"]
    assert "the square root of the box's area" in by_box.reason
    fields = {"pck_reference": ("left_ear", "right_ear")}
    by_pair = chosen(data_of(people(30), fields=fields), landmarks)["metric"]
    assert "the distance of left_ear and right_ear" in by_pair.reason


def test_what_the_user_gives_wins():
    found = chosen(data_of(people(30)), epochs=3, sigma=2.5, preset="hrnet_w32")
    assert [found[n].value for n in ("epochs", "sigma")] == [3, 2.5]
    assert found["epochs"].reason == "as asked for"
    with pytest.raises(ValueError, match="no setting 'sigmma'.*keypoints, weights"):
        chosen(data_of(people(30)), sigmma=2)


def test_weights_tell_their_architecture(tmp_path):
    assert preset_of("hrnet_w48_imagenet") == "hrnet_w48"
    found = chosen(data_of(people(30)), weights="hrnet_w18_imagenet")
    assert found["preset"].value == "hrnet_w18"
    assert found["learning_rate"].value == 1e-3
    with pytest.raises(ValueError, match="Did you mean hrnet_w18_imagenet"):
        preset_of("hrnet_w18_imagenett")
    (tmp_path / "x.keras").write_bytes(b"no archive")
    with pytest.raises(ValueError, match="does not tell which architecture"):
        preset_of(tmp_path / "x.keras")


def test_the_head_of_weights_is_kept(tmp_path):
    """A model of one's own goes on learning with its head, which reads all streams."""
    data = data_of(people(30))
    assert chosen(data)["representation"].value == "v2"
    for name, value in (("HRNetPose", "v2"), ("HRNetClassifier", "v1")):
        path = tmp_path / f"{name}.keras"
        content = {"class_name": name, "config": {"representation": "v2"}}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(content))
        found = chosen(data, weights=str(path), preset="hrnet_test")
        assert found["representation"].value == value
    assert "representation" not in chosen(data, preset="lite_hrnet_18")


class TestChecks:
    KEYPOINTS = KeypointSet("mice", SIDED, flip_pairs=((1, 2),))

    def texts(self, train, val, keypoints=None, flips=True, **arguments):
        found = check_people(
            train, val, keypoints or self.KEYPOINTS, flips, **arguments
        )
        return [f"{finding.level}: {finding}" for finding in found]

    def test_good_people_pass(self):
        assert self.texts(people(30), people(5, start=50)) == []

    def test_points_that_nobody_labels(self):
        (text,) = self.texts(people(30, visible=0), people(5, start=50))
        assert text.startswith("error: No keypoint of anybody in the training data")
        train = people(30)
        for example in train:
            example.keypoints[:, 0, 2] = 0
        (text,) = self.texts(train, people(5, start=50))
        assert text.startswith("warning: nose: labelled on nobody in the training")

    def test_sides_without_pairs_where_pictures_are_mirrored(self):
        bare = dataclasses.replace(self.KEYPOINTS, flip_pairs=())
        (text,) = self.texts(people(30), people(5, start=50), bare)
        assert '"flip_pairs": [["left_ear", "right_ear"]]' in text
        assert self.texts(people(30), people(5, start=50), bare, flips=False) == []

    def test_a_score_that_nobody_gets(self):
        val = people(5, start=50)
        (text,) = self.texts(people(30), val, lengths=lambda found: np.zeros(5))
        assert "no box of the validation data has an extent" in text

    def test_few_people(self):
        (text,) = self.texts(people(3), people(5, start=50))
        assert text.startswith("warning: There are only 3")


def test_spellings_are_matched_by_name():
    names = ("r_ear", "l_ear", "nose")
    found = chosen(data_of(people(30), names), keypoints=KeypointSet("m", _LONG))
    keypoints = found["keypoints"]
    assert keypoints.value["names"] == ["right_ear", "left_ear", "nose"]
    assert "order of keypoints is kept" in keypoints.reason


_LONG = ("nose", "left_ear", "right_ear")


def test_with_a_gpu_more_is_chosen():
    machine = Machine(memory=8e9, num_gpus=1)
    assert chosen(data_of(people(30)), machine=machine)["preset"].value == (
        "hrnet_w18_small_v1"
    )
    found = chosen(data_of(people(6000, (300, 500))), machine=machine)
    assert found["preset"].value == "hrnet_w18"
    assert found["image_size"].value == (384, 288)
    assert "assumed of a GPU" in found["batch_size"].reason


def test_known_keypoints_are_recognised():
    lsp = KEYPOINT_SETS["lsp"]
    names = [n.replace("right_", "r_").replace("left_", "l_") for n in lsp.names]
    examples = people(30, num_keypoints=14)
    found = chosen(data_of(examples, tuple(names)))
    assert found["keypoints"].value == lsp.to_dict()
    assert "distance right_shoulder - left_hip" in found["metric"].reason
    # What a description says of them is in its own words.
    found = chosen(data_of(examples, tuple(names), {"flip_pairs": ()}))
    assert found["keypoints"].value["names"] == names
