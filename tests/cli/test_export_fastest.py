"""`hrnet export --format fastest`: which file is kept, and what is said of speed."""

import numpy as np
import pytest
from command_line import fail, run

import hrnet_tf
from hrnet_tf.benchmark.measure import Candidate, Conditions, Measured
from hrnet_tf.cli.export_fastest import speed_hint
from hrnet_tf.cli.export_formats import FORMATS
from hrnet_tf.data.keypoint_sets import COCO
from hrnet_tf.lowlevel import half_precision


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The path of an untrained pose model of 64x64."""
    path = tmp_path_factory.mktemp("models") / "tiny.keras"
    options = {"image_size": (64, 64), "keypoint_set": COCO.to_dict()}
    made = hrnet_tf.HRNetPose.from_preset("hrnet_test", load_weights=False, **options)
    made.save(path)
    return path


def test_keeps_the_fastest_of_what_is_close_to_the_model(model, tmp_path, monkeypatch):
    seen = {}

    def export_all(loaded, path, scratch, formats, pictures, options, for_files):
        assert (options, for_files) == ({"flip_test": True}, {})
        whole, file = scratch / "whole" / "1", scratch / "model.xml"
        whole.mkdir(parents=True)
        (whole / "saved_model.pb").write_text("graph")
        file.write_text("graph")
        file.with_suffix(".bin").write_text("weights")
        wrong = Candidate("onnx int8", scratch / "model.onnx", 1, 0.2)
        return [
            Candidate("saved_model float32", whole, 1, 0.0),
            Candidate("openvino float16", file, 1, 0.004),
            wrong,
        ]

    def measure_all(candidates, sizes, *_, **options):
        found = [
            Measured(one, 1.0, 1e6, {1: np.full(3, seen[one.name.split()[0]])})
            for one in candidates
        ]
        return found, Conditions(1e9, 1e9, 0.0)

    def told(loaded, target, format, precision, arguments):
        seen["told"] = (target, format.name, precision)

    monkeypatch.setattr("hrnet_tf.cli.exported_files.export_all", export_all)
    monkeypatch.setattr("hrnet_tf.benchmark.measure.measure_all", measure_all)
    monkeypatch.setattr("hrnet_tf.cli.export.print_summary", told)
    command = ["export", "--model", model, "--flip-test", "--format", "fastest"]
    seen |= {"saved_model": 3.0, "openvino": 2.0, "onnx": 1.0}
    run(*command, "--out", tmp_path / "a")
    assert seen["told"] == (tmp_path / "a" / "tiny.xml", "openvino", "float16")
    assert (tmp_path / "a" / "tiny.bin").read_text() == "weights"
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [
        "tiny.bin",
        "tiny.xml",
    ]
    seen["saved_model"] = 0.5
    run(*command, "--out", tmp_path / "b")
    assert seen["told"] == (tmp_path / "b" / "1", "saved_model", "float32")
    assert (tmp_path / "b" / "1" / "saved_model.pb").is_file()
    assert "tiny.xml exists" in fail(*command, "--out", tmp_path / "a")


def test_the_fastest_format_takes_no_options_of_one(model, tmp_path):
    command = ["export", "--model", model, "--format", "fastest", "--out"]
    for option in (["--precision", "int8"], ["--version", 2], ["--no-optimize"]):
        text = fail(*command, tmp_path / "out", *option)
        assert "is for one format, and --format fastest finds out" in text
    assert "Name a folder" in fail(*command, tmp_path / "pose.tflite")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("able", [True, False])
def test_what_is_faster_is_told_after_the_usual_export(able, monkeypatch):
    flags = {"avx512_bf16"} if able else {"avx2"}
    monkeypatch.setattr(half_precision, "_processor_flags", lambda: flags)
    hint = speed_hint(FORMATS["saved_model"], "float32")["faster"]
    assert "--format fastest" in hint
    assert ("bfloat16 instructions" in hint) is able
    # Who chose another one knows.
    assert speed_hint(FORMATS["saved_model"], "bfloat16") == {}
    assert speed_hint(FORMATS["litert"], "float32") == {}


@pytest.mark.slow
def test_the_fastest_file_predicts(model, tmp_path):
    pytest.importorskip("ai_edge_litert")
    command = ["export", "--model", model, "--format", "fastest"]
    text = run(*command, "--out", tmp_path / "out", COLUMNS="200").out
    assert "written" in text and "differs by" in text
    exported = hrnet_tf.export.load_exported(tmp_path / "out")
    found = exported.signature("crops")(images=np.zeros((2, 64, 64, 3), np.uint8))
    assert found["keypoints"].shape == (2, 17, 2)
