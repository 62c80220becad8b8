"""What calibration and comparison feed a network is what predictions feed it."""

import keras
import numpy as np
import pytest
from command_line import fail, run
from own_people import NAMES, write_people

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.synthetic.scene import draw_scene
from hrnet_tf.export import load_exported
from hrnet_tf.export.pictures import (
    calibration_batches,
    drawn_pictures,
    pictures_of,
)
from hrnet_tf.io import read_image
from hrnet_tf.models.pose import HRNetPose
from hrnet_tf.tasks.pose.inference import PoseInference


@pytest.fixture(scope="module")
def mice(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mice")
    return write_people(folder)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    known = KeypointSet("mice", NAMES, flip_pairs=((1, 2),))
    return HRNetPose.from_preset(
        "hrnet_test",
        load_weights=False,
        num_keypoints=3,
        image_size=(64, 64),
        keypoint_set=known.to_dict(),
        kernel_initializer="he_normal",
    )


def test_batches_have_the_size_of_the_graphs():
    pictures = [np.full((4, 6, 3), i, np.uint8) for i in range(3)]
    for size, places in ((None, [[0], [1], [2]]), (2, [[0, 1], [2, 0]])):
        batches = calibration_batches(iter(pictures), size)
        assert [list(x["images"][:, 0, 0, 0]) for x in batches] == places
    (batch,) = calibration_batches(pictures, 8)
    assert batch["images"].shape == (8, 4, 6, 3) and batch["images"].dtype == np.uint8
    for none in (None, []):
        with pytest.raises(ValueError, match="Received: calibration=None"):
            calibration_batches(none, 2)


def test_people_are_cut_out_by_their_boxes(model, mice):
    inference = PoseInference(model)
    taken = pictures_of(inference, mice)
    assert len(taken) == 12
    assert {(x.shape, x.dtype.name) for x in taken} == {((64, 64, 3), "uint8")}
    whole = pictures_of(inference, mice.parent / "images")
    # Crops are of the animals, whole pictures of all there is.
    assert np.abs(taken[0].astype(int) - whole[0]).mean() > 1
    # What is recorded is what predictions cut out.
    fed = []

    def read(images):
        fed.append(images)
        return inference.crops(images)

    inference._read_crops = read
    path = sorted((mice.parent / "images").iterdir())[0]
    inference.run([read_image(str(path))[0]])
    assert np.array_equal(fed[0][0], whole[0])


def test_drawn_pictures_have_the_size_asked_for():
    first, second = drawn_pictures((96, None), 2)
    assert first.shape == second.shape == (96, 256, 3)
    scene = draw_scene(np.random.default_rng(0), (256, 256)).image
    assert abs(first.mean() - scene.mean()) < 3


def test_bad_calibration_data(model, mice, tmp_path):
    inference = PoseInference(model)
    with pytest.raises(ValueError, match="There is no .*absent"):
        pictures_of(inference, tmp_path / "absent")
    few = write_people(tmp_path / "few", count=3)
    with pytest.raises(ValueError, match="has 3 pictures .* needs at least 8"):
        pictures_of(inference, few)
    (tmp_path / "data.yaml").write_text(f"task: segmentation\ntrain: {mice}\n")
    with pytest.raises(ValueError, match="is for the task 'segmentation'"):
        pictures_of(inference, tmp_path / "data.yaml")


@pytest.mark.slow
def test_the_command_calibrates_and_checks(model, mice, tmp_path):
    model.save(tmp_path / "mice.keras")
    command = ["export", "--model", tmp_path / "mice.keras", "--out", tmp_path / "out"]
    command += ["--format", "onnx", "--precision", "int8", "--check", mice]
    said = run(*command, "--calibrate", mice).out
    assert "int8" in said and "differs by" in said and "PCK of the file" in said
    assert load_exported(tmp_path / "out").description["precision"] == "int8"
    said = run("evaluate", "--model", tmp_path / "out" / "mice.onnx", "--data", mice)
    assert "PCK" in said.out
    assert "exists" in fail(*command, "--calibrate", mice)
