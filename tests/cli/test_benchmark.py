"""`hrnet benchmark`, on tiny models."""

import json

import numpy as np
import pytest
import tensorflow as tf
from command_line import fail, run

import hrnet_tf
from hrnet_tf.benchmark import measure
from hrnet_tf.data.keypoint_sets import COCO

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "pose.keras"
    made = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test",
        load_weights=False,
        image_size=(64, 64),
        keypoint_set=COCO.to_dict(),
    )
    made.save(path)
    return path


@pytest.mark.slow
def test_measures_every_precision_of_a_format(model, tmp_path):
    command = ["benchmark", model, "--format", "litert", "--seconds", 0.2]
    text = run(*command, "--batch-size", 2, "--out", tmp_path, COLUMNS="200").out
    assert "recommended" in text and "of the limit" in text
    content = json.loads((tmp_path / "benchmark.json").read_text())
    rows = {row["name"]: row for row in content["files"]}
    assert list(rows) == [
        "keras",
        "litert float32",
        "litert float16",
        "litert dynamic_int8",
    ]
    assert rows["litert float32"]["difference"] < 1e-3
    assert rows["litert float16"]["bytes"] < rows["litert float32"]["bytes"]
    for row in rows.values():
        assert row["batch_sizes"]["2"]["images_per_second"] > 0
        assert row["start_seconds"] > 0 and row["memory"] > 1e7


def test_saved_models_are_written_as_by_the_command(model, tmp_path, monkeypatch):
    """Each in its own precision, and as a fixed graph."""

    seen = {}

    def measure_all(candidates, sizes, *others, **options):
        for one in candidates[1:]:
            files = list((one.path / "assets.extra").glob("model.json"))
            assert not files, "with variables"
            found = tf.saved_model.load(str(one.path)).signatures["crops"]
            nodes = found.graph.as_graph_def().library.function
            kinds = {n.attr["T"].type for f in nodes for n in f.node_def}
            seen[one.name] = tf.bfloat16.as_datatype_enum in kinds
        latencies = {size: np.ones(3) for size in sizes}
        measured = [measure.Measured(c, 1.0, 1e6, latencies) for c in candidates]
        return measured, measure.Conditions(1e9, 1e9, 0.0)

    monkeypatch.setattr(measure, "measure_all", measure_all)
    run("benchmark", model, "--format", "saved_model", "--out", tmp_path)
    assert seen == {"saved_model float32": False, "saved_model bfloat16": True}


@pytest.mark.slow
def test_what_is_not_portable_is_left_out(tmp_path):
    path = tmp_path / "people.keras"
    options = {"num_classes": 2, "num_channels": 16, "image_size": (128, 128)}
    made = hrnet_tf.HRNetFasterRCNN.from_preset(
        "hrnet_test", load_weights=False, **options
    )
    made.save(path)
    command = ("benchmark", path, "--seconds", 0.2, "--batch-size", 1)
    text = run(*command, "--out", tmp_path / "out", COLUMNS="200").err
    assert "left out: onnx. Of an HRNetFasterRCNN no files for other runtimes" in text
    content = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    rows = {row["name"]: row for row in content["files"]}
    assert list(rows) == ["keras", "saved_model float32", "saved_model bfloat16"]
    assert all(
        row["batch_sizes"]["1"]["images_per_second"] > 0 for row in rows.values()
    )


@pytest.mark.slow
def test_others_are_measured_beside_and_never_recommended(model, tmp_path, monkeypatch):
    other = tmp_path / "other.keras"
    other.write_bytes(model.read_bytes())

    def measure_all(candidates, sizes, *_, **options):
        # Each is faster than the one before.
        return [
            measure.Measured(c, 1.0, 1e6, {n: np.full(3, 0.5**i) for n in sizes})
            for i, c in enumerate(candidates)
        ], measure.Conditions(1e9, 1e9, 0.0)

    monkeypatch.setattr(measure, "measure_all", measure_all)
    command = ("benchmark", model, "--format", "litert", "--beside", other)
    run(*command, "--out", tmp_path / "out", COLUMNS="200")
    content = json.loads((tmp_path / "out" / "benchmark.json").read_text())
    names = [row["name"] for row in content["files"]]
    assert names[:2] == ["keras", "litert float32"] and names[-1] == str(other)
    assert content["machine"]["recommended"].startswith("litert ")
    assert "There is no model file" in fail(
        "benchmark", model, "--beside", tmp_path / "absent.keras"
    )


def test_explains_what_it_cannot_measure(model, tmp_path):
    assert "--format pb. Expected one of" in fail(
        "benchmark", model, "--format", "pb", "--out", tmp_path
    )
    assert "There is no model file" in fail("benchmark", tmp_path / "absent.keras")
