"""Training by `model.fit`, resumable after a kill."""

import contextlib
import dataclasses
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from hrnet_tf.data.findings import stop_on_errors
from hrnet_tf.io import disk_full_code
from hrnet_tf.launch.peer_lost import (
    PeerLost,
    first_line,
    is_peer_lost,
    peer_lost_text,
)
from hrnet_tf.launch.preemption import Preempted, Preemption
from hrnet_tf.launch.strategies import is_chief, make_devices
from hrnet_tf.lowlevel import accelerate
from hrnet_tf.models.loading import inference_function
from hrnet_tf.training import callbacks
from hrnet_tf.training.folder import claim, may_overwrite
from hrnet_tf.training.guard import StopOnNonFinite
from hrnet_tf.training.identity import Identity
from hrnet_tf.training.progress import Progress
from hrnet_tf.training.save_state import SaveState
from hrnet_tf.training.state import (
    TrainingState,
    disk_full_text,
    newest_state,
    read_state,
    restore_variables,
)
from hrnet_tf.training.tensorboard import TensorBoard
from hrnet_tf.typing import PathLike
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from rich.console import Console

    from hrnet_tf.training.recipe import Recipe


# The callbacks of workers that are not the chief, which write no files.
_EVERYWHERE = ("guard", "measurement", "progress")


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """What a run leaves.

    Attributes:
        output_dir: Path with best.keras, last.keras, history.csv, curves.png, and
            TensorBoard's events.
        history: list of dicts, one an epoch.
        best: float. The best score.
        main_name: str. What the history calls the number that the score is made of,
            such as "NME"; "score" where this process has tested nothing.
        was_finished: bool. Whether an earlier process had done all epochs.
    """

    output_dir: Path
    history: list
    best: float
    main_name: str = "score"
    was_finished: bool = False


def train(
    recipe: "Recipe",
    output_dir: PathLike,
    seed: int = 0,
    overwrite: bool = False,
    console: "Console | None" = None,
    strategy: str | None = None,
    save_every: float = 10.0,
    deterministic: bool = False,
    recompute: str | None = None,
    jit: bool = False,
    confirm: Callable[..., Any] | None = None,
    profile: tuple[int, int] | None = None,
) -> TrainingResult:
    """Trains a recipe, or goes on with a run of the same recipe.

    A run that was killed and is started again goes on after its last saved state, with
    the weights, optimizer state, order and random draws, and in the logs the means,
    that an undisturbed run would have had. SIGTERM makes it save its state and stop.

    Args:
        recipe: `Recipe`.
        output_dir: str or Path. Folder of the run; made if absent.
        seed: int. Seeds the weights, the order and the augmentation.
        overwrite: bool. True removes another run's outputs from the folder.
        console: rich console, or None for a new one.
        strategy: str or None, a name for `strategies.make_devices`.
        save_every: float. Minutes between saved states; one is saved at the end of
            each epoch too.
        deterministic: bool. True makes two runs on the same machine equal bit for bit,
            which some operations on GPUs pay for with time, and a few refuse. It holds
            for the rest of the process.
        recompute: "none", "light" or "full": less memory and more time, see
            `accelerate`; None means "light" where that is possible.
        jit: bool. True has XLA compile the steps of TensorFlow too, which takes minutes
            on CPUs. On JAX they always are compiled.
        confirm: function from a question (str) to bool, asked before another run is
            removed without `overwrite`; None refuses.
        profile: (first, last) of the steps that are profiled for TensorBoard, counted
            from 1 at the start of this process; or None.
    Returns:
        `TrainingResult`.
    Raises:
        ValueError: if the folder holds another run or states of another model, all of
            its states are damaged, or the data are bad.
        OSError: if the disk is full.
        PeerLost: if another worker is gone, so that all must start again.
        Preempted: on SIGTERM, when the state is saved.
    """
    if console is None:
        from rich.console import Console

        console = Console()
    if save_every <= 0:
        raise ValueError(
            f"save_every must be positive minutes. Received: save_every={save_every}."
        )
    devices = make_devices(strategy, say=console.print)
    devices.check_batch(recipe.batch_size)
    output_dir = Path(output_dir)
    with (
        Preemption(_stop_early) as preemption,
        explained(recipe, output_dir, devices.strategy),
        contextlib.ExitStack() as stack,
    ):
        stack.enter_context(plain_graphs())
        keras.utils.set_random_seed(seed)
        if deterministic:
            tf.config.experimental.enable_op_determinism()
        with devices.scope():
            model = recipe.model()
            if hasattr(model, "sampling_seed"):
                # Of models that draw what they learn from.
                model.sampling_seed = seed
            accelerate(model, recompute)
        # Before the data are loaded, which may take long, and again with them.
        identity = Identity.of(recipe, model, seed)
        overwrite = overwrite or may_overwrite(output_dir, identity, confirm)
        with console.status("loading the training data"):
            identity = identity.with_data(recipe)
        overwrite = overwrite or may_overwrite(
            output_dir, identity, confirm, console.print
        )
        state = None if overwrite else read_state(output_dir)
        batches, steps = _load(recipe, seed, state, console)
        if recipe.check is not None:
            stop_on_errors(recipe.check())
        # Only now that the recipe and its data have proved good is anything written,
        # or another run removed.
        if is_chief():
            stack.callback(claim(output_dir, identity, overwrite).release)
        with devices.scope():
            compile_model(model, recipe, steps, jit)
            if state is None:
                state = TrainingState(steps_per_epoch=steps)
            else:
                restore_variables(state, model)
        was_finished = state.epoch >= recipe.epochs and not state.step
        hooks = _hooks(model, recipe, steps, state, output_dir, seed, console, profile)
        saver = SaveState(
            output_dir,
            state,
            recipe.batch_size,
            hooks["best"],
            [hooks[name] for name in hooks if is_chief() or name in _EVERYWHERE],
            preemption,
            save_every,
            is_chief(),
        )
        _fit(model, recipe, devices.share(batches), hooks, saver)
    name = hooks["evaluation"].main_name
    best = hooks["best"].best
    return TrainingResult(output_dir, state.history, best, name, was_finished)


