"""The demo's whole path, small."""

import json

import pytest
from rich.console import Console

from hrnet_tf import demo
from hrnet_tf.demo import run_demo


@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_demo_goes_through_all_steps(tmp_path, times):
    with open(tmp_path / "log.txt", "w") as log:
        console = Console(file=log, width=80)
        for _ in range(times):
            numbers = run_demo(tmp_path / "demo", console, 1, 12, 4, 1)
    printed = (tmp_path / "log.txt").read_text()
    assert all(f"{step}/8" in printed for step in range(1, 9))
    assert "AP (OKS, ground-truth boxes)" in printed
    pictures = sorted(numbers["pictures"].iterdir())
    assert [p.name for p in pictures].count("all.png") == 1
    assert len([p for p in pictures if p.suffix == ".png"]) == 5
    assert all(json.loads(p.read_text()) for p in pictures if p.suffix == ".json")
    shares = [numbers[k] for k in ("AP", "PCK", "AP_detected", "box_AP50")]
    assert all(0 <= share <= 1 for share in shares)


def test_only_a_finished_demo_is_trained_anew(tmp_path):
    state = tmp_path / "run" / "state" / "epoch-0003"
    note, last = tmp_path / "run" / "note.txt", tmp_path / "pictures" / "all.png"

    def begins_anew(finished, overwrite):
        state.mkdir(parents=True, exist_ok=True)
        note.touch()
        last.parent.mkdir(exist_ok=True)
        if finished:
            last.touch()
        anew = demo._begins_anew(tmp_path, overwrite)
        assert anew != state.exists()
        assert note.exists() and not last.exists()
        return anew

    assert not begins_anew(finished=False, overwrite=False)
    assert begins_anew(finished=True, overwrite=False)
    assert begins_anew(finished=False, overwrite=True)


@pytest.mark.slow
def test_a_stopped_demo_goes_on(tmp_path, monkeypatch):
    numbers = dict.fromkeys(("AP", "PCK", "images_per_second"), 0.5)
    boxes = dict.fromkeys(("AP_detected", "box_AP50"), 0.5)

    def printed(stops_at=None):
        """What is said by a demo whose trainings alone are not left out."""
        steps = {
            "_evaluate": numbers,
            "_evaluate_pair": boxes,
            "_export": None,
            "_predict": tmp_path,
        }
        for name, result in steps.items():
            monkeypatch.setattr(demo, name, lambda *_, result=result: result)
        if stops_at:
            monkeypatch.setattr(demo, stops_at, stop)
        with open(tmp_path / "log.txt", "w") as log:
            console = Console(file=log, width=80)
            try:
                run_demo(tmp_path / "demo", console, 1, 12, 4, 1)
            except KeyboardInterrupt:
                assert stops_at
        return (tmp_path / "log.txt").read_text()

    def stop(*_):
        raise KeyboardInterrupt

    finished = "the run is finished: 1 epoch is done"
    assert finished not in printed("_evaluate")
    trained = (tmp_path / "demo" / "run" / "best.keras").stat().st_mtime_ns
    assert not (tmp_path / "demo" / "detector").exists()
    said = printed("_evaluate_pair")
    assert said.index("3/8") < said.index(finished) < said.index("5/8")
    assert said.count(finished) == 1
    said = printed()
    assert said.count(finished) == 2
    assert "since it went on" in said and "whole demo" not in said
    best = tmp_path / "demo" / "run" / "best.keras"
    assert best.stat().st_mtime_ns == trained
