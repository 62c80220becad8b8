"""Learning-rate schedules of the protocols, in epochs."""

import keras


def step_decay(learning_rate, milestones, steps_per_epoch, factor=0.1):
    """Multiplies the rate by `factor` from each 0-based epoch of `milestones` on.

    Args:
        learning_rate: float. Rate before the first milestone.
        milestones: ints, increasing.
        steps_per_epoch: int.
        factor: float.
    Returns:
        A Keras schedule of the optimizer's step.
    """
    # Keras keeps the old value at the boundary step itself.
    boundaries = [milestone * steps_per_epoch - 1 for milestone in milestones]
    values = [learning_rate * factor**i for i in range(len(boundaries) + 1)]
    return keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, values)


def cosine_decay(learning_rate, epochs, steps_per_epoch, warmup_steps=0):
    """Warms up linearly, then falls to zero along a cosine at the last step.

    Args:
        learning_rate: float. The highest rate.
        epochs: int. Length of the run.
        steps_per_epoch: int.
        warmup_steps: int; at most a tenth of the run is used.
    Returns:
        A Keras schedule of the optimizer's step.
    """
    total = epochs * steps_per_epoch
    warmup = min(warmup_steps, total // 10)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(learning_rate, total)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / warmup,
        total - warmup,
        warmup_target=learning_rate,
        warmup_steps=warmup,
    )


def polynomial_decay(learning_rate, epochs, steps_per_epoch, power=0.9):
    """Falls as `(1 - step / total) ** power` to zero at the end.

    Args:
        learning_rate: float. The rate of the first step.
        epochs: int. Length of the run.
        steps_per_epoch: int.
        power: float; 0.9 in the segmentation protocols.
    Returns:
        A Keras schedule of the optimizer's step.
    """
    return keras.optimizers.schedules.PolynomialDecay(
        learning_rate, epochs * steps_per_epoch, end_learning_rate=0.0, power=power
    )
