"""OpenVINO's and ONNX' files, run by their runtimes, against the Keras model."""

import sys

import numpy as np
import pytest
import tensorflow as tf
from slow_params import cases

from hrnet_tf.export import load_exported, read_description
from hrnet_tf.export.compare import differences
from hrnet_tf.export.litert import export_litert
from hrnet_tf.export.onnx import export_onnx
from hrnet_tf.export.openvino import export_openvino
from hrnet_tf.extras import MissingExtra
from hrnet_tf.predict import Predictor
from hrnet_tf.tasks.exported import Input
from hrnet_tf.tasks.pose.inference import PoseInference

EXPORTS = {
    ".xml": (export_openvino, "openvino"),
    ".onnx": (export_onnx, "onnx"),
    ".tflite": (export_litert, "litert"),
}


@pytest.fixture(scope="module")
def images(photo):
    return np.stack([photo(96, 64, seed) for seed in range(8)])


def relative(found, expected):
    """The largest difference of heatmaps, of their largest value."""
    return np.abs(found - expected).max() / np.abs(expected).max()


def computes_in_bfloat16():
    """Whether OpenVINO takes bfloat16 on this processor."""
    openvino = pytest.importorskip("openvino")
    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "BF16" in able


def computed_in_float32(path, images):
    """What an OpenVINO file gives if it is told to compute in float32."""
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    found = compiled({"images": images})
    return {port.any_name: value for port, value in found.items()}


@pytest.mark.parametrize("suffix", [".xml", ".onnx"])
def test_the_file_is_a_model_of_its_task(pose_model, images, tmp_path, photo, suffix):
    export, format = EXPORTS[suffix]
    options = {"precision": "float32", "flip_test": True}
    path = export(pose_model, tmp_path / f"pose{suffix}", **options)
    exported = load_exported(tmp_path)
    assert (exported.format, exported.path) == (format, path)
    crops = exported.signature("crops")
    assert crops.inputs == {"images": Input("images", (None, 96, 64, 3), "uint8")}
    assert crops.outputs == ("heatmaps", "keypoints", "scores")
    expected = PoseInference(pose_model, True).crops(tf.constant(images))
    for count in (1, 3):
        found = crops(images=images[:count])
        assert relative(found["heatmaps"], expected["heatmaps"][:count]) < 1e-4
        wanted = expected["keypoints"][:count]
        np.testing.assert_allclose(found["keypoints"], wanted, atol=1e-3)
    (apart, *_) = differences(PoseInference(pose_model, True), exported)
    assert apart.worst < 1e-4 * apart.largest
    image, boxes = photo(100, 140), [[10, 12, 50, 60], [20, 5, 30, 80]]
    found = Predictor.load(path).predict(image, boxes)
    wanted = Predictor(pose_model, flip_test=True).predict(image, boxes)
    np.testing.assert_allclose(found.xy, wanted.xy, atol=1e-2)
    assert len(Predictor.load(path).predict(image, np.zeros((0, 4))).xy) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    cases(
        (
            *("int8.xml", "int8.onnx", "int8.tflite", "dynamic_int8.tflite"),
            *("float16.xml", "bfloat16.xml", "float16.onnx"),
        ),
        quick=("int8.xml",),
    ),
)
def test_lower_precisions(pose_model, images, tmp_path, kind):
    precision, suffix = kind.split(".")
    suffix = f".{suffix}"
    export, _ = EXPORTS[suffix]
    options = {"calibration": images} if precision == "int8" else {}
    path = export(pose_model, tmp_path / f"low{suffix}", precision, **options)
    found = load_exported(path).signature("crops")(images=images)
    expected = PoseInference(pose_model).crops(tf.constant(images))
    limits = {"float16": 1e-2, "bfloat16": 5e-2}
    limit = limits.get(precision, 0.35)
    if kind == "float16.xml" and computes_in_bfloat16():
        # Not what the file holds, but what OpenVINO is fastest in here.
        limit = limits["bfloat16"]
        exact = computed_in_float32(path, images)["heatmaps"]
        assert 0 < relative(exact, expected["heatmaps"]) < limits["float16"]
    assert 0 < relative(found["heatmaps"], expected["heatmaps"]) < limit
    # Decoding stays exact: keypoints are those of the file's own heatmaps.
    codec = PoseInference(pose_model).codec
    cells, scores = codec.decode(tf.constant(found["heatmaps"]))
    np.testing.assert_allclose(found["keypoints"], codec.to_crop(cells), atol=1e-3)
    np.testing.assert_allclose(found["scores"], scores, atol=1e-3)
    if not precision.endswith("int8"):
        plain = export(pose_model, tmp_path / f"plain{suffix}", precision="float32")
        before, after = (
            (p.with_suffix(".bin") if suffix == ".xml" else p).stat().st_size
            for p in (plain, path)
        )
        # Of half of the weights, what is too small is not worth it.
        assert before - after > 0.4 * 4 * pose_model.count_params()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".xml", ".onnx", ".tflite"])
def test_int8_of_a_fixed_batch_is_fitted_to_such_batches(
    pose_model, images, tmp_path, suffix
):
    export, _ = EXPORTS[suffix]
    pictures = [image for image in np.asarray(images)]
    path = export(
        pose_model,
        tmp_path / f"two{suffix}",
        "int8",
        batch_size=2,
        calibration=[*pictures, pictures[0]],
    )
    found = load_exported(path).signature("crops")(images=np.stack(pictures[:2]))
    expected = PoseInference(pose_model).crops(tf.constant(np.stack(pictures[:2])))
    assert relative(found["heatmaps"], expected["heatmaps"]) < 0.35


@pytest.mark.parametrize("suffix", EXPORTS)
def test_int8_says_which_pictures_it_takes(pose_model, tmp_path, suffix):
    export, _ = EXPORTS[suffix]
    path = tmp_path / f"a{suffix}"
    good, small = np.zeros((96, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    for pictures, text in (
        (None, "Received: no calibration pictures"),
        (iter(()), "Received: no calibration pictures"),
        ([good, small], r"picture 1 is uint8 \[64, 64, 3\]. Expected uint8 \[96, 64"),
        ([np.float32(good)], "picture 0 is float32"),
    ):
        with pytest.raises(ValueError, match=text):
            export(pose_model, path, "int8", calibration=pictures)
    assert not list(tmp_path.iterdir())


def test_int8_needs_extras(pose_model, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="precision must be one of .*'int4'"):
        export_onnx(pose_model, tmp_path / "a.onnx", "int4")
    for module, export in (("openvino", export_openvino), ("tf2onnx", export_onnx)):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(MissingExtra, match=r"pip install 'hrnet_tf\["):
            export(pose_model, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_what_is_no_file_of_ours_is_refused(tmp_path):
    path = tmp_path / "pose.xml"
    path.write_text("<net/>")
    with pytest.raises(ValueError, match=r"pose\.bin belongs beside it"):
        load_exported(path)
    path.with_suffix(".bin").write_bytes(b"")
    with pytest.raises(ValueError, match="description in .*pose.xml is absent or"):
        read_description(path)
    path = tmp_path / "pose.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ValueError, match="could not be loaded as an ONNX file"):
        load_exported(path)
    path.with_suffix(".h5").write_bytes(b"")
    with pytest.raises(ValueError, match="is no model. Expected a .keras file, or"):
        load_exported(path.with_suffix(".h5"))
