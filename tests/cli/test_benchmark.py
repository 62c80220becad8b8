"""`hrnet benchmark`, on tiny models."""

import json

import pytest
from command_line import fail, run

import hrnet_tf
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


def test_explains_what_it_cannot_measure(model, tmp_path):
    assert "--format pb. Expected one of" in fail(
        "benchmark", model, "--format", "pb", "--out", tmp_path
    )
    assert "There is no model file" in fail("benchmark", tmp_path / "absent.keras")
