"""Commands whose --help is shown as the flag that it is.

Typer writes the type of an option beside it, of --help too: a bool, for which there is
nothing to be given.
"""

from typing import Any

from typer.core import TyperCommand, TyperGroup


class HelpFlag:
    """What a command and a group have in common."""

    def get_help_option(self, ctx: Any) -> Any:
        """Returns the option --help, or None without one."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            option.metavar = ""
        return option


class Command(HelpFlag, TyperCommand):
    """A command."""


class Group(HelpFlag, TyperGroup):
    """A group of commands."""
