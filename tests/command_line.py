"""Runs the console command in this process."""

import re

from typer.testing import CliRunner

from hrnet_tf.cli import app


def run(*arguments, exit_code=0, **environment):
    """Runs `hrnet ARGUMENTS`; returns the result with texts free of colours."""
    environment = {"COLUMNS": "100", "HRNET_DEBUG": None, **environment}
    result = CliRunner(env=environment).invoke(app, [str(a) for a in arguments])
    assert result.exit_code == exit_code, (result.output, result.exception)
    result.out, result.err = (
        re.sub(r"\x1b\[[0-9;]*m", "", text) for text in (result.stdout, result.stderr)
    )
    return result


def fail(*arguments):
    """Runs what must end with an error; returns its only line."""
    result = run(*arguments, exit_code=1)
    lines = result.err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), result.err
    return lines[0]
