"""Training by `model.fit`, resumable after a kill."""

import dataclasses
import json
import shutil
from pathlib import Path

import keras
import tensorflow as tf

from hrnet_tf.models.loading import inference_function
from hrnet_tf.results import write_json
from hrnet_tf.training import callbacks

RUN_FILE = "run.json"
# What a run writes into its folder, and `overwrite` removes.
_OUTPUTS = (
    RUN_FILE,
    "state",
    "tensorboard",
    "best.keras",
    "last.keras",
    "history.csv",
    "curves.png",
)


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What a run leaves.

    Attributes:
        output_dir: Path with best.keras, last.keras, history.csv, curves.png, and
            TensorBoard's events.
        history: list of dicts, one an epoch.
        best: float. The best score.
    """

    output_dir: Path
    history: list
    best: float


def train(recipe, output_dir, seed=0, overwrite=False, console=None):
    """Trains a recipe, or goes on with a run of the same recipe.

    A run that was killed and is started again repeats the epoch it was killed in with
    the same weights, optimizer state, order and random draws.

    Args:
        recipe: `Recipe`.
        output_dir: str or Path. Folder of the run; made if absent.
        seed: int. Seeds the weights, the order and the augmentation.
        overwrite: bool. True removes another run's outputs from the folder.
        console: rich console, or None for a new one.
    Returns:
        `TrainingResult`.
    Raises:
        ValueError: if the folder holds another run, or the data are bad.
    """
    if console is None:
        from rich.console import Console

        console = Console()
    output_dir = Path(output_dir)
    settings = json.loads(json.dumps({**recipe.settings, "seed": seed}, default=str))
    if not overwrite:
        _check_same_run(output_dir, settings)
    keras.utils.set_random_seed(seed)
    model = recipe.model()
    state_dir = None if overwrite else callbacks.latest_state(output_dir)
    state = {"epoch": 0, "best": float("-inf"), "history": []}
    if state_dir is not None:
        state = json.loads((state_dir / callbacks.STATE_FILE).read_text("utf-8"))
        console.print(f"going on after epoch {state['epoch']} of {recipe.epochs}")
    with console.status("loading the training data"):
        batches, steps = recipe.train_data(seed, state["epoch"])
    # Only now that the recipe and its data have proved good is anything written, or
    # another run removed.
    _claim(output_dir, settings, overwrite)
    optimizer = _scaled(recipe.optimizer(steps), model)
    model.compile(
        optimizer,
        recipe.loss(),
        loss_weights=recipe.loss_weights,
        jit_compile=_jit_compile(),
    )
    optimizer.build(model.trainable_variables)
    if state_dir is not None:
        model.load_weights(state_dir / callbacks.WEIGHTS_FILE)
    saver = _fit(model, recipe, batches, steps, state, output_dir, console)
    return TrainingResult(output_dir, state["history"], saver.best)


def _fit(model, recipe, batches, steps, state, output_dir, console):
    """Runs the epochs that are left."""
    infer = inference_function(model)
    rows = state["history"]
    saver = callbacks.SaveBest(output_dir, state["best"])
    progress = callbacks.Progress(recipe, steps, console)
    hooks = [
        callbacks.EpochEvaluation(recipe, infer),
        callbacks.History(output_dir, rows),
        saver,
        callbacks.SaveState(output_dir, rows, saver),
        callbacks.TensorBoard(output_dir, recipe, infer),
        progress,
    ]
    try:
        model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=state["epoch"],
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            callbacks=hooks,
        )
    except tf.errors.ResourceExhaustedError as error:
        raise ValueError(
            f"Memory ran out with a batch of {recipe.batch_size}. Pass a smaller"
            " --batch-size, or use mixed precision."
        ) from error
    except tf.errors.OpError as error:
        if recipe.find_damaged is not None:
            recipe.find_damaged()
        raise ValueError(_explain(error)) from error
    finally:
        progress.stop()
    return saver


def _jit_compile():
    # On CPU, XLA takes minutes to compile TensorFlow's training step.
    return False if keras.backend.backend() == "tensorflow" else "auto"


# What TensorFlow puts around the message that matters.
_NOISE = (
    "Graph execution error",
    "Detected at node",
    "<stack traces",
    "File ",
    "[[",
    "Original stack",
)


def _explain(error):
    """The first line of a TensorFlow error."""
    lines = [line.strip() for line in str(error.message).splitlines()]
    lines = [line for line in lines if line and not line.startswith(_NOISE)]
    return f"TensorFlow stopped the training: {lines[0] if lines else error}"


def _scaled(optimizer, model):
    """Adds loss scaling where gradients are computed in float16."""
    # Functional models have no policy of their own, by which Keras would know.
    policy = getattr(model, "arguments", {}).get("dtype")
    if getattr(policy, "compute_dtype", None) == "float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer


def _check_same_run(output_dir, settings):
    """Raises ValueError if the folder holds another run."""
    run_file = output_dir / RUN_FILE
    if not run_file.exists():
        return
    found = json.loads(run_file.read_text("utf-8"))
    different = sorted(
        key for key in {*found, *settings} if found.get(key) != settings.get(key)
    )
    if different:
        raise ValueError(
            f"{output_dir} holds another run: it differs in"
            + ", ".join(
                f" {key} ({found.get(key)!r} there, {settings.get(key)!r} now)"
                for key in different
            )
            + ". Choose another folder, or pass --overwrite to remove that run."
        )


def _claim(output_dir, settings, overwrite):
    """Makes the folder this run's."""
    if overwrite:
        for name in _OUTPUTS:
            target = output_dir / name
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
    output_dir.mkdir(parents=True, exist_ok=True)
    write_json(output_dir / RUN_FILE, settings)
