"""Detectors are trained by `fit`: parts of the loss, draws, precision, bad labels."""

import dataclasses
from pathlib import Path

import detection_cases as cases
import detection_shapes as shapes
import keras
import numpy as np
import pytest
import tensorflow as tf
from case_processes import SCRIPT, finish, train

import hrnet_tf
from hrnet_tf.lowlevel import accelerate

PARTS = {
    "faster": ["rpn_class_loss", "rpn_box_loss", "class_loss", "box_loss"],
    "mask": ["rpn_class_loss", "rpn_box_loss", "class_loss", "box_loss", "mask_loss"],
    "cascade": [
        "rpn_class_loss",
        "rpn_box_loss",
        *(f"stage{i}_{kind}_loss" for i in range(3) for kind in ("class", "box")),
    ],
    "fcos": ["class_loss", "box_loss", "centerness_loss"],
}
# Few regions, as most of the time goes into their heads.
FEW = {"anchor_samples": 64, "roi_samples": 32}


def make(kind, **kwargs):
    """A small detector of four classes."""
    keras.utils.set_random_seed(0)
    body = {"num_classes": 4, "num_channels": 32, **kwargs}
    if kind == "fcos":
        return hrnet_tf.HRNetFCOS.from_preset("hrnet_test", load_weights=False, **body)
    model = {
        "cascade": hrnet_tf.HRNetCascadeRCNN,
        "faster": hrnet_tf.HRNetFasterRCNN,
        "mask": hrnet_tf.HRNetFasterRCNN,
    }[kind].from_preset(
        "hrnet_test", load_weights=False, with_masks=kind == "mask", **body
    )
    model.training_rule = dataclasses.replace(model.training_rule, **FEW)
    return model


def batch(seed=0, counts=(3, 5)):
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, 255, (len(counts), *cases.IMAGE_SIZE, 3))
    return images.astype(np.float32), cases.make_labels(rng, counts, mask_size=112)


def losses(model, steps=2):
    """The losses of some steps on one batch."""
    model.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    return [
        model.train_on_batch(*batch(), return_dict=True)["loss"] for _ in range(steps)
    ]


@pytest.fixture(scope="module")
def fcos():
    model = make("fcos")
    model.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    return model


def slow(*kinds):
    return [pytest.param(kind, marks=pytest.mark.slow) for kind in kinds]


@pytest.mark.parametrize("kind", ["faster", *slow("fcos", "mask", "cascade")])
def test_fit_logs_the_parts_of_the_loss(kind, request):
    model = request.getfixturevalue(kind) if kind == "fcos" else make(kind)
    before = [v.numpy() for v in model.trainable_variables]
    model.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    log = model.fit(*batch(), batch_size=2, verbose=0).history
    assert set(log) == {"loss", *PARTS[kind]}
    total = sum(log[name][0] for name in PARTS[kind])
    np.testing.assert_allclose(log["loss"][0], total, rtol=1e-5)
    assert 0 < total < 100
    # All heads learn, but those of levels without objects.
    same = [
        v.path
        for v, old in zip(model.trainable_variables, before, strict=True)
        if np.array_equal(v.numpy(), old)
    ]
    assert not [path for path in same if "head" in path and "scale" not in path]


@pytest.mark.slow
def test_evaluate_has_the_parts_too(fcos):
    tested = fcos.evaluate(*batch(), batch_size=2, verbose=0, return_dict=True)
    assert set(tested) == {"loss", *PARTS["fcos"]}


def test_the_log_is_not_saved(fcos, tmp_path):
    fcos.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert len(again.weights) == len(fcos.weights)
    for one, other in zip(again.weights, fcos.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_draws_depend_on_step_and_image_alone(fcos):
    truths = fcos.read_truths(batch()[1])
    one = np.asarray(fcos._draw_of(truths, True)(0, 20))
    np.testing.assert_array_equal(one, fcos._draw_of(truths, True)(0, 20))
    assert not np.isclose(one, fcos._draw_of(truths, True)(1, 20)).all(1).any()
    # A test's do not depend on how far training is.
    before = np.asarray(fcos._draw_of(truths, False)(0, 20))
    fcos.optimizer.iterations.assign_add(1)
    np.testing.assert_array_equal(before, fcos._draw_of(truths, False)(0, 20))
    assert not np.isclose(one, fcos._draw_of(truths, True)(0, 20)).all(1).any()


class TestErrors:
    def test_a_loss(self, fcos):
        with pytest.raises(ValueError, match="losses of their own.*without `loss`"):
            fcos.compile("sgd", loss="mse")

    def test_weights(self, fcos):
        images, labels = batch()
        with pytest.raises(ValueError, match="take no sample weights.*`crowd` marks"):
            fcos.compute_loss(images, labels, fcos(images), np.ones(2))

    def test_labels(self, fcos):
        images, labels = batch()
        del labels["image_sizes"]
        with pytest.raises(ValueError, match="labels lack image_sizes"):
            fcos.compute_loss(images, labels, fcos(images))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["faster", "fcos"])
