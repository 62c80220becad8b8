"""Trains small networks on one device and on several; writes both results.

Run as `python distributed_cases.py OUT.npz DEVICES [CASE ...]`: DEVICES is 1 (the
reference), 2 (logical CPU devices), "workers" (a process of a cluster, described by
TF_CONFIG or Slurm) or "jax" (all devices that JAX has, from the initial weights in
OUT.npz).
"""

import contextlib
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from hrnet_tf.distribution.model import ReplicatedModel
from hrnet_tf.launch.strategies import is_chief, make_devices
from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.parallel import HighResolutionModule
from hrnet_tf.layers.residual import BasicBlock
from hrnet_tf.losses.segmentation import OHEMCrossEntropy, SegmentationCrossEntropy
from hrnet_tf.lowlevel import accelerate
from hrnet_tf.optimizers.adam import AdamW
from hrnet_tf.optimizers.muon import Muon
from hrnet_tf.optimizers.sgd import TorchSGD

STEPS, BATCH = 20, 8


def data(kind):
    """Images `[N, 8, 8, 3]` with labels and weights of one kind of case."""
    rng = np.random.default_rng(0)
    count = STEPS * BATCH
    images = rng.normal(1, 2, (count, 8, 8, 3)).astype("float32")
    if kind == "pixels":
        labels = rng.integers(0, 4, (count, 8, 8)).astype("uint8")
        # Replicas see very different numbers of labelled pixels.
        labels[::3, 2:] = 255
        labels[5] = 255
    else:
        labels = rng.integers(0, 4, count).astype("int32")
    weights = rng.uniform(0, 3, count).astype("float32")
    weights[8:12] = 0
    if kind == "overflow":
        # Only the first replica of the sixth step sees it.
        weights = np.ones(count, "float32")
        weights[5 * BATCH + 1] = 1e8
    return images, labels, weights


def network(pixels, dtype=None, frozen=False):
    inputs = keras.Input((8, 8, 3), name="images")
    options = {"dtype": dtype, "frozen_statistics": frozen}
    x = ConvNorm(6, 3, name="first", **options)(inputs)
    x = ConvNorm(5, 3, strides=2, name="second", **options)(x)
    if not pixels:
        x = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
        x = keras.layers.Dense(4, dtype="float32", name="head")(x)
    else:
        x = keras.layers.Conv2D(4, 1, dtype="float32", name="head")(x)
    return ReplicatedModel(inputs, x)


def stock_network():
    """A model of Keras' own class."""
    inputs = keras.Input((8, 8, 3), name="images")
    x = BasicBlock(6)(ConvNorm(6)(inputs))
    streams = HighResolutionModule((6, 5), num_blocks=1)([x, ConvNorm(5, strides=2)(x)])
    x = [keras.layers.GlobalAveragePooling2D()(x) for x in streams]
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.concatenate(x)))


def sgd(**kwargs):
    return keras.optimizers.SGD(0.02, momentum=0.9, **kwargs)


def cosine():
    return keras.optimizers.schedules.CosineDecay(1e-2, STEPS)


def classes(**kwargs):
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True, **kwargs)


# Of the network, optimizer, loss, kind of data, arguments of compile and of fit.
CASES = {
    "plain": {},
    "validated": {"validated": True},
    "adamw_schedule": {
        "optimizer": lambda: keras.optimizers.AdamW(cosine(), weight_decay=0.05)
    },
    "fused_adamw": {
        "optimizer": lambda: AdamW(
            cosine(), weight_decay=0.05, rate_multipliers={"^head/": 10.0}
        )
    },
    "fused_accumulation": {
        "optimizer": lambda: AdamW(
            cosine(), weight_decay=0.05, gradient_accumulation_steps=3
        )
    },
    "torch_sgd": {
        "optimizer": lambda: TorchSGD(
            0.02, 0.9, l2=1e-2, rate_multipliers={"^head/": 10.0}
        )
    },
    "muon": {"optimizer": lambda: Muon(cosine(), exclude_layers=["^head/"])},
    "global_clipnorm": {"optimizer": lambda: sgd(global_clipnorm=0.05)},
    "clipnorm": {"optimizer": lambda: sgd(clipnorm=0.02)},
    "accumulation": {
        "optimizer": lambda: sgd(gradient_accumulation_steps=3, global_clipnorm=0.1)
    },
    "loss_scaling": {
        "optimizer": lambda: keras.optimizers.LossScaleOptimizer(
            sgd(), initial_scale=2.0**110, dynamic_growth_steps=4
        ),
        "data": "overflow",
        "weighted": True,
    },
    "ema": {"optimizer": lambda: sgd(use_ema=True, ema_momentum=0.9)},
    "ema_overwrite": {
        "optimizer": lambda: sgd(
            use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=7
        )
    },
    "clip_accumulation_ema": {
        "optimizer": lambda: sgd(
            global_clipnorm=0.1,
            gradient_accumulation_steps=3,
            use_ema=True,
            ema_momentum=0.9,
            ema_overwrite_frequency=7,
        ),
        "weighted": True,
    },
    "steps_per_execution": {"compile": {"steps_per_execution": 5}},
    "weights": {"weighted": True},
    "weighted_mean": {
        "weighted": True,
        "loss": lambda: classes(reduction="mean_with_sample_weight"),
    },
    "class_weights": {"fit": {"class_weight": {0: 0.2, 1: 1.0, 2: 3.0, 3: 0.7}}},
    "ignored_pixels": {
        "loss": lambda: SegmentationCrossEntropy(class_weights=(1.0, 0.2, 3.0, 1.0)),
        "data": "pixels",
    },
    # The threshold alone decides which pixels are hard.
    "hard_pixels": {
        "loss": lambda: OHEMCrossEntropy(0.9, 1, class_weights=(1.0, 0.2, 3.0, 1.0)),
        "data": "pixels",
    },
    # Batch statistics are exchanged, which XLA cannot compile for CPUs.
    "jit_compile": {"compile": {"jit_compile": True}},
    "frozen": {"network": {"frozen": True}},
    "frozen_jit_compile": {
        "network": {"frozen": True},
        "compile": {"jit_compile": True},
    },
    "frozen_jit_compile_all": {
        "network": {"frozen": True},
        "compile": {"jit_compile": True},
        "optimizer": lambda: keras.optimizers.LossScaleOptimizer(
            sgd(gradient_accumulation_steps=2, global_clipnorm=0.1),
            initial_scale=2.0**110,
        ),
        "data": "overflow",
        "weighted": True,
    },
    # Rounded to three digits.
    "mixed_float16": {
        "network": {"dtype": "mixed_float16"},
        "optimizer": lambda: keras.optimizers.LossScaleOptimizer(
            sgd(), initial_scale=2.0**6
        ),
        "data": "overflow",
        "weighted": True,
    },
    # Large steps would magnify the rounding of the eleven normalisations.
    "stock": {
        "stock": True,
        "optimizer": lambda: keras.optimizers.SGD(4e-3, momentum=0.9),
    },
}


