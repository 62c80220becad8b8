"""Commands that take the options of all tasks, and pass on those of one."""

import enum
import functools
import inspect
import itertools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrnet_tf import tasks
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.tasks.base import Option, Task


def task_options(command: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a function as a command to which tasks add options.

    Args:
        command: str, one of `tasks.base.COMMANDS`.
    Returns:
        A decorator of functions with a parameter `given`: a dict of the arguments that
        the user gave, by name.
    """

    def mark(function):
        function.task_command = command
        return function

    return mark


def with_task_options(function: Any) -> Callable[..., Any]:
    """Returns a marked function as typer reads it, with the options that there are."""
    merged = merged_options(function.task_command)
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = inspect.signature(function).parameters
    parameters = [p.replace(kind=keyword) for n, p in own.items() if n != "given"]
    for name, options in merged.items():
        required = options[0].required
        parameters.append(
            inspect.Parameter(
                name,
                keyword,
                default=inspect.Parameter.empty if required else None,
                annotation=_annotation(function.task_command, options),
            )
        )

    @functools.wraps(function)
    def run(**arguments):
        given = {name: arguments.pop(name, None) for name in merged}
        given = {
            name: value.value if isinstance(value, enum.Enum) else value
            for name, value in given.items()
            if value not in (None, [])
        }
        return function(**arguments, given=given)

    # Which typer reads in place of the function's own.
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def merged_options(command: str) -> "dict[str, list[Option]]":
    """Returns the options of a command: dict of name to the tasks' `Option`s."""
    merged: dict[str, list[Option]] = {}
    for task in tasks.TASKS:
        for option in task.options.get(command, ()):
            merged.setdefault(option.name, []).append(option)
    return merged


def arguments_for(
    task: "Task", command: str, given: dict[str, Any], source: PathLike
) -> dict[str, Any]:
    """Returns the arguments that a task's options were given.

    Args:
        task: `Task`.
        command: str.
        given: dict, of `task_options`.
        source: path of the model, for messages.
    Raises:
        ValueError: for an option of another task, or another task's choice.
    """
    own = {option.name: option for option in task.options.get(command, ())}
    arguments = {}
    for name, value in given.items():
        if name not in own:
            option = merged_options(command)[name][0]
            raise ValueError(
                f"{option.flag} does not belong to {task.title}, which is the task of"
                f" {source}. Leave it out, or pass another model."
            )
        option = own[name]
        if isinstance(option.type, tuple) and value not in option.type:
            raise ValueError(
                f"{option.flag} {value} does not belong to {task.title}, which is the"
                f" task of {source}; expected one of {', '.join(option.type)}."
            )
        arguments[name] = value if option.read is None else option.read(value)
    return arguments


def arguments_of(
    function: Callable[..., Any] | None, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Returns those of the arguments (dict) that a function takes."""
    if function is None:
        return {}
    known = inspect.signature(function).parameters
    return {name: value for name, value in arguments.items() if name in known}


def _annotation(command, options):
    """What typer reads of an option that several tasks may have."""
    first = options[0]
    kind = first.type
    if isinstance(kind, tuple):
        choices = dict.fromkeys(itertools.chain(*(option.type for option in options)))
        kind = enum.Enum(first.name, {name: name for name in choices}, type=str)
    metavar = first.metavar
    if metavar is None and kind is bool:
        metavar = ""
    default = _once("; ", (o.default for o in options if o.default))
    names = [first.flags or first.flag]
    option = typer.Option(
        *names,
        metavar=metavar and _escaped(metavar) if metavar else metavar,
        show_default=default or False,
        help=_escaped(_once(" ", (option.help for option in options))),
        min=first.min,
        max=first.max,
        rich_help_panel=_panel(command, first.name),
    )
    return Annotated[kind if first.required else kind | None, option]


def _once(between, texts):
    """Texts one after another, without what several of them say."""
    end = r"; " if between == "; " else r"(?<=\.) (?=[A-Z])"
    parts = (part for text in texts for part in re.split(end, text))
    return between.join(dict.fromkeys(parts))


def _escaped(text):
    """A text that rich takes for no markup."""
    return text.replace("[", "\\[")


def _panel(command, name):
    """The heading of an option in the help: the tasks that have it, if not all do."""
    having = [t for t in tasks.TASKS if command in t.options]
    titles = [t.title for t in having if name in [o.name for o in t.options[command]]]
    if len(titles) == len(having):
        return None
    *most, last = titles
    text = f"{', '.join(most)} and {last}" if most else last
    return text[0].upper() + text[1:]
