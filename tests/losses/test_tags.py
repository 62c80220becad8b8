"""The official losses of bottom-up pose, and their gradients."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from bottom_up_inputs import loss_inputs

from hrnet_tf.losses.tags import CellMSE, TagLoss, push_and_pull

NAMES = (
    "loss_1_exp",
    "loss_2_exp_nobody_and_one",
    "loss_3_exp_full",
    "loss_4_max",
    "loss_5_max_edge",
    "loss_6_crowdpose",
)


def close(found, wanted, tolerance=1e-5):
    """Relative to the largest value."""
    largest = max(np.abs(wanted).max(), 1e-30)
    assert np.abs(np.asarray(found) - wanted).max() / largest < tolerance


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_are_the_official_ones(golden, name):
    facts = json.loads((golden / "bottom_up" / f"{name}.json").read_text())
    wanted = np.load(golden / "bottom_up" / f"{name}.npz")
    outputs, heatmaps, masks, cells = loss_inputs(**facts["inputs"])
    joints, push = facts["inputs"]["joints"], facts["ae_loss_type"]
    variables = [tf.Variable(x) for x in outputs]
    cell_loss, tag_loss = CellMSE(reduction="none"), TagLoss(push, reduction="none")
    with tf.GradientTape() as tape:
        quarter, half = variables
        predicted = (quarter[..., :joints], half)
        parts = [
            tf.reduce_mean(cell_loss(truth, found, mask), (1, 2))
            for truth, found, mask in zip(heatmaps, predicted, masks, strict=True)
        ]
        pushes, pulls = push_and_pull(quarter[..., joints:], cells, push)
        tagged = tag_loss(cells, quarter[..., joints:])
        total = tf.reduce_mean(parts[0] + parts[1] + tagged)
    close(parts[0], wanted["heatmaps_0"])
    close(parts[1], wanted["heatmaps_1"])
    close(1e-3 * pushes, wanted["push_0"])
    close(1e-3 * pulls, wanted["pull_0"])
    assert float(total) == pytest.approx(facts["total"], rel=1e-6)
    gradients = [np.moveaxis(g.numpy(), -1, 1) for g in tape.gradient(total, variables)]
    close(gradients[0][:, :joints:4, ::3, ::3], wanted["grad_heat_0"])
    close(gradients[1][:, ::4, ::6, ::6], wanted["grad_heat_1"])
    of_tags = gradients[0][:, joints:]
    close(of_tags[tuple(wanted["tag_grad_at_nchw"].T)], wanted["tag_grad"])
    assert np.linalg.norm(of_tags) == pytest.approx(facts["tag_grad_l2"], rel=1e-5)


def test_nobody_costs_nothing_and_the_loss_is_kept_in_files():
    loss = TagLoss("max", push_weight=0.5)
    tags = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    assert float(loss(np.full((2, 5, 3), -1), tags)) == 0
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert (again.push, again.push_weight) == ("max", 0.5)
    with pytest.raises(ValueError, match="push must be one of.*'min'"):
        TagLoss("min")
