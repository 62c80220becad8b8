"""Faster R-CNN of hrnet_tf: our side of benchmarks/detection.py."""

import os


def detector_steps(
    mode,
    preset,
    num_classes,
    image_size,
    batch_size,
    boxes,
    class_spread,
    recompute="none",
    part="all",
    **_,
):
    """Makes our detector and its steps, as `torch_detector.detector_steps`.

    Args:
        part: str, one of `detection.PARTS`: how far an evaluation goes.
    """
    # Off by default on AMD processors.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from hrnet_tf.launch.keras_import import import_keras

    import_keras()
    import keras
    import numpy as np

    import hrnet_tf

    keras.utils.set_random_seed(0)
    model = hrnet_tf.HRNetFasterRCNN.from_preset(
        preset,
        load_weights=False,
        num_classes=num_classes,
        convention="official",
        image_size=tuple(image_size),
        frozen_statistics=True,
    )
    rng = np.random.default_rng(0)
    kernel = model.box_heads[0].classes.kernel
    kernel.assign(rng.normal(0, class_spread, kernel.shape))
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    images = rng.integers(0, 256, (batch_size, *image_size, 3), np.uint8)
    if mode == "evaluation":
        return parameters, _evaluation(model, images, part), lambda: None
    labels = {
        "boxes": np.array([[b[:4] for b in rows] for rows in boxes], np.float32),
        "classes": np.array([[int(b[4]) for b in rows] for rows in boxes], np.int32),
        "crowd": np.zeros((batch_size, len(boxes[0])), bool),
        "image_sizes": np.tile(np.float32(image_size), (batch_size, 1)),
    }
    return parameters, _training(model, images, labels, recompute), lambda: None


def _evaluation(model, images, part):
    """The fixed graph that videos are run by, or a first part of it."""
    import numpy as np
    import tensorflow as tf

    from hrnet_tf.models.fixed_graphs import fixed_function

    sizes = np.tile(np.float32(images.shape[1:3]), (len(images), 1))

    def backbone(padded):
        return model.backbone(padded, training=False)

    def dense(padded):
        return model(padded, training=False)

    def proposals(padded):
        outputs = dense(padded)
        return model.proposals(outputs, sizes)

    def regions(padded):
        outputs = dense(padded)
        rois, _ = model.proposals(outputs, sizes)
        return model.box_outputs(outputs, rois)

    def everything(padded):
        return model.detect(padded, sizes)

    function = {
        "backbone": backbone,
        "dense": dense,
        "proposals": proposals,
        "regions": regions,
        "all": everything,
    }[part]
    graph = fixed_function(
        lambda x: function(model.pad_images(x, sizes)),
        model,
        [tf.TensorSpec(images.shape, tf.uint8)],
        constant_weights=False,
    )
    images = tf.constant(images)

    def run(steps):
        for _ in range(steps):
            found = graph(images)
            tf.nest.map_structure(lambda x: x.numpy(), found)
        return float(tf.reduce_sum(found["num_detections"])) if part == "all" else 0.0

    return run


def _training(model, images, labels, recompute):
    """The steps that `fit` runs, without what it does around an epoch."""
    import tensorflow as tf

    from hrnet_tf.lowlevel import accelerate
    from hrnet_tf.optimizers.sgd import TorchSGD

    # As `hrnet_tf.training.run.plain_graphs`.
    if not tf.config.list_physical_devices("GPU"):
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    accelerate(model, recompute)
    optimizer = TorchSGD(1e-3, momentum=0.9, global_clipnorm=35.0)
    model.compile(optimizer, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    model.make_train_function()
    iterator = iter(tf.data.Dataset.from_tensors((images, labels)).repeat())

    def run(steps):
        for _ in range(steps):
            loss = float(model.train_function(iterator)["loss"])
        return loss

    return run
