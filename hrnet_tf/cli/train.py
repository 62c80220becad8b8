"""`hrnet train`."""

import enum
import sys
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, flag
from hrnet_tf.cli.task_options import task_options
from hrnet_tf.cli.train_own import (
    DataOption,
    FormatOption,
    ImagesOption,
    RecipeOutOption,
    check_words,
    own_recipe,
)
from hrnet_tf.cli.train_rates import (
    FindRateOption,
    ProfileOption,
    ScaleRateOption,
    WarmupOption,
    print_found_rate,
    profiled_steps,
)
from hrnet_tf.cli.train_settings import SetOption, set_arguments
from hrnet_tf.cli.train_weights import (
    BodyRateOption,
    WeightsNamesOption,
    WeightsOption,
    starting_weights,
)
from hrnet_tf.launch import exit_codes
from hrnet_tf.launch.keras_import import import_keras
from hrnet_tf.launch.preemption import Preempted
from hrnet_tf.tasks import TASKS
from hrnet_tf.training.recipe_files import find_recipe, load_recipe


class Recompute(str, enum.Enum):
    none = "none"
    light = "light"
    full = "full"


class Strategy(str, enum.Enum):
    one = "one"
    mirrored = "mirrored"
    multiworker = "multiworker"
    tpu = "tpu"


_DEVICES = "Devices and processes"
_GOING_ON = "a larger --epochs goes on from it, --overwrite begins anew"
RecipeArgument = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE|TASK",
        show_default=False,
        help="Name of a recipe and its variant, such as coco_pose/w32_256x192, see"
        " `hrnet recipes`; or a Python file with a function recipe(...); or, with"
        f" --data, a task: {', '.join(task.name for task in TASKS)}.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Folder of the run; made if absent. If it holds this very run, the"
        " run goes on after its last saved state; another run's is refused, or asked"
        " about on a terminal.",
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of the data set.", show_default="the recipe's"
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Architecture, see `hrnet presets`.",
        show_default="the recipe's",
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="People or images in a step.",
        min=1,
        show_default="the recipe's",
    ),
]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Passes over the data; the schedule of the learning rate is made for"
        " this length.",
        min=1,
        show_default="the recipe's",
    ),
]
DtypeOption = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY",
        help="Keras dtype policy: float32, mixed_bfloat16 or mixed_float16.",
        show_default="the recipe's",
    ),
]
SeedOption = Annotated[
    int,
    typer.Option(metavar="N", help="Seed of weights, order and augmentation.", min=0),
]
OverwriteOption = Annotated[
    bool, flag("--overwrite", "Remove the run that the folder holds first.")
]
SaveEveryOption = Annotated[
    float,
    typer.Option(
        metavar="MINUTES",
        help="Time between saved states; one is saved at the end of each epoch too.",
        min=1e-3,
    ),
]
DeterministicOption = Annotated[
    bool,
    flag(
        "--deterministic",
        "Make runs with the same seed on the same machine equal bit for bit. Slower on"
        " GPUs.",
    ),
]
RecomputeOption = Annotated[
    Recompute | None,
    typer.Option(
        help="Take less memory and more time: compute activations again in the backward"
        " pass instead of keeping them. light: those of the stem and the first stage."
        " full: those of the parallel streams too.",
        show_default="light, with TensorFlow",
    ),
]
StrategyOption = Annotated[
    Strategy,
    typer.Option(
        help="one: a single device. mirrored: all GPUs of this machine. multiworker:"
        " the processes that TF_CONFIG lists. tpu: a TPU.",
        rich_help_panel=_DEVICES,
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Processes to start on this machine, which train together"
        " (--strategy multiworker) and share its GPUs.",
        min=1,
        rich_help_panel=_DEVICES,
    ),
]
MaxRestartsOption = Annotated[
    int,
    typer.Option(
        metavar="K",
        help="How often all processes are started again after one was killed or"
        " failed unforeseen. They go on from the saved state.",
        min=0,
        rich_help_panel=_DEVICES,
    ),
]
JitOption = Annotated[
    bool,
    flag(
        "--jit",
        "Have XLA compile TensorFlow's steps, which takes minutes. For GPUs; with JAX"
        " they are compiled anyway.",
    ),
]
CacheOption = Annotated[
    bool,
    flag(
        "--cache",
        "Read the training's image files once and keep them in memory, as they are on"
        " the disk. For slow disks and networks; records are not kept.",
    ),
]
DataServiceOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="grpc://HOST:PORT",
        show_default=False,
        help="A machine of `hrnet data-service` that decodes and augments images; may"
        " be repeated. The batches stay the same.",
        rich_help_panel=_DEVICES,
    ),
]


