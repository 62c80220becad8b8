import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.data.keypoint_sets import COCO
from hrnet_tf.export import load_exported, saved_model
from hrnet_tf.export.saved_model import export_saved_model

BOXES = [[10, 12, 50, 60], [61, 20, 40, 79.5], [-20, -15, 60, 60]]


@pytest.fixture(scope="module")
def exported(pose_model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("models") / "pose"
    export_saved_model(pose_model, directory)
    return directory


@pytest.fixture(scope="module")
def loaded(exported):
    return tf.saved_model.load(str(exported / "1"))


@pytest.fixture(scope="module")
def serve(loaded):
    def call(images, boxes):
        boxes = tf.constant(boxes, tf.float32)
        function = loaded.signatures["serving_default"]
        found = function(image_bytes=tf.constant(images), boxes=boxes)
        return {name: value.numpy() for name, value in found.items()}

    return call


def test_the_folder_has_the_layout_of_tensorflow_serving(exported):
    assert [child.name for child in exported.iterdir()] == ["1"]
    names = {child.name for child in (exported / "1").iterdir()}
    assert {"saved_model.pb", "variables", "assets.extra"} <= names
    description = json.loads((exported / "1/assets.extra/hrnet.json").read_text())
    assert description["image_size"] == [96, 64]
    assert description["keypoint_set"] == COCO.to_dict()
    assert description["flip_test"] is False


def test_signatures(loaded):
    serving, crops = loaded.signatures["serving_default"], loaded.signatures["crops"]
    assert set(serving.structured_outputs) == {"keypoints", "scores"}
    inputs = serving.structured_input_signature[1]
    assert inputs["image_bytes"].shape.as_list() == [None]
    assert inputs["boxes"].shape.as_list() == [None, None, 4]
    assert crops.structured_input_signature[1]["images"].dtype == tf.uint8
    assert set(crops.structured_outputs) == {"keypoints", "scores", "heatmaps"}


def test_images_of_different_kinds_and_sizes(serve, photo, encode, evaluate_by_hand):
    images = [encode(photo(100, 140), "JPEG"), encode(photo(75, 60, 1), "PNG")]
    found = serve(images, [BOXES, BOXES])
    assert found["keypoints"].shape == (2, 3, 17, 2)
    for i, image in enumerate(images):
        for n, box in enumerate(BOXES):
            points, scores = evaluate_by_hand(image, box)
            np.testing.assert_allclose(found["keypoints"][i, n], points, atol=1e-3)
            np.testing.assert_allclose(found["scores"][i, n], scores, rtol=1e-4)


@pytest.mark.parametrize(
    "padding",
    [
        [0, 0, 0, 0],
        [5, 5, 0, 20],
        [5, 5, 20, -1],
        [5, 5, np.nan, 20],
        [np.inf, 5, 20, 20],
        [5, 5, 1e30, 20],
        [5, 5, 1e-30, 1e-30],
    ],
)
def test_padding_boxes_give_zeros_and_disturb_nobody(serve, photo, encode, padding):
    image = encode(photo(100, 140), "JPEG")
    alone = serve([image], [BOXES[:1]])
    found = serve([image, image], [[padding, BOXES[0]], [BOXES[0], padding]])
    for name in ("keypoints", "scores"):
        for i, n in ((0, 1), (1, 0)):
            np.testing.assert_allclose(found[name][i, n], alone[name][0, 0], rtol=1e-4)
            assert not found[name][i, 1 - n].any()


def test_nobody_at_all(serve, photo, encode):
    image = encode(photo(40, 40), "JPEG")
    assert serve([image], np.zeros((1, 0, 4)))["keypoints"].shape == (1, 0, 17, 2)
    assert not serve([image], np.zeros((1, 2, 4)))["scores"].any()


def test_a_box_outside_the_image_gives_finite_numbers(serve, photo, encode):
    for kind in ("JPEG", "PNG"):
        image = encode(photo(40, 40), kind)
        found = serve([image], [[[500, 500, 20, 20], [-9e5, 1, 1, 9e5]]])
        assert all(np.isfinite(value).all() for value in found.values())


@pytest.mark.slow
def test_mixed_precision_and_flip_test_are_exported(make_pose, pose_model, tmp_path):
    model = make_pose(dtype="mixed_bfloat16")
    export_saved_model(model, tmp_path, flip_test=True)
    exported = load_exported(tmp_path)
    assert exported.description["flip_test"]
    images = np.full((1, 96, 64, 3), 128, np.uint8)
    assert (
        exported.signature("crops")(images=tf.constant(images))["heatmaps"].dtype
        == tf.float32
    )


def test_an_existing_version_is_kept(exported, pose_model):
    before = (exported / "1/saved_model.pb").stat().st_mtime_ns
    with pytest.raises(ValueError, match=r"pose/1 exists. Pass another version"):
        export_saved_model(pose_model, exported)
    assert (exported / "1/saved_model.pb").stat().st_mtime_ns == before


@pytest.mark.parametrize("failing", ["save_functions", "os.replace"])
def test_a_failed_export_leaves_what_there_was(
    pose_model, tmp_path, monkeypatch, failing
):
    old = tmp_path / "1"
    old.mkdir()
    (old / "file").write_text("old")

    def fail(*args):
        raise OSError("the disk is full")

    calls = []

    def fail_once(source, target, replace=os.replace):
        calls.append(target)
        # The old version is put aside first; then the new one fails to take its place.
        if len(calls) == 2:
            fail()
        replace(source, target)

    if failing == "save_functions":
        monkeypatch.setattr(saved_model, failing, fail)
    else:
        monkeypatch.setattr(saved_model, "save_functions", make_folder)
        monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(OSError, match="the disk is full"):
        export_saved_model(pose_model, tmp_path, overwrite=True)
    assert [child.name for child in tmp_path.iterdir()] == ["1"]
    assert (old / "file").read_text() == "old"


def make_folder(model, folder, functions, class_names):
    folder.mkdir()
    (folder / "saved_model.pb").write_text("new")


def test_overwrite_replaces_a_version(pose_model, tmp_path, monkeypatch):
    monkeypatch.setattr(saved_model, "save_functions", make_folder)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "file").write_text("old")
    assert export_saved_model(pose_model, tmp_path, 7, overwrite=True).name == "7"
    assert [child.name for child in tmp_path.iterdir()] == ["7"]
    assert not (tmp_path / "7" / "file").exists()


