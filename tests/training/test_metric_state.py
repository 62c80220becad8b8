"""The means in the logs, kept from one process to the next."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.distribution.model import ReplicatedModel
from hrnet_tf.training.metric_state import add_metrics, read_metrics, restore_metrics


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    # What Keras has when a run begins: the mean of the loss, and no other metric yet.
    return model


def loss(model):
    return [float(value) for value in model.metrics[0].variables]


def test_are_read_and_restored_exactly(model):
    third = float(np.float32(1 / 3))
    assert restore_metrics(model, {"loss/0": [third], "loss/1": [7.0]}) == {}
    assert loss(model) == [third, 7.0]
    saved = read_metrics(model, {"loss": third / 7}, 7)
    assert saved == {"loss/0": [third], "loss/1": [7.0]}


def test_of_several_replicas_are_added_up_on_one(model):
    restore_metrics(model, {"loss/0": [3.0, 5.0], "loss/1": [2.0, 2.0]})
    assert loss(model) == [8.0, 4.0]


def test_are_counted_by_the_chief_alone(model):
    restore_metrics(model, {"loss/0": [3.0, 5.0], "loss/1": [2.0, 2.0]}, is_chief=False)
    assert loss(model) == [0.0, 0.0]


def test_that_are_made_later_are_added(model):
    missing = restore_metrics(model, {"loss/0": [1.0], "later/0": [2.0]})
    assert missing == {"later/0": [2.0]}
    add_metrics(model, {"loss/0": [2.0], "loss/1": [3.0]})
    assert loss(model) == [3.0, 3.0]


class TestOfSeveralProcesses:
    @pytest.fixture
    def worker(self, model, monkeypatch):
        name = "hrnet_tf.training.metric_state._is_one_of_several"
        monkeypatch.setattr(name, lambda model: True)
        return model

    def test_are_made_from_the_logs(self, worker):
        # The variables of the others cannot be read without them.
        assert read_metrics(worker, {"loss": 0.25}, 8) == {
            "loss/0": [2.0],
            "loss/1": [8.0],
        }

    def test_are_those_of_all_of_them(self, worker):
        saved = {"loss/0": [2.0], "loss/1": [8.0]}
        restore_metrics(worker, saved)
        assert loss(worker) == [2.0, 8.0]
        restore_metrics(worker, saved, is_chief=False)
        assert loss(worker) == [0.0, 0.0]

    def test_are_the_means_that_the_model_has(self, worker):
        """The norms of the gradients, too, are means of images and not of steps."""
        inputs = keras.Input((2,))
        model = ReplicatedModel(inputs, keras.layers.Dense(1)(inputs))
        model.track_gradient_norm = True
        model.compile("sgd", "mse")
        rng = np.random.default_rng(0)
        data = rng.normal(size=(12, 2)), rng.normal(size=(12, 1))
        batches = iter(tf.data.Dataset.from_tensor_slices(data).batch(4))
        model.make_train_function()
        for _ in range(3):
            logs = model.train_function(batches)
        saved = read_metrics(model, logs, 12)
        assert set(saved) == {"loss/0", "loss/1", "gradient_norm/0", "gradient_norm/1"}
        for metric in model.metrics:
            if metric.name in ("loss", "gradient_norm"):
                own = [float(value) for value in metric.variables]
                found = [saved[f"{metric.name}/{i}"][0] for i in range(2)]
                assert found == pytest.approx(own, rel=1e-6)
