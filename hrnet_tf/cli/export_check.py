"""What `hrnet export` says of the file that it wrote."""

import inspect
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.cli import common
from hrnet_tf.cli.evaluate_own import test_own
from hrnet_tf.cli.export_fastest import speed_hint
from hrnet_tf.cli.export_formats import Format
from hrnet_tf.extras import MissingExtra

if TYPE_CHECKING:
    from hrnet_tf.tasks.base import Task


def print_summary(
    model: Any, target: Path, format: Format, precision: str, arguments: dict[str, Any]
) -> None:
    """Says what was written, what it takes, and how far it is from the model.

    Args:
        model: `HRNetModel` that was exported.
        target: `Path` of the file or folder.
        format: `Format`.
        precision: str.
        arguments: dict of the inference's options.
    """
    from hrnet_tf.export import load_exported
    from hrnet_tf.export.compare import differences
    from hrnet_tf.export.loading import file_bytes
    from hrnet_tf.tasks import make_inference

    facts = {
        "written": f"{target} ({common.size_text(file_bytes(target))})",
        "precision": precision,
    }
    try:
        with common.spinner("comparing it with the model"):
            exported = load_exported(target)
            inference = make_inference(model, **arguments)
            apart = differences(inference, exported)
    except MissingExtra as error:
        # The file is for elsewhere, perhaps.
        common.print_facts({**facts, "not compared": str(error)})
        return
    for name, signature in exported.signatures.items():
        texts = [f"{one.name} {_input_text(one)}" for one in signature.inputs.values()]
        facts[name] = ", ".join(texts)
    if "flip_test" in exported.description:
        facts["flip test"] = "inside" if exported.description["flip_test"] else "no"
    facts["differs by"] = "; ".join(map(str, apart))
    place = target if format.suffix else target.parent
    facts["try it"] = f"hrnet predict --model {shlex.quote(str(place))} IMAGE"
    common.print_facts({**facts, **speed_hint(format, precision)})


def check_data(task: "Task", data: Path) -> None:
    """Raises ValueError for data that a file cannot be tested on, before it is made.

    Args:
        task: `Task` of the model.
        data: `Path` of `check_file`.
    """
    if task.parts.own_data is None:
        raise ValueError(
            f"--check tests on data as of `hrnet evaluate --data`, which {task.title}"
            " has none of. Leave it out, and test the file with hrnet evaluate."
        )
    if not data.exists():
        raise ValueError(f"There is no {data}. Check the path of --check.")


def check_file(
    task: "Task",
    model: Any,
    source: Path,
    target: Path,
    data: Path,
    arguments: dict[str, Any],
) -> None:
    """Tests a model and its file on the same data, and shows both scores.

    Args:
        task: `Task` of the model.
        model: `HRNetModel`.
        source: `Path` that it came from.
        target: `Path` of the file or folder.
        data: `Path` of labelled data, as of `hrnet evaluate --data`.
        arguments: dict of the inference's options.
    """
    from hrnet_tf.export import load_exported

    own: Any = task.parts.own_data
    known = inspect.signature(own.test).parameters
    # The model is tested as the file was made.
    options = {k: v for k, v in arguments.items() if k in known}
    exported = load_exported(target)
    if "flip_test" in exported.description:
        options.setdefault("flip_test", False)
    scores = {}
    for name, tested in (("model", model), ("file", exported)):
        (report,) = test_own(task, tested, source, data, None, None, options).values()
        common.show_report(report, title=name)
        scores[name] = report.numbers[report.main_name]
    common.print_facts(
        {
            f"{report.main_name} of the model": f"{scores['model']:.4f}",
            f"{report.main_name} of the file": f"{scores['file']:.4f}"
            f" ({scores['file'] - scores['model']:+.4f})",
        }
    )


def _input_text(one):
    """An input as people read it, such as "uint8 [B, 256, 192, 3]"."""
    free = iter("BHW" if len(one.shape) == 4 else "BN")
    sides = [next(free) if side is None else str(side) for side in one.shape]
    kind = "uint8 " if one.dtype == "uint8" else ""
    return f"{kind}[{', '.join(sides)}]"
