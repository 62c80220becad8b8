"""Public functions and methods have types, of their parameters and of what they return.

Read from the sources, so that nothing is imported. That the types are right is mypy's
to say, in `make lint`.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted([*ROOT.glob("hrnet_tf/**/*.py"), *ROOT.glob("recipes/*.py")])
# Of the methods whose names begin with an underscore, those that users call.
CALLED = ("__init__", "__call__")


def untyped(source):
    """Returns the names of public functions that lack types, with what lacks one.

    Args:
        source: str, of a module.
    """
    return list(_untyped(ast.parse(source).body, ""))


def _untyped(body, owner):
    for node in body:
        if isinstance(node, (ast.If, ast.Try)):
            yield from _untyped(node.body, owner)
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if node.name.startswith("_") and not (owner and node.name in CALLED):
            continue
        if isinstance(node, ast.ClassDef):
            yield from _untyped(node.body, f"{owner}{node.name}.")
        elif missing := _missing(node, is_method=bool(owner)):
            yield f"{owner}{node.name}: {', '.join(missing)}"


def _missing(function, is_method):
    arguments = function.args
    given = [*arguments.posonlyargs, *arguments.args]
    is_static = any(
        isinstance(decorator, ast.Name) and decorator.id == "staticmethod"
        for decorator in function.decorator_list
    )
    if is_method and not is_static:
        # `self` and `cls`.
        given = given[1:]
    given += [*arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    missing = [a.arg for a in given if a is not None and a.annotation is None]
    return missing + (["what it returns"] if function.returns is None else [])


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_public_functions_have_types(file):
    assert untyped(file.read_text(encoding="utf-8")) == []


def test_what_lacks_types_is_named():
    source = """
def good(a: int, *b: int, c: str = "", **d: str) -> None: ...
def bad(a, *b, c="", **d): ...
def _private(a): ...
class Good:
    def __init__(self, a: int) -> None: ...
    def _private(self, a): ...
    def __eq__(self, other): ...
    @staticmethod
    def make(a: int) -> "Good": ...
class Bad:
    def __init__(self, a): ...
    def method(self, a: int): ...
    @staticmethod
    def make(a) -> None: ...
class _Private:
    def method(self, a): ...
"""
    assert untyped(source) == [
        "bad: a, c, b, d, what it returns",
        "Bad.__init__: a, what it returns",
        "Bad.method: what it returns",
        "Bad.make: a",
    ]


def test_type_checkers_see_the_names_that_load_on_first_use():
    tree = ast.parse((ROOT / "hrnet_tf" / "__init__.py").read_text(encoding="utf-8"))
    exports, seen = None, {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "_EXPORTS":
            exports = ast.literal_eval(node.value)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for found in node.body:
                seen[found.names[0].asname] = found.module
    assert seen == exports
