import heatmap_reference
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from hrnet_tf.export import litert, load_exported
from hrnet_tf.export.litert import export_litert
from hrnet_tf.predict import Predictor
from hrnet_tf.tasks.exported import Input
from hrnet_tf.tasks.pose.inference import PoseInference

TOLERANCES = {"float32": 1e-3, "float16": 2e-2}


def run(path, images):
    interpreter = Interpreter(str(path))
    names = interpreter.get_signature_list()
    assert names == {
        "crops": {"inputs": ["images"], "outputs": ["heatmaps", "keypoints", "scores"]}
    }
    runner = interpreter.get_signature_runner("crops")
    return runner(images=images), interpreter


@pytest.fixture(scope="module")
def images():
    shape = (2, 12, 8, 3)
    small = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    return tf.cast(tf.image.resize(small, (96, 64)), tf.uint8).numpy()


@pytest.mark.parametrize(
    ("precision", "flip_test"),
    [("float32", True), pytest.param("float16", False, marks=pytest.mark.slow)],
)
def test_the_file_gives_what_the_model_says(
    pose_model, images, decode_by_hand, tmp_path, precision, flip_test
):
    path = tmp_path / "models" / "pose.tflite"
    export_litert(pose_model, path, precision, batch_size=2, flip_test=flip_test)
    assert [child.name for child in path.parent.iterdir()] == ["pose.tflite"]
    found, interpreter = run(path, images)
    expected = PoseInference(pose_model, flip_test).crops(tf.constant(images))
    largest = np.abs(expected["heatmaps"]).max()
    for name in ("heatmaps", "scores"):
        difference = np.abs(found[name] - expected[name]).max()
        assert difference < TOLERANCES[precision] * largest
    for i in range(2):
        # Rounding may move a maximum: keypoints have to fit their own heatmaps.
        cells, _ = decode_by_hand(found["heatmaps"][i])
        np.testing.assert_allclose(found["keypoints"][i], cells * 4, atol=1e-3)
    if precision == "float32":
        np.testing.assert_allclose(found["keypoints"], expected["keypoints"], atol=1e-3)
    assert_built_in(interpreter)


def assert_built_in(interpreter):
    operations = {op["op_name"] for op in interpreter._get_ops_details()}
    assert not any(name.startswith(("Flex", "CUSTOM")) for name in operations)


@pytest.mark.slow
@pytest.mark.parametrize(
    "convention", [pytest.param("dark", marks=pytest.mark.slow), "udp", "face"]
)
def test_the_file_reads_heatmaps_as_they_were_trained(
    make_pose, images, tmp_path, convention
):
    model = make_pose(heatmap_convention=convention)
    path = tmp_path / "pose.tflite"
    export_litert(model, path, batch_size=2, flip_test=True)
    found, interpreter = run(path, images)
    expected = PoseInference(model, flip_test=True).crops(tf.constant(images))
    largest = np.abs(expected["heatmaps"]).max()
    difference = np.abs(found["heatmaps"] - expected["heatmaps"]).max()
    assert difference < TOLERANCES["float32"] * largest
    scale = np.array([63 / 15, 95 / 23]) if convention == "udp" else 4
    for i in range(2):
        maps = found["heatmaps"][i]
        cells, scores = heatmap_reference.decode(convention, maps, 2.0)
        np.testing.assert_allclose(found["keypoints"][i], cells * scale, atol=1e-2)
        np.testing.assert_allclose(found["scores"][i], scores)
    assert_built_in(interpreter)


@pytest.mark.slow
def test_float16_halves_the_weights_and_mixed_precision_is_left_out(
    make_pose, images, tmp_path
):
    mixed = make_pose(dtype="mixed_bfloat16")
    half = export_litert(mixed, tmp_path / "half.tflite", "float16")
    full = export_litert(mixed, tmp_path / "full.tflite")
    weights = 4 * mixed.count_params()
    saved = full.stat().st_size - half.stat().st_size
    assert 0.4 * weights < saved < 0.5 * weights
    found, _ = run(full, images[:1])
    expected = PoseInference(make_pose()).crops(tf.constant(images[:1]))["heatmaps"]
    difference = np.abs(found["heatmaps"] - expected).max()
    assert difference < 1e-3 * np.abs(expected).max()