@pytest.mark.parametrize("version", [0, -1, "1", 1.5, True])
def test_versions_are_positive_integers(pose_model, tmp_path, version):
    with pytest.raises(ValueError, match="version must be a positive integer"):
        export_saved_model(pose_model, tmp_path, version)


def test_the_largest_version_is_loaded(exported, tmp_path):
    for version in ("9", "10"):
        shutil.copytree(exported / "1", tmp_path / version)
    (tmp_path / "11").mkdir()
    assert load_exported(tmp_path).path == tmp_path / "10"


def test_incomplete_folders_are_named(exported, tmp_path):
    with pytest.raises(ValueError, match="There is no folder .*absent"):
        load_exported(tmp_path / "absent")
    (tmp_path / "notes").mkdir()
    with pytest.raises(ValueError, match=r"holds neither saved_model.pb.*\['notes'\]"):
        load_exported(tmp_path)
    folder = tmp_path / "1"
    shutil.copytree(exported / "1", folder)
    graph = (folder / "saved_model.pb").read_bytes()
    (folder / "saved_model.pb").write_bytes(graph[: len(graph) // 2])
    with pytest.raises(ValueError, match="1 could not be loaded as a SavedModel"):
        load_exported(folder)
    (folder / "saved_model.pb").write_bytes(graph)
    weights = next(folder.glob("variables/*.data*"))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match="1 could not be loaded as a SavedModel"):
        load_exported(folder)
    (folder / "assets.extra/hrnet.json").write_text("{")
    with pytest.raises(ValueError, match=r"hrnet\.json is absent or damaged"):
        load_exported(folder)
