"""Optimizers with a short warm-up and a cosine, for training from random weights."""

from typing import Any

from hrnet_tf.optimizers.adam import AdamW
from hrnet_tf.optimizers.muon import FIRST_AND_LAST, Muon
from hrnet_tf.optimizers.schedules import cosine_decay


def adamw(
    steps_per_epoch: int,
    epochs: int,
    learning_rate: float,
    weight_decay: float = 0.01,
    warmup_steps: int = 200,
) -> AdamW:
    """AdamW with a short warm-up and a cosine, for training from random weights.

    Args:
        steps_per_epoch, epochs: int.
        learning_rate: float, the highest.
        weight_decay: float.
        warmup_steps: int.
    """
    schedule = cosine_decay(
        learning_rate, epochs, steps_per_epoch, warmup_steps=warmup_steps
    )
    return AdamW(schedule, weight_decay=weight_decay, epsilon=1e-8)


def muon(
    steps_per_epoch: int,
    epochs: int,
    learning_rate: float,
    warmup_steps: int = 200,
    **options: Any,
) -> Muon:
    """Muon with a short warm-up and a cosine, for training from random weights.

    Args:
        steps_per_epoch, epochs: int.
        learning_rate: float, the highest.
        warmup_steps: int.
        **options: other arguments of `Muon`, such as `global_clipnorm`.
    """
    schedule = cosine_decay(
        learning_rate, epochs, steps_per_epoch, warmup_steps=warmup_steps
    )
    return Muon(schedule, exclude_layers=FIRST_AND_LAST, **options)
