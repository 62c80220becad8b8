"""Variables with rates of their own, in every optimizer of the package."""

import keras
import numpy as np
import pytest

from hrnet_tf.optimizers.adam import Adam, AdamW
from hrnet_tf.optimizers.muon import Muon
from hrnet_tf.optimizers.sgd import TorchSGD

OPTIMIZERS = {
    "sgd": (TorchSGD, {"l2": 0.1}),
    "momentum": (TorchSGD, {"momentum": 0.9, "nesterov": True}),
    "adam": (Adam, {}),
    "amsgrad": (Adam, {"amsgrad": True}),
    "adamw": (AdamW, {"weight_decay": 0.3}),
    "muon": (Muon, {"weight_decay": 0.3}),
    "muon_adam": (Muon, {"weight_decay": 0.3, "exclude_layers": ["body", "head"]}),
}


def move(optimizer, dtype):
    """How far equal variables of the body and the head move in one step."""
    start = np.random.default_rng(0).normal(size=(4, 3)).astype(dtype)
    variables = [keras.Variable(start, dtype=dtype, name=n) for n in ("body", "head")]
    optimizer.build(variables)
    gradient = keras.ops.convert_to_tensor(start[::-1] + 1)
    optimizer.apply([gradient, gradient])
    return [keras.ops.convert_to_numpy(v) - start for v in variables]


# The types take the steps in one operation, and those of Keras' operations.
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_steps_and_decay_are_multiplied(name, dtype):
    kind, arguments = OPTIMIZERS[name]
    plain = move(kind(0.01, **arguments), dtype)
    np.testing.assert_array_equal(*plain)
    slow = kind(0.01, rate_multipliers={"^body": 0.1}, **arguments)
    body, head = move(slow, dtype)
    np.testing.assert_allclose(head, plain[1], rtol=1e-5, atol=5e-7)
    np.testing.assert_allclose(body, 0.1 * head, rtol=1e-4, atol=5e-7)


@pytest.mark.parametrize("kind", [Adam, AdamW, Muon])
def test_config(kind):
    optimizer = kind(0.1, rate_multipliers={"^body/": 0.1, "norm": 0.0})
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert copy.rate_multipliers == {"^body/": 0.1, "norm": 0.0}
    assert copy.get_config() == optimizer.get_config()
    assert kind(0.1).get_config()["rate_multipliers"] is None
    with pytest.raises(ValueError, match="rate_multipliers must not be negative"):
        kind(rate_multipliers={"head": -1.0})
    with pytest.raises(ValueError, match="'haed' is found in the path of none"):
        kind(rate_multipliers={"haed": 2.0}).build([keras.Variable([1.0])])
