"""`hrnet train`: what it does with weights to start from."""

import pytest
from command_line import fail

RECIPE = """
import keras
from small_recipe import small_recipe


def recipe(weights=None):
    if weights is not None:
        raise ValueError(f"asked for {weights!r}")
    return small_recipe(epochs=1, batch_size=16)
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "small.py").write_text(RECIPE)
    return ["train", tmp_path / "small.py", "--out", tmp_path / "run"]


def test_what_recipes_are_given(command):
    name = "hrnet_w32_coco_256x192"
    assert f"asked for {name!r}" in fail(*command, "--weights", name)
    text = fail(*command, "--weights", "w.pth", "--weights-names", "same")
    assert "asked for ('w.pth', 'same')" in text
    text = fail(*command, "--weights-names", "same")
    assert "--weights-names same says what the outputs of --weights are, wh" in text


def test_rates_of_the_body_need_an_optimizer_that_has_them(command):
    text = fail(*command, "--body-rate", 0.1)
    assert "needs an optimizer with rates of single variables. Received: ker" in text