def test_accelerated_alike(kind):
    model = make(kind)
    accelerate(model)
    np.testing.assert_allclose(losses(model), losses(make(kind)), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mask", "fcos"])
def test_half_precision(kind):
    model = make(kind, dtype="mixed_bfloat16")
    accelerate(model)
    np.testing.assert_allclose(losses(model), losses(make(kind)), rtol=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["faster", "cascade", "fcos"])
def test_two_devices_are_one(tmp_path, kind):
    script = Path(SCRIPT).with_name("distributed_detectors.py")
    files = [tmp_path / f"{devices}.npz" for devices in "12"]
    finish(*(train(file, file.stem, [kind], script) for file in files))
    one, two = (np.load(file) for file in files)
    assert set(one.files) == set(two.files)
    for name in one.files:
        np.testing.assert_allclose(two[name], one[name], rtol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("kind, steps", [("faster", 200), ("fcos", 200)])
def test_learns_to_find_shapes(kind, steps):
    images, labels = shapes.draw_shapes(8)
    model = make(kind, num_classes=2)
    if kind == "faster":
        rule = dataclasses.replace(model.training_rule, anchor_samples=256)
        model.training_rule = dataclasses.replace(rule, roi_samples=64)
    model.compile(keras.optimizers.Adam(2e-3, global_clipnorm=10), jit_compile=False)
    data = tf.data.Dataset.from_tensor_slices((images, labels)).repeat()
    model.fit(data.shuffle(8, seed=0).batch(4), steps_per_epoch=steps, verbose=0)
    found = {name: np.asarray(x) for name, x in model.detect(images).items()}
    assert shapes.average_precision(found, labels) > 0.8


XLA_CASES = pytest.mark.parametrize(
    ("kind", "convention"),
    [
        ("mask", "mmdet"),
        ("faster", "official"),
        ("cascade", "mmdet"),
        ("fcos", "mmdet"),
    ],
)


def make_decided(kind, **kwargs):
    """A detector whose scores differ by more than rounding."""
    model = make(kind, kernel_initializer="he_normal", **kwargs)
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if variable.path.endswith(("scores/kernel", "classes/kernel")):
            spread = 0.3 if kind == "fcos" else 0.003
            variable.assign(rng.normal(0, spread, variable.shape))
    return model


@pytest.mark.slow
@XLA_CASES
def test_xla_finds_the_same(kind, convention):
    model = make_decided(kind, convention=convention)
    images, labels = batch()
    sizes = tf.constant(labels["image_sizes"])

    def find(images):
        return model.detect(images, sizes, 0.0, 20)

    expected = tf.function(find)(images)
    found = tf.function(find, jit_compile=True)(images)
    assert expected["num_detections"].numpy().tolist() == [20, 20]
    assert np.ptp(expected["scores"]) > 1e-2
    for name, wanted in expected.items():
        wanted = wanted.numpy()
        limit = 1e-4 * np.abs(wanted).max()
        np.testing.assert_allclose(found[name], wanted, rtol=0, atol=limit)


def first_step(kind, convention, jit_compile):
    """The log of a step, and its gradients by path."""
    model = make_decided(kind, convention=convention)
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    model.compile(optimizer, jit_compile=jit_compile)
    # What is drawn depends on the step.
    optimizer.iterations.assign(5)
    log = model.train_on_batch(*batch(), return_dict=True)
    # The first momentum is the gradient times the rate.
    pairs = zip(model.trainable_variables, optimizer.momentums, strict=True)
    return log, {v.path: m.numpy() / -0.01 for v, m in pairs}


@pytest.mark.slow
@XLA_CASES
def test_xla_learns_the_same(kind, convention):
    norm = np.linalg.norm
    (log, gradients), (found, compiled) = (
        first_step(kind, convention, jit_compile) for jit_compile in (False, True)
    )
    assert set(found) == {"loss", *PARTS[kind]}
    for name, value in log.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)
    away = {path: norm(compiled[path] - x) for path, x in gradients.items()}
    whole = norm([norm(x) for x in gradients.values()])
    assert whole > 0.1
    assert norm(list(away.values())) < 1e-4 * whole
    for path, wanted in gradients.items():
        # Rounding opens and closes single ReLUs.
        assert away[path] < 1e-3 * norm(wanted) + 1e-5 * whole, path