def run(case, strategy, initial=None):
    """Trains a case; returns its losses, weights before and after, and evaluation."""
    case = CASES[case]
    stock, kind = case.get("stock"), case.get("data", "classes")
    images, labels, weights = data(kind)
    keras.utils.set_random_seed(3)
    with strategy.scope() if strategy else contextlib.nullcontext():
        if stock:
            model = stock_network()
        else:
            model = network(kind == "pixels", **case.get("network", {}))
            model.track_gradient_norm = bool(case.get("weighted"))
        accelerate(model)
        if initial is not None:
            model.set_weights(initial)
        model.compile(
            case.get("optimizer", sgd)(),
            case.get("loss", classes)(),
            **case.get("compile", {}),
        )
    found = {f"initial{i}": w for i, w in enumerate(model.get_weights())}
    parts = (images, labels, weights) if case.get("weighted") else (images, labels)
    batches = tf.data.Dataset.from_tensor_slices(parts).batch(BATCH)
    # 19 examples: the last batch is uneven, and of the last three one replica has one.
    # Keras alone would take a wrong mean of these, and on JAX it stops.
    count = 16 if stock else 19
    parts = tuple(part[:count] for part in parts)
    rest = tf.data.Dataset.from_tensor_slices(parts).batch(BATCH)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    batches, rest = batches.with_options(options), rest.with_options(options)
    history = model.fit(
        batches.repeat(),
        steps_per_epoch=5,
        epochs=STEPS // 5,
        verbose=0,
        validation_data=rest if case.get("validated") else None,
        **case.get("fit", {}),
    )
    found |= {f"weight{i}": w for i, w in enumerate(model.get_weights())}
    for name, values in history.history.items():
        found[name] = np.array(values)
    found["test"] = np.array(model.evaluate(rest, verbose=0, return_dict=True)["loss"])
    optimizer = model.optimizer
    # Steps that loss scaling left out are not counted.
    found["iterations"] = keras.ops.convert_to_numpy(optimizer.iterations)
    if hasattr(optimizer, "dynamic_scale"):
        found["scale"] = keras.ops.convert_to_numpy(optimizer.dynamic_scale)
    replicated = not stock and strategy and strategy.num_replicas_in_sync > 1
    if replicated and model.steps_per_execution == 1:
        functions = (model.train_function, model.test_function)
        found["compiled"] = [count_compiled(f, strategy, batches) for f in functions]
    return found


def count_compiled(function, strategy, batches):
    """How many functions in a train or test function are XLA's."""
    iterator = iter(strategy.experimental_distribute_dataset(batches))
    graph = function.get_concrete_function(iterator).graph.as_graph_def()
    return sum(f.attr["_XlaMustCompile"].b for f in graph.library.function)


def make_strategy(devices):
    if devices == "workers":
        return make_devices("multiworker").strategy
    if devices == "jax":
        return make_devices("tpu").strategy
    if devices == "1":
        return tf.distribute.get_strategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def main(out, devices, *cases):
    strategy = make_strategy(devices)
    found = {}
    before = np.load(out) if devices == "jax" else {}
    for case in cases or CASES:
        initial = [before[n] for n in before if n.startswith(f"{case}/initial")]
        for key, value in run(case, strategy, initial or None).items():
            found[f"{case}/{key}"] = value
    if is_chief():
        np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
