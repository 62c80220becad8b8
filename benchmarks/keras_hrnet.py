"""Training steps of hrnet_tf's networks: our side of benchmarks/training_step.py."""

import os


def training_steps(
    task,
    architecture,
    num_outputs,
    image_size,
    batch_size,
    bfloat16,
    recompute="none",
    **_,
):
    """Makes our network and its training steps, as `torch_hrnet.training_steps`.

    Returns:
        The number of parameters; a function that takes a number of steps and returns
        the last loss; and one that returns the peak of the tensors' memory in MB, or
        None.
    """
    # Off by default on AMD processors.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from hrnet_tf.launch.keras_import import import_keras

    # As `hrnet train`.
    import_keras()
    import keras
    import numpy as np

    from hrnet_tf.launch.strategies import Devices
    from hrnet_tf.lowlevel import accelerate
    from hrnet_tf.optimizers.adam import Adam

    on_tensorflow = keras.backend.backend() == "tensorflow"
    if on_tensorflow:
        import tensorflow as tf

        # As `hrnet_tf.training.run.plain_graphs`.
        if not tf.config.list_physical_devices("GPU"):
            tf.config.optimizer.set_experimental_options(
                {"disable_meta_optimizer": True}
            )
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    options = {
        "image_size": image_size,
        "dtype": "mixed_bfloat16" if bfloat16 else "float32",
        **architecture,
    }
    with Devices().scope():
        model, loss, targets = _TASKS[task](options, num_outputs, batch_size, rng)
        accelerate(model, recompute)
        # On CPUs XLA compiles TensorFlow's step for minutes; JAX has nothing else.
        model.compile(Adam(1e-3), loss, jit_compile=not on_tensorflow)
        model.optimizer.build(model.trainable_variables)
    images = rng.integers(0, 256, (batch_size, *image_size, 3), np.uint8)
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    run = _one_by_one if on_tensorflow else _by_fit
    tensors_mb = _tensorflow_tensors_mb if on_tensorflow else _jax_tensors_mb
    return parameters, run(model, (images, *targets)), tensors_mb


def _pose(options, num_keypoints, batch_size, rng):
    from hrnet_tf.losses.heatmap import HeatmapMSE
    from hrnet_tf.models.pose import HRNetPose

    model = HRNetPose(num_keypoints=num_keypoints, **options)
    height, width = options["image_size"]
    shape = (batch_size, height // 4, width // 4, num_keypoints)
    heatmaps = rng.random(shape, "float32")
    return model, HeatmapMSE(), (heatmaps, (0 * heatmaps + 1)[:, 0, 0])


def _segmentation(options, num_classes, batch_size, rng):
    from hrnet_tf.losses.segmentation import SegmentationCrossEntropy
    from hrnet_tf.models.segmenter import HRNetSegmenter

    model = HRNetSegmenter(num_classes=num_classes, **options)
    shape = (batch_size, *options["image_size"])
    labels = rng.integers(0, num_classes, shape, "uint8")
    return model, SegmentationCrossEntropy(), (labels,)


_TASKS = {"pose": _pose, "segmentation": _segmentation}


def _one_by_one(model, batch):
    """The steps that `fit` runs, without what it does around an epoch."""
    import tensorflow as tf

    model.make_train_function()
    iterator = iter(tf.data.Dataset.from_tensors(batch).repeat())

    def run(steps):
        for _ in range(steps):
            loss = float(model.train_function(iterator)["loss"])
        return loss

    return run


def _by_fit(model, batch):
    """`fit` over so many batches of the host's memory."""

    def run(steps):
        batches = (batch for _ in range(steps))
        history = model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
        return history.history["loss"][-1]

    return run


def _tensorflow_tensors_mb():
    import tensorflow as tf

    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    try:
        return tf.config.experimental.get_memory_info(device)["peak"] / 1e6
    except ValueError:
        # Only the allocator of oneDNN keeps count on CPUs.
        return None


def _jax_tensors_mb():
    import jax

    found = jax.local_devices()[0].memory_stats()
    return found["peak_bytes_in_use"] / 1e6 if found else None
