"""The commands of README.md, CONTRIBUTING.md and docs/: found, run, or checked.

A comment before each block says what is done with it; CONTRIBUTING.md explains them.
"""

import ast
import dataclasses
import importlib
import os
import re
import shlex
from pathlib import Path

import typer
from command_line import run

from hrnet_tf.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]
_FENCE = re.compile(r"^\s*```(.*)$")
_COMMENT = re.compile(r"^\s*<!-- (test|slow|checked|needs|file)(?:: (.+?))? -->$")
# What a page's commands train is small, whatever the page says; the last option wins.
_SMALL = ["--preset", "hrnet_test", "--epochs", "1", "--batch-size", "2", "--overwrite"]
_SMALLER = [
    (re.compile(r'"(?:hrnet_w\d\w*|resnet\d+)"'), '"hrnet_test"'),
    (re.compile(r"\b1200, 120\b"), "6, 4"),
]


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: str, path below the project's folder.
        line: int, 1-based, of its first line.
        language: str.
        mark: str, the word of its comment; "" without one.
        what: str or None. What stands behind the word.
        text: str.
    """

    page: str
    line: int
    language: str
    mark: str
    what: str | None
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def read_blocks(path):
    """Returns the list of the `Block`s of a page."""
    blocks, mark, start = [], ("", None), None
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        fence, comment = _FENCE.match(line), _COMMENT.match(line)
        if fence and start is None:
            start, language = number + 1, fence[1].strip()
        elif fence:
            text = "\n".join(lines[start - 1 : number - 1]) + "\n"
            page = str(path.relative_to(ROOT))
            blocks.append(Block(page, start, language, *mark, text))
            start = None
        elif comment:
            mark = comment[1], comment[2]
            continue
        elif not line.strip() or start is not None:
            continue
        mark = ("", None) if start is None else mark
    assert start is None, f"{path}: the block of line {start} has no end."
    return blocks


def commands(block):
    """Returns the commands of a shell block, each a list of words."""
    lines = block.text.replace("\\\n", " ").splitlines()
    found = [shlex.split(line, comments=True) for line in lines]
    return [words for words in found if words]


def run_block(block, names):
    """Runs a block in the current folder.

    Args:
        block: `Block` of Python or commands `hrnet`.
        names: dict, the names that the page's Python has defined so far.
    """
    if block.language == "python":
        text = block.text
        for pattern, smaller in _SMALLER:
            text = pattern.sub(smaller, text)
        # Errors tell the line of the page.
        exec(compile("\n" * (block.line - 1) + text, block.page, "exec"), names)
        return
    for words in commands(block):
        assert words[0] == "hrnet", f"{block}: `{words[0]}` is not run by tests."
        small = _SMALL if words[1] == "train" else []
        if "--find-lr" in words:
            small = small[:-1]
        if "--warmup-epochs" in words:
            small = [*small, "--warmup-epochs", "0.5"]
        words = ["hrnet_test" if w.startswith("hrnet_w") else w for w in words]
        run(*words[1:], *small)


def check_block(block):
    """Checks a block that is not run: its options, and the names that it imports."""
    if block.language == "python":
        _check_imports(block)
        return
    for words in commands(block):
        if "hrnet" in words:
            check_command(words[words.index("hrnet") + 1 :], str(block))


def check_command(words, where):
    """Asserts that `hrnet` has a command, and that the command has the options.

    Args:
        words: list of str, what follows `hrnet`.
        where: str, for messages.
    """
    group = typer.main.get_command(app)
    command = group.commands.get(words[0])
    assert command is not None, f"{where}: there is no command `hrnet {words[0]}`."
    if hasattr(command, "commands"):
        words = words[1:]
        assert words and words[0] in command.commands, f"{where}: no such command."
        command = command.commands[words[0]]
    context = command.make_context(words[0], [], resilient_parsing=True)
    # Raises for an option that there is not, or that has no value.
    command.make_parser(context).parse_args(list(words[1:]))


def check_outside(block):
    """Asserts that a block's targets of make and extras of pip exist."""
    for words in commands(block):
        if words[:1] == ["make"]:
            check_target(words[1:], str(block))
        else:
            assert words[:2] == ["pip", "install"], f"{block}: {words} is not checked."
            wanted = re.fullmatch(r"(?:\.|hrnet_tf)(?:\[(.+)\])?", words[2])
            assert wanted, f"{block}: {words[2]} is not this project."
            names = set((wanted[1] or "").split(",")) - {""}
            assert names <= extras(), f"{block}: no extra {names - extras()}."


def check_target(words, where):
    """Asserts that the Makefile has targets, and their benchmarks the options."""
    makefile = (ROOT / "Makefile").read_text()
    benchmark = ""
    for word in words:
        rule = re.search(rf"^{re.escape(word)}:.*((?:\n\t.*)*)", makefile, re.M)
        for script in re.findall(r"benchmarks/\w+\.py", rule[1] if rule else ""):
            benchmark += (ROOT / script).read_text()
        name, _, value = word.partition("=")
        known = re.search(rf"^{re.escape(name)}\s*[:?]", makefile, re.M)
        assert known or f"$({name})" in makefile, (
            f"{where}: the Makefile has no {name}."
        )
        for option in re.findall(r"--[\w-]+", value):
            assert f'"{option}"' in benchmark, f"{where}: no option {option}."


def extras():
    """Returns the names (set of str) of the extras of setup.py."""
    for node in ast.parse((ROOT / "setup.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "EXTRAS":
            return {key.value for key in node.value.keys}
    raise AssertionError("setup.py assigns no EXTRAS.")


def options():
    """Returns the options (set of str) of all commands `hrnet`."""
    group = typer.main.get_command(app)
    commands = [group, *group.commands.values()]
    for command in tuple(commands[1:]):
        commands += getattr(command, "commands", {}).values()
    parameters = [p for command in commands for p in command.params]
    return {flag for p in parameters for flag in (*p.opts, *p.secondary_opts)}


def _check_imports(block):
    """Asserts that what a block takes from hrnet_tf exists."""
    tree = ast.parse("\n" * (block.line - 1) + block.text, block.page)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("hrnet_tf"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "hrnet_tf":
                package = importlib.import_module("hrnet_tf")
                assert hasattr(package, node.attr), f"{block}: hrnet_tf.{node.attr}"


def files_of(blocks):
    """Writes those of the blocks that are files into the current folder."""
    for block in blocks:
        if block.mark == "file":
            path = Path(block.what)
            os.makedirs(path.parent, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
