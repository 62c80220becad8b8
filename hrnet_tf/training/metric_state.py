"""The means in Keras' logs, kept from one process to the next."""

from typing import Any

import keras
import numpy as np


def read_metrics(
    model: keras.Model, logs: dict[str, float], num_images: int
) -> dict[str, Any]:
    """Reads what the model's metrics have added up since the epoch's begin.

    Args:
        model: compiled `keras.Model`.
        logs: dict of name to float, the logs of the last step.
        num_images: int, seen since the epoch's begin on all devices.
    Returns:
        A dict of "metric/index" to list: the values of the metric's variables on each
        replica of this process. Where there are other processes, whose replicas cannot
        be read without them, one replica that would give the same logs; then metrics
        other than means are left out, and means are taken as those of all images.
    """
    if _is_one_of_several(model):
        means = [m for m in model.metrics if isinstance(m, keras.metrics.Mean)]
        totals = {m.name: float(logs[m.name]) * num_images for m in means}
        return {
            key: [value]
            for name, total in totals.items()
            for key, value in ((f"{name}/0", total), (f"{name}/1", float(num_images)))
        }
    return {
        key: [np.asarray(keras.ops.convert_to_numpy(p)).tolist() for p in parts]
        for key, parts in _variables(model)
    }


def restore_metrics(
    model: keras.Model, saved: dict[str, Any], is_chief: bool = True
) -> dict[str, Any]:
    """Gives the metrics the values that `read_metrics` read; none are added yet.

    Args:
        model: compiled `keras.Model`.
        saved: dict that `read_metrics` returned.
        is_chief: bool. False in other workers than the first, whose replicas begin at
            zero, so that the sum of all is the saved one.
    Returns:
        What of `saved` found no metric, as some are made by the first step: a dict of
        the same kind, for `add_metrics`.
    """
    missing = dict(saved)
    for key, parts in _variables(model):
        if key in missing:
            values = _divided(model, missing.pop(key), len(parts), is_chief)
            for part, value in zip(parts, values, strict=True):
                part.assign(value)
    return missing


def add_metrics(
    model: keras.Model, saved: dict[str, Any], is_chief: bool = True
) -> None:
    """Adds saved values to those of metrics that have seen a step since.

    Args:
        model: compiled `keras.Model`.
        saved: dict, what `restore_metrics` returned.
        is_chief: bool, as there.
    """
    for key, parts in _variables(model):
        if key in saved:
            values = _divided(model, saved[key], len(parts), is_chief)
            for part, value in zip(parts, values, strict=True):
                part.assign_add(value)


def _variables(model):
    """Pairs of a key and the variables of the replicas of this process."""
    found = []
    for metric in model.metrics:
        for i, variable in enumerate(metric.variables):
            parts = (variable,)
            if keras.backend.backend() == "tensorflow":
                parts = getattr(variable.value, "values", parts)
            found.append((f"{metric.name}/{i}", parts))
    return found


def _divided(model, values, num_parts, is_chief):
    """Saved values of replicas as values of the replicas that there are now."""
    values = [np.asarray(value) for value in values]
    if len(values) == num_parts and not _is_one_of_several(model):
        return values
    total = sum(values)
    rest = np.zeros_like(total)
    return [total if is_chief else rest, *[rest] * (num_parts - 1)]


def _is_one_of_several(model):
    """Whether other processes train the same model."""
    strategy = getattr(model, "distribute_strategy", None)
    if strategy is None or strategy.num_replicas_in_sync == 1:
        return False
    return strategy.num_replicas_in_sync > len(strategy.extended.worker_devices)