def test_a_failed_export_keeps_the_file(pose_model, tmp_path, monkeypatch):
    path = tmp_path / "pose.tflite"
    path.write_bytes(b"old")

    def fail(source, target):
        raise OSError("the disk is full")

    monkeypatch.setattr(litert, "_convert", lambda *args: b"new")
    monkeypatch.setattr("hrnet_tf.io.os.replace", fail)
    with pytest.raises(OSError, match="the disk is full"):
        export_litert(pose_model, path)
    assert [child.name for child in tmp_path.iterdir()] == ["pose.tflite"]
    assert path.read_bytes() == b"old"


def test_wrong_arguments(pose_model, tmp_path):
    path = tmp_path / "pose.tflite"
    with pytest.raises(ValueError, match="precision must be one of .*'int4'"):
        export_litert(pose_model, path, precision="int4")
    with pytest.raises(ValueError, match="batch_size must be a positive .*=0"):
        export_litert(pose_model, path, batch_size=0)


@pytest.fixture(scope="module")
def pose_file(pose_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("litert") / "pose.tflite"
    return export_litert(pose_model, path, batch_size=2)


def test_the_file_is_a_model_of_its_task(pose_model, images, pose_file):
    exported = load_exported(pose_file)
    assert exported.format == "litert" and exported.path == pose_file
    assert exported.description["task"] == "pose"
    crops = exported.signature("crops")
    assert crops.inputs["images"] == Input("images", (2, 96, 64, 3), "uint8")
    assert crops.outputs == ("heatmaps", "keypoints", "scores")
    # Of the file's fixed batch, of fewer, of more, and of none.
    expected = PoseInference(pose_model).crops(tf.constant(images))["keypoints"]
    for order in ([0, 1], [1], [1, 0, 1], []):
        found = crops(images=images[order])["keypoints"]
        np.testing.assert_allclose(found, np.asarray(expected)[order], atol=1e-3)
    with pytest.raises(
        ValueError, match=r"'images' is uint8 \[any, 96, 64, 3\].*float"
    ):
        crops(images=images.astype(np.float32))
    with pytest.raises(ValueError, match=r"Received: uint8 \[2, 96, 60, 3\]"):
        crops(images=images[:, :, :60])
    with pytest.raises(ValueError, match="Expected the inputs images uint8.*pixels"):
        crops(pixels=images)
    with pytest.raises(ValueError, match="has no signature 'people', only crops"):
        exported.signature("people")


def test_predictors_run_the_file(pose_model, photo, pose_file):
    image, boxes = photo(100, 140), [[10, 12, 50, 60], [20, 5, 30, 80]]
    found = Predictor.load(pose_file.parent).predict(image, boxes)
    expected = Predictor(pose_model).predict(image, boxes)
    np.testing.assert_allclose(found.xy, expected.xy, atol=1e-2)
    assert found.keypoint_set == expected.keypoint_set
    with pytest.raises(ValueError, match="was exported with flip_test=False"):
        Predictor.load(pose_file, flip_test=True)


def test_files_without_a_description_or_damaged_are_refused(pose_file, tmp_path):
    path, content = tmp_path / "pose.tflite", pose_file.read_bytes()
    path.write_bytes(content[: content.rindex(b"hrnet.json") - 200])
    with pytest.raises(ValueError, match=r"hrnet.json in .*pose.tflite is absent or"):
        load_exported(path)
    (tmp_path / "other.tflite").write_bytes(content)
    with pytest.raises(ValueError, match="holds several exported models: other.tflite"):
        load_exported(tmp_path)
    path.unlink()
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "saved_model.pb").touch()
    with pytest.raises(ValueError, match=r"models: other.tflite, 10. Name one, such"):
        load_exported(tmp_path)
    path.write_bytes(b"0123" + content[4:100] + content[9000:])
    with pytest.raises(ValueError, match="could not be loaded as a LiteRT file"):
        load_exported(path)
    with pytest.raises(ValueError, match="There is no file .*absent.tflite"):
        load_exported(tmp_path / "absent.tflite")
