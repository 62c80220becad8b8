"""Frozen statistics of layers that are made of others, also in saved models."""

import keras
import numpy as np
import pytest
from layer_cases import CASES

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.normalized import NormalizedLayer, sublayers
from hrnet_tf.layers.residual import BasicBlock

COMPOSED = sorted(
    name for name, case in CASES.items() if issubclass(case[0], NormalizedLayer)
)


def norms(layer):
    return [x for x in sublayers(layer) if isinstance(x, BatchNorm)]


@pytest.mark.parametrize("case", COMPOSED)
def test_is_said_of_all_batch_normalisations(case):
    cls, arguments, shapes, _ = CASES[case]
    for frozen in (False, True):
        layer = cls(**{**arguments, "frozen_statistics": frozen})
        # Some layers are made in `build`.
        layer.build(shapes)
        assert norms(layer)
        assert {x.frozen_statistics for x in norms(layer)} == {frozen}
        assert layer.frozen_statistics is frozen
        layer.frozen_statistics = not frozen
        assert {x.frozen_statistics for x in norms(layer)} == {not frozen}
        assert layer.get_config()["frozen_statistics"] is not frozen


def test_is_kept_in_a_model_of_the_user_that_froze_what_is_inside(tmp_path):
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, BatchNorm()(BasicBlock(4)(inputs)))
    for norm in norms(model):
        norm.frozen_statistics = True
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert [norm.frozen_statistics for norm in norms(again)] == [True] * 4
    x = np.random.default_rng(0).normal(3, 2, (2, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(again(x, training=True), model(x, training=False))


def test_warns_where_a_configuration_cannot_say_it():
    block = BasicBlock(3, name="mixed")
    block.conv2.norm.frozen_statistics = True
    assert not block.frozen_statistics
    with pytest.warns(UserWarning, match="in 'mixed' some have frozen statistics"):
        config = block.get_config()
    assert config["frozen_statistics"] is False


@pytest.mark.parametrize("nested", [[0], (0,), {"key": 0}], ids=str)
def test_sublayers_are_found_at_any_depth_and_once(nested):
    class Holder(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.first = BasicBlock(3)
            kind = type(nested)
            inner = BatchNorm(name="inner")
            self.held = {"key": inner} if kind is dict else kind([inner])
            self.again = self.first

    holder = Holder()
    found = sublayers(holder)
    assert len(found) == len({id(x) for x in found})
    assert holder not in found
    kinds = [type(x).__name__ for x in found]
    assert kinds.count("BasicBlock") == 1
    assert kinds.count("ConvNorm") == 2
    assert kinds.count("BatchNorm") == 3


def test_sublayers_of_a_model_that_is_compiled():
    # Keras keeps a dict there whose keys are the model and its layers.
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, BasicBlock(3)(inputs))
    before = sublayers(model)
    model.compile(optimizer="sgd", loss="mse")
    assert {id(x) for x in sublayers(model)} == {id(x) for x in before}
