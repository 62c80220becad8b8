"""A finished run goes on for more epochs."""

import dataclasses
import io

import keras
import pytest
from rich.console import Console
from small_recipe import small_recipe

from hrnet_tf.training.run import train


def recipe(epochs, rate=0.05):
    """Numbers, with a schedule that ends with the run."""

    def optimizer(steps):
        schedule = keras.optimizers.schedules.PolynomialDecay(rate, epochs * steps)
        return keras.optimizers.SGD(schedule)

    return small_recipe(epochs, optimizer=optimizer)


def run(epochs, folder, **arguments):
    said = io.StringIO()
    result = train(
        recipe(epochs, **arguments), folder, console=Console(file=said, width=400)
    )
    return result, said.getvalue()


@pytest.fixture
def finished(tmp_path):
    """The folder of a run of two epochs."""
    train(recipe(2), tmp_path / "run", console=Console(file=io.StringIO()))
    return tmp_path / "run"


def test_goes_on_and_tells_of_the_schedule(finished):
    result, said = run(4, finished)
    assert [row["epoch"] for row in result.history] == [1, 2, 3, 4]
    assert "finished after 2 epochs, and goes on to 4" in said
    assert "again that of epoch 3 of 4" in said
    rates = [row["learning_rate"] for row in result.history]
    # At the beginning of each epoch: without the change the third had none.
    assert rates == pytest.approx([0.05, 0.025, 0.025, 0.0125], rel=0.01)
    # It is a run of four epochs from now on.
    again, said = run(4, finished)
    assert again.history == result.history and "goes on to" not in said


def test_other_changes_and_fewer_epochs_are_refused(finished):
    for epochs, arguments in ((4, {"rate": 0.1}), (1, {})):
        with pytest.raises(ValueError, match="holds another run: it differs in epochs"):
            run(epochs, finished, **arguments)


def test_an_unfinished_run_is_to_be_finished_first(tmp_path):
    def stop(*_):
        raise KeyboardInterrupt

    stopped = dataclasses.replace(recipe(2), evaluate=stop)
    with pytest.raises(KeyboardInterrupt):
        train(stopped, tmp_path / "run", console=Console(file=io.StringIO()))
    with pytest.raises(ValueError, match="at epoch 1 of 2.*finish it first.*epochs=2"):
        run(4, tmp_path / "run")