@contextlib.contextmanager
def plain_graphs() -> Iterator[None]:
    """Leaves TensorFlow's rewriting of graphs out, on CPUs.

    There it makes no training step faster, and the first one seconds later. On GPUs it
    chooses layouts, and stays.
    """
    options = tf.config.optimizer.get_experimental_options()
    before = options.get("disable_meta_optimizer", False)
    on_cpu = not tf.config.list_physical_devices("GPU")
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": before or on_cpu}
    )
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": before})


def _stop_early():
    raise Preempted("Stopped by SIGTERM before the training began.")


def _load(recipe, seed, state, console):
    """The batches that are left, and how many an epoch has."""
    epoch, step = (state.epoch, state.step) if state else (0, 0)
    if state is not None:
        within = f" and {step} steps" if step else ""
        text = f"going on after epoch {epoch} of {recipe.epochs}{within}"
        if epoch >= recipe.epochs and not step:
            done = count_text(epoch, "epoch is", "epochs are")
            text = f"the run is finished: {done} done"
        console.print(text, soft_wrap=True)
    with console.status("loading the training data"):
        if not step:
            batches, steps = recipe.train_data(seed, epoch)
        elif "first_step" in inspect.signature(recipe.train_data).parameters:
            batches, steps = recipe.train_data(seed, epoch, first_step=step)
        else:
            batches, steps = recipe.train_data(seed, epoch)
            batches = batches.skip(step)
    if state is not None and state.steps_per_epoch != steps:
        raise ValueError(
            f"The data set has changed: {state.folder} was saved in a run of"
            f" {state.steps_per_epoch} steps an epoch, and the data give {steps} now."
            " Put the data back, choose another folder, or begin anew with"
            " `overwrite=True`."
        )
    return batches, steps


def compile_model(
    model: keras.Model, recipe: "Recipe", steps: int, jit: bool = False
) -> None:
    """Compiles a recipe's model and builds its optimizer.

    Args:
        model: what `recipe.model` returned.
        recipe: `Recipe`.
        steps: int, of an epoch.
        jit: bool. Whether XLA compiles TensorFlow's steps.
    """
    on_tensorflow = keras.backend.backend() == "tensorflow"
    model.track_gradient_norm = True
    loss = recipe.loss()
    # Some models have losses of their own.
    losses = {} if loss is None else {"loss": loss, "loss_weights": recipe.loss_weights}
    model.compile(
        _scaled(recipe.optimizer(steps), model),
        **losses,
        jit_compile=jit if on_tensorflow else "auto",
    )
    model.optimizer.build(model.trainable_variables)


def _hooks(model, recipe, steps, state, output_dir, seed, console, profile):
    """The callbacks but the last, by what they do."""
    infer = inference_function(model)
    best = callbacks.SaveBest(output_dir, state.best)
    evaluation = callbacks.EpochEvaluation(recipe, infer)
    first = {"first_step": state.step}
    hooks = {
        "guard": StopOnNonFinite(recipe, steps, output_dir, seed, **first),
        "evaluation": evaluation,
        "measurement": callbacks.Measurement(recipe.batch_size, **first),
        "history": callbacks.History(output_dir, state.history),
        "best": best,
        "progress": Progress(recipe, steps, console, evaluation, best, **first),
    }
    if is_chief():
        # It writes from its beginning on.
        hooks["tensorboard"] = TensorBoard(
            output_dir, recipe, infer, steps, profile, **first
        )
    return hooks


def _fit(model, recipe, batches, hooks, saver):
    """Runs the epochs that are left."""
    try:
        model.fit(
            batches,
            epochs=recipe.epochs,
            initial_epoch=saver.first_epoch,
            steps_per_epoch=saver.steps_per_epoch,
            shuffle=False,
            verbose=0,
            callbacks=[*saver.hooks, saver],
        )
    except tf.errors.OpError as error:
        if not saver.preemption.requested:
            raise
        # The chief has saved and gone; this worker found nobody to go on with.
        raise Preempted("Stopped by SIGTERM with the other workers.") from error
    finally:
        hooks["progress"].stop()


@contextlib.contextmanager
def explained(
    recipe: "Recipe", output_dir: PathLike, strategy: Any = None
) -> Iterator[None]:
    """Turns errors of TensorFlow and of a full disk into what to do about them."""
    try:
        yield
    except Exception as error:
        if disk_full_code(error) is not None:
            raise OSError(disk_full_text(output_dir, error)) from error
        if not isinstance(error, tf.errors.OpError):
            raise
        if isinstance(error, tf.errors.ResourceExhaustedError):
            raise ValueError(
                f"Memory ran out with a batch of {recipe.batch_size}. Pass a smaller"
                " `batch_size`, or use mixed precision."
            ) from error
        if is_peer_lost(error, strategy):
            raise PeerLost(peer_lost_text(newest_state(output_dir), error)) from error
        if recipe.find_damaged is not None:
            recipe.find_damaged()
        text = f"TensorFlow stopped the training: {first_line(error)}"
        raise ValueError(text) from error


def _scaled(optimizer, model):
    """Adds loss scaling where gradients are computed in float16."""
    # Functional models have no policy of their own, by which Keras would know.
    policy = getattr(model, "arguments", {}).get("dtype")
    if getattr(policy, "compute_dtype", None) == "float16":
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