@common.command(
    interrupted="Stopped. Run the same command again to go on after the last saved"
    " state."
)
@task_options("train")
def train(
    recipe: RecipeArgument,
    out: OutOption,
    given: dict,
    data: DataOption = None,
    images: ImagesOption = None,
    format: FormatOption = None,
    recipe_out: RecipeOutOption = None,
    data_dir: DataDirOption = None,
    preset: PresetOption = None,
    batch_size: BatchSizeOption = None,
    epochs: EpochsOption = None,
    weights: WeightsOption = None,
    weights_names: WeightsNamesOption = None,
    body_rate: BodyRateOption = None,
    dtype: DtypeOption = None,
    settings: SetOption = None,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    save_every: SaveEveryOption = 10.0,
    deterministic: DeterministicOption = False,
    recompute: RecomputeOption = None,
    jit: JitOption = False,
    profile: ProfileOption = None,
    scale_lr: ScaleRateOption = False,
    warmup_epochs: WarmupOption = 0.0,
    find_lr: FindRateOption = False,
    strategy: StrategyOption = Strategy.one,
    workers: WorkersOption = 1,
    max_restarts: MaxRestartsOption = 0,
    cache: CacheOption = False,
    data_service: DataServiceOption = None,
    debug: Debug = False,
) -> None:
    """Train a model as a recipe says, or go on with a stopped run.

    A run may be stopped at any time: the same command goes on with it, and gives the
    same model as an undisturbed run. Written are best.keras and last.keras (for
    `hrnet evaluate`, `predict` and `export`), history.csv, curves.png and events for
    TensorBoard (tensorboard --logdir OUT).

    After SIGTERM the state is saved and the exit code is 75: run it again. Else it is
    1 after an error that its message explains, 2 after a wrong option, 69 where another
    worker was lost, 70 after an unforeseen error, and 130 after Ctrl-C. After 1 and 2
    --max-restarts does not try again.

    Example:
      hrnet train pose --data data/mice --out runs/mice
      hrnet train lspet_pose --data-dir data/lspet --out runs/lspet
    """
    steps = profiled_steps(profile)
    if find_lr and (workers > 1 or strategy is not Strategy.one):
        raise ValueError(
            "--find-lr uses a single device. Leave out --workers and --strategy."
        )
    if cache and data_service:
        raise ValueError(
            "--cache keeps files in this process, and with --data-service others read"
            " them. Leave out one of the two."
        )
    # A misspelt name shows before processes are started and TensorFlow is loaded.
    own = {"--images": images, "--format": format, "--recipe-out": recipe_out}
    check_words(recipe, data, own, data_dir)
    if data is None:
        find_recipe(recipe)
    if workers > 1 or max_restarts:
        raise typer.Exit(_supervise(out, workers, max_restarts))
    with common.spinner("loading TensorFlow"):
        import_keras()
        from hrnet_tf.data.files import kept_in_memory
        from hrnet_tf.data.service import reading_from
        from hrnet_tf.optimizers.schedules import adjust_rate
        from hrnet_tf.training.body_rate import with_body_rate
        from hrnet_tf.training.run import train as run

    arguments = {
        "data_dir": data_dir and str(data_dir),
        "preset": preset,
        "batch_size": batch_size,
        "epochs": epochs,
        "weights": starting_weights(weights, weights_names),
        "dtype": dtype,
        **set_arguments(settings or ()),
    }
    console = common.console()
    if data is None:
        arguments = {**arguments, **given, **set_arguments(settings or ())}
        loaded = load_recipe(recipe, say=console.print, **arguments)
    else:
        del arguments["data_dir"]
        where = {"data": data, "images": images, "format": format}
        loaded = own_recipe(
            recipe, where, out, arguments, given, console, recipe_out, overwrite
        )
    loaded = with_body_rate(loaded, body_rate)
    try:
        with reading_from(*(data_service or ())), kept_in_memory(cache):
            if find_lr:
                print_found_rate(loaded, out, seed, console)
                return
            loaded = adjust_rate(loaded, scale_lr, warmup_epochs, console.print)
            result = run(
                loaded,
                out,
                seed=seed,
                overwrite=overwrite,
                console=console,
                strategy=strategy.value,
                save_every=save_every,
                deterministic=deterministic,
                recompute=recompute and recompute.value,
                jit=jit,
                confirm=typer.confirm if _has_terminal() else None,
                profile=steps,
            )
    except Preempted as stop:
        common.console(stderr=True).print(str(stop), style="yellow", soft_wrap=True)
        raise typer.Exit(exit_codes.PREEMPTED) from None
    scored = [row for row in result.history if "score" in row]
    if not scored:
        # Only the chief of several workers has tested and written anything.
        return
    best = max(scored, key=lambda row: row["score"])
    # The number that people know: of errors the score is 1 less them.
    name, folder = result.main_name, result.output_dir
    digits = 4 if abs(best[name]) < 2 else 2
    common.print_facts(
        {
            f"best {name}": f"{best[name]:.{digits}f} (epoch {best['epoch']})",
            "best model": folder / "best.keras",
            "history": folder / "history.csv",
            "curves": folder / "curves.png",
            **({"to go on": _GOING_ON} if result.was_finished else {}),
        }
    )


def _has_terminal():
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _supervise(out, workers, max_restarts):
    """Runs this command's processes; returns the exit code."""
    from hrnet_tf.launch.supervisor import Supervisor

    # Of an option that is given twice the last one counts.
    alone = ["--workers", "1", "--max-restarts", "0"]
    if workers > 1:
        alone += ["--strategy", Strategy.multiworker.value]
    start = "from hrnet_tf.cli import app; app()"
    shown = common.console(stderr=True)
    return Supervisor(
        [sys.executable, "-c", start, *sys.argv[1:], *alone],
        out,
        workers,
        max_restarts,
        say=lambda text: shown.print(text, style="yellow", soft_wrap=True),
        # The second time it would remove what the first has reached.
        first_only=("--overwrite",),
    ).run()
