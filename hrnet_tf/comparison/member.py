"""One network of a comparison, in a process of its own: its memory is its own, too."""

import dataclasses
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from hrnet_tf.io import read_json, write_json
from hrnet_tf.launch import exit_codes

# Tests of a network at the most: minutes may hold thousands of epochs of a few images,
# whose tests would take many times as long.
_MOST_TESTS = 20
# Steps before speed is measured, in which TensorFlow traces and caches fill; steps
# measured at least, and the share of the budget and the seconds that more may take.
_FIRST_STEPS = 4
_TIMED_STEPS = 6
_TIMED_SHARE, _TIMED_SECONDS = 0.05, 30


def describe(recipe: str, presets: list[str], arguments: dict[str, Any]) -> list:
    """Builds each network as a recipe does, and counts it.

    Args:
        recipe: str, see `load_recipe`.
        presets: list of str.
        arguments: dict of the recipe's function, but for the preset.
    Returns:
        A list of dicts: preset, model (the class's name), parameters (trainable ones)
        and multiply_adds of an image of the recipe's size.
    Raises:
        ValueError: if the recipe or a preset is unknown, or they do not fit.
    """
    import math

    import keras

    from hrnet_tf.comparison.multiply_adds import count_multiply_adds
    from hrnet_tf.training.recipe import load_recipe

    found = []
    for preset in presets:
        loaded = load_recipe(recipe, preset=preset, **arguments)
        model = sized = loaded.model()
        if None in model.input_shape[1:3]:
            size = _crop_size(loaded, recipe, arguments)
            sized = type(model).from_config({**model.get_config(), "image_size": size})
        found.append(
            {
                "preset": preset,
                "model": type(model).__name__,
                "parameters": sum(
                    math.prod(v.shape) for v in model.trainable_variables
                ),
                "multiply_adds": count_multiply_adds(sized),
            }
        )
        del model, sized
        keras.backend.clear_session()
    return found


def _crop_size(loaded, recipe, arguments):
    """(height, width) that a recipe trains on."""
    from hrnet_tf.training.recipe_files import find_recipe, read_recipe_file

    told = (loaded.protocol or {}).get("crop_size")
    if told is not None:
        return tuple(told)
    # A user's own recipe may say it in its variants alone.
    path, variant = find_recipe(recipe)
    file = read_recipe_file(path)
    own = file.variants.get(arguments.get("variant", variant) or file.default, {})
    size = own.get("image_size") or own.get("crop_size")
    if size is None:
        raise ValueError(
            f"The recipe {recipe} does not say on which size of images it trains, so"
            " that nothing can be counted. Give its protocol, or its variants, a"
            " crop_size."
        )
    return tuple(size)


def epochs_within(
    recipe: str, preset: str, arguments: dict[str, Any], minutes: float
) -> dict[str, Any]:
    """Measures how many epochs of training some minutes hold.

    Args:
        recipe, arguments: see `describe`.
        preset: str.
        minutes: float, of training without tests.
    Returns:
        dict: epochs (int, at least 1) and seconds_per_step.
    """
    from hrnet_tf.lowlevel import accelerate
    from hrnet_tf.training.recipe import load_recipe
    from hrnet_tf.training.run import compile_model, plain_graphs

    loaded = load_recipe(recipe, preset=preset, **arguments)
    model = loaded.model()
    with plain_graphs():
        accelerate(model)
        batches, steps = loaded.train_data(0, 0)
        compile_model(model, loaded, steps)
        seconds = _seconds_a_step(
            (lambda batch=batch: model.train_on_batch(*batch) for batch in batches),
            min(60 * minutes * _TIMED_SHARE, _TIMED_SECONDS),
        )
    epochs = max(1, int(60 * minutes / (seconds * steps)))
    return {"epochs": epochs, "seconds_per_step": seconds}


def _seconds_a_step(steps, enough):
    """The median of the seconds of some steps, each a function without arguments.

    A mean would be that of whatever else the machine does for a moment.
    """
    found: list[float] = []
    done, ready = 0, time.perf_counter()
    for done, step in enumerate(steps, start=1):
        step()
        # Reading and preparing the batch belongs to a step.
        began, ready = ready, time.perf_counter()
        if done > _FIRST_STEPS:
            found.append(ready - began)
        if len(found) >= _TIMED_STEPS and sum(found) >= enough:
            break
    if not found:
        raise ValueError(
            f"Speed is measured from step {_FIRST_STEPS + 1} on, and the data give only"
            f" {done}. Compare by --epochs, or use more data or a smaller batch."
        )
    return statistics.median(found)


def train_member(
    recipe: str, preset: str, arguments: dict[str, Any], out: str, seed: int
) -> dict[str, Any]:
    """Trains a network, or goes on with its run.

    It is tested as often as the recipe says, but not more often than every twentieth of
    the epochs.

    Args:
        recipe, preset: see `epochs_within`.
        arguments: dict of the recipe's function, with the epochs.
        out: str. Folder of the run.
        seed: int.
    Returns:
        dict: best (float, the best score), history, a list of dicts, one an epoch, and
        main_name (str), which of their numbers the score is.
    """
    from hrnet_tf.training.recipe import load_recipe
    from hrnet_tf.training.run import train

    loaded = load_recipe(recipe, preset=preset, **arguments)
    between = max(loaded.evaluate_every, -(-loaded.epochs // _MOST_TESTS))
    loaded = dataclasses.replace(loaded, evaluate_every=between)
    result = train(loaded, out, seed=seed)
    return {
        "best": result.best,
        "history": result.history,
        "main_name": result.main_name,
    }


_WORK: dict[str, Callable[..., Any]] = {
    "describe": describe,
    "epochs_within": epochs_within,
    "train_member": train_member,
}


def main() -> None:
    """Does what the json file says that is named on the command line.

    It holds `work` (a function of this module), `arguments` (dict) and `answer`, the
    path of the json file that the result is written to.
    """
    from hrnet_tf.launch.keras_import import import_keras

    order = read_json(sys.argv[1])
    try:
        import_keras()
        answer = _WORK[order["work"]](**order["arguments"])
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(exit_codes.INTERRUPTED)
    write_json(order["answer"], answer)


if __name__ == "__main__":
    main()
