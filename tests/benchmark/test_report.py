"""What is made of measured latencies: table, recommendation, files and a plot."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from hrnet_tf.benchmark import machine, report
from hrnet_tf.benchmark.measure import Candidate, Conditions, Measured


def measured(name, seconds, difference=None, score=None):
    candidate = Candidate(name, Path(name), 2_000_000, difference, score)
    latencies = {1: np.array(seconds), 4: np.array(seconds) * 2}
    return Measured(candidate, 1.5, 3e8, latencies)


KERAS = measured("keras", [0.1, 0.1, 0.3])
EXACT = measured("litert float32", [0.05] * 3, 1e-6)
FAR = measured("litert int8", [0.02] * 3, 0.04)
QUIET = Conditions(1e11, 0.95e11, 0.02)


def test_half_of_the_calls_tell_the_speed():
    assert KERAS.images_per_second(1) == pytest.approx(10)
    assert KERAS.images_per_second(4) == pytest.approx(20)
    assert KERAS.percentile(1, 99) == pytest.approx(0.296)


def test_recommends_the_fastest_that_is_as_good():
    assert report.recommended([KERAS, EXACT, FAR], 1)[0] is EXACT
    scored = [
        measured("keras", [0.1], None, 0.700),
        measured("int8", [0.02], 0.04, 0.697),
        measured("worse", [0.01], 0.001, 0.690),
    ]
    best, why = report.recommended(scored, 1)
    assert best is scored[1] and "at least 0.695" in why
    percents = [
        measured("keras", [0.1], None, 70.0),
        measured("int8", [0.02], 0.04, 69.4),
    ]
    assert report.recommended(percents, 1, percent=True)[0] is percents[0]
    assert report.recommended([FAR], 1)[0] is None


def test_recommends_no_file_of_a_larger_error():
    """NME, which is the better the lower it is."""
    errors = [
        measured("keras", [0.1], None, 0.0500),
        measured("int8", [0.03], 0.04, 0.0509),
        measured("broken", [0.01], 0.001, 0.4000),
        measured("untested", [0.01], 0.001),
    ]
    best, why = report.recommended(errors, 1, lower_is_better=True)
    assert best is errors[1] and "error is at most 0.0510" in why


def test_tells_how_far_the_limit_is():
    # 10 images a second of 2 GFLOP, of 100 GFLOP/s.
    assert report.distance(KERAS, 1, 2e9, QUIET) == pytest.approx(0.2)


def test_says_when_the_machine_was_not_quiet():
    assert report.unrest(QUIET) is None
    assert report.unrest(Conditions(1e11, 0.95e11, None)) is None
    assert "took 40% of the" in report.unrest(Conditions(1e11, 0.95e11, 0.4))
    assert "down to 50%" in report.unrest(Conditions(1e11, 0.5e11, None))


def test_writes_what_it_shows(tmp_path):
    failed = Measured(Candidate("onnx float32", Path("a"), 10), error="no session")
    paths = report.write(tmp_path, [KERAS, EXACT, FAR, failed], [1, 4], {"model": "m"})
    content = json.loads(paths[0].read_text())
    assert content["model"] == "m"
    rows = content["files"]
    assert rows[1]["batch_sizes"]["4"]["images_per_second"] == pytest.approx(40)
    assert rows[3]["error"] == "no session"
    with paths[1].open() as file:
        lines = list(csv.reader(file))
    assert lines[0][:2] == ["file", "MB"] and len(lines) == 5
    assert "failed" in lines[4]
    assert paths[2].stat().st_size > 1000
    scored = [measured("keras", [0.1], None, 0.7), measured("int8", [0.02], 0.0, 0.69)]
    assert report.write(tmp_path, scored, [1], {}, "AP")[2].is_file()


def test_products_of_matrices_have_a_limit():
    # Between a thousand times slower and faster than any machine that runs this.
    assert 1e8 < machine.matrix_limit(size=256, seconds=0.05) < 1e16


def test_others_work_is_told_from_own(monkeypatch):
    busy, own, now = iter([100.0, 101.0]), iter([10.0, 10.5]), iter([0.0, 1.0])
    monkeypatch.setattr(machine, "_busy_seconds", lambda: next(busy))
    monkeypatch.setattr(machine, "_own_seconds", lambda: next(own))
    monkeypatch.setattr(machine, "_now", lambda: next(now))
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 2)
    assert machine.Watch().others() == pytest.approx(0.25)


def test_nobody_knows_of_others_where_the_system_does_not_tell(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "_STAT", tmp_path / "absent")
    assert machine.Watch().others() is None
