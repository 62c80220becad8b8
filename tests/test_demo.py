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
            numbers = run_demo(tmp_path / "demo", console, 1, num_train=12, num_val=4)
    printed = (tmp_path / "log.txt").read_text()
    assert all(f"{step}/6" in printed for step in range(1, 7))
    assert "AP (OKS, ground-truth boxes)" in printed
    pictures = sorted(numbers["pictures"].iterdir())
    assert [p.name for p in pictures].count("all.png") == 1
    assert len([p for p in pictures if p.suffix == ".png"]) == 5
    found = json.loads(next(p for p in pictures if p.suffix == ".json").read_text())
    assert found
    assert 0 <= numbers["AP"] <= 1 and 0 <= numbers["PCK"] <= 1
