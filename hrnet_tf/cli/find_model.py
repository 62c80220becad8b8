"""Which model a command takes, found before TensorFlow is loaded."""

import difflib
from pathlib import Path

from hrnet_tf.cli import common


def model_or_starter(model: Path | None, command: str) -> Path:
    """Returns the model that a command takes: one that comes with the package, too.

    Args:
        model: `Path` that the user gave, which may be the name of a starter model; or
            None, for the first of them. It is told which one is taken.
        command: str, such as "predict".
    Raises:
        ValueError: if there is no such model.
    """
    from hrnet_tf.starters import starters
    from hrnet_tf.tasks import TASKS

    if model is not None:
        named = None if model.exists() else starters().get(str(model))
        if named is None:
            check_model(model, tuple(starters()))
            return model
        return named.path()
    order = [task.name for task in TASKS]
    known = sorted(starters().values(), key=lambda one: order.index(one.task))
    found = next(iter(known), None)
    if found is None:
        raise ValueError(
            f"Nothing says which model to {command}, and no starter model is installed."
            " Name one: a .keras file of `hrnet train`, or what `hrnet export` wrote."
        )
    text = f"no model named: {found.name}, which comes with hrnet_tf ({found.summary})"
    common.console(stderr=True).print(text, soft_wrap=True, markup=False)
    return found.path()


def check_model(model: Path, starters: tuple[str, ...] = ()) -> None:
    """Says which model is absent, before TensorFlow is loaded, which takes seconds.

    Args:
        model: `Path` of a file or folder.
        starters: names (str) of starter models that the command takes.
    Raises:
        ValueError: if it does not exist; the text names the nearest one beside it.
    """
    if model.exists():
        return
    folder = model.parent
    beside = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    near = difflib.get_close_matches(model.name, beside, 1)
    hint = f" Did you mean {folder / near[0]}?" if near else ""
    expected = "a .keras file of `hrnet train`, or what `hrnet export` wrote"
    if starters:
        expected += f", or a starter model ({', '.join(starters)})"
    raise ValueError(f"There is no model file {model}.{hint} Expected {expected}.")
