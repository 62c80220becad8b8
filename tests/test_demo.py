"""The demo's whole path, small."""

import json

import pytest
from rich.console import Console

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
