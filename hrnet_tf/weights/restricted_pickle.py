"""A pickle reader that builds plain data only and runs nothing the file names.

Python's own unpickler calls whatever a file asks for. This one interprets the
instructions itself: a global is a name to look up in a table of constructors, never an
import. Of what is outside the table, classes of other packages, which hyperparameters
are made of, become placeholders; all else is refused.
"""

import pickletools
import sys
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmap import mmap


# Instructions whose argument is the value itself.
_VALUES = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT STRING BINSTRING"
    " SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINUNICODE8 BINBYTES"
    " SHORT_BINBYTES BINBYTES8".split()
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": set}
_SCALARS = (str, bytes, int, float, type(None))
# What of Python itself hyperparameters are made of.
_HARMLESS = (
    *("argparse.Namespace", "functools.partial", "types.SimpleNamespace"),
    *("builtins.object", "builtins.bool", "builtins.tuple", "builtins.long"),
    "typing.Any",
)
_HARMLESS_MODULES = ("pathlib", "datetime", "decimal", "fractions", "uuid")
# Elsewhere in torch there are functions that make tensors, which must not be lost.
_HARMLESS_OF_TORCH = ("torch.nn.", "torch.optim.", "torch.utils.")


class Reference:
    """A global that the file names and the table allows: only its name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Placeholder:
    """A global of another package, or an object of one, of which nothing is built."""

    def __init__(self, name: str) -> None:
        self.name = name


def load(
    stream: "IO[bytes] | mmap",
    constructors: Mapping[str, Callable[..., Any] | None] | None,
    persistent_load: Callable[..., Any] | None = None,
) -> Any:
    """Reads one pickle from the stream, which is left right after it.

    Args:
        stream: binary file object with `read`, `readline` and `tell`.
        constructors: dict of str to callable or None. The globals the file may
            name, as "module.name"; a callable makes the object from the file's
            arguments, None means that the global may be named but not called.
        persistent_load: callable or None. Resolves persistent ids.
    Returns:
        The object, built of str, bytes, numbers, None, list, tuple, dict, set,
        `Reference`, `Placeholder` and what the constructors return. An object with a
        method `restore_state` is given its pickled state; any other state is ignored.
    Raises:
        ValueError: if the pickle is cut short or malformed, or names a global or
            uses an instruction that is not allowed.
    """
    machine = _Machine(constructors, persistent_load)
    instruction = "start"
    try:
        for opcode, argument, _ in _instructions(stream):
            instruction = opcode.name
            machine.step(instruction, argument)
        return machine.pop()
    # What wrong instructions raise in the lines below, and nothing else does.
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"its pickle is malformed at instruction {instruction}"
            f" ({type(error).__name__}: {error})"
        ) from error


def _instructions(stream):
    try:
        yield from pickletools.genops(stream)
    except ValueError as error:
        raise ValueError(f"its pickle is cut short or damaged ({error})") from error


def hashable_key(value: Any) -> Any:
    """Returns the value; ValueError unless it can be a key without recursion."""
    parts = value if isinstance(value, tuple) else (value,)
    if all(isinstance(part, (*_SCALARS, Reference, Placeholder)) for part in parts):
        return value
    raise ValueError(f"its pickle uses a {type(value).__name__} as a key")


class _Machine:
    """The pickle stack machine."""

    def __init__(self, constructors, persistent_load):
        self._constructors = constructors
        self._persistent_load = persistent_load
        self._stack = []
        self._marks = []
        self._memo = {}

    def pop(self):
        return self._stack.pop()

    def step(self, name, argument):
        """Executes one instruction."""
        if name in _VALUES:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self._stack.append(_EMPTY[name]())
        else:
            method = getattr(self, f"_do_{name.lower()}", None)
            if method is None:
                raise ValueError(
                    f"its pickle uses the instruction {name}, which no state dict needs"
                )
            method(argument)

    def _since_mark(self):
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _do_nothing(self, _):
        pass

    _do_proto = _do_frame = _do_stop = _do_nothing

    def _do_mark(self, _):
        self._marks.append(len(self._stack))

    def _do_pop(self, _):
        self._stack.pop()

    def _do_pop_mark(self, _):
        self._since_mark()

    def _do_dup(self, _):
        self._stack.append(self._stack[-1])

    def _do_put(self, index):
        self._memo[index] = self._stack[-1]

    _do_binput = _do_long_binput = _do_put

    def _do_memoize(self, _):
        self._memo[len(self._memo)] = self._stack[-1]

    def _do_get(self, index):
        self._stack.append(self._memo[index])

    _do_binget = _do_long_binget = _do_get

    def _do_tuple(self, _):
        self._stack.append(tuple(self._since_mark()))

    def _pack(self, count):
        items = tuple(self._stack[-count:])
        if len(items) < count:
            raise IndexError("stack underflow")
        self._stack[-count:] = [items]

    def _do_tuple1(self, _):
        self._pack(1)

    def _do_tuple2(self, _):
        self._pack(2)

    def _do_tuple3(self, _):
        self._pack(3)

    def _do_list(self, _):
        self._stack.append(self._since_mark())

    def _do_dict(self, _):
        items = self._since_mark()
        self._stack.append({})
        self._set_items(items)

    def _do_frozenset(self, _):
        self._stack.append(frozenset(map(hashable_key, self._since_mark())))

    def _do_append(self, _):
        value = self._stack.pop()
        if not self._is_placeholder():
            list.append(self._stack[-1], value)

    def _do_appends(self, _):
        items = self._since_mark()
        if not self._is_placeholder():
            list.extend(self._stack[-1], items)

    def _set_items(self, items):
        if len(items) % 2:
            raise IndexError("a key without a value")
        if self._is_placeholder():
            return
        for key, value in zip(items[::2], items[1::2], strict=True):
            dict.__setitem__(self._stack[-1], hashable_key(key), value)

    def _do_setitem(self, _):
        value = self._stack.pop()
        self._set_items([self._stack.pop(), value])

    def _do_setitems(self, _):
        self._set_items(self._since_mark())

    def _do_additems(self, _):
        items = list(map(hashable_key, self._since_mark()))
        if not self._is_placeholder():
            set.update(self._stack[-1], items)

    def _is_placeholder(self):
        """Whether what is filled has no place for it."""
        return isinstance(self._stack[-1], Placeholder)

    def _do_global(self, argument):
        self._stack.append(self._find(*argument.split(" ", 1)))

    def _do_stack_global(self, _):
        name = self._stack.pop()
        self._stack.append(self._find(self._stack.pop(), name))

    def _find(self, module, name):
        """Looks a global up by name; nothing is imported."""
        # Python 2 and protocols up to 2 say __builtin__; NumPy 2 moved its core.
        parts = ["builtins" if module == "__builtin__" else module, name]
        allowed = ".".join(parts).replace("numpy._core.", "numpy.core.", 1)
        if allowed not in self._constructors:
            if _is_harmless(*parts):
                return Placeholder(".".join(parts)[:99])
            wanted = f"{module}.{name}"[:99]
            raise ValueError(
                f"it asks for the global {wanted!r}, which is refused: a"
                " checkpoint may hold tensors and plain values only, because"
                " calling anything else that a file names would let the file run"
                " code. If you trust its maker, load it with torch and save"
                " model.state_dict() alone"
            )
        return Reference(allowed)

    def _do_reduce(self, _):
        arguments = self._stack.pop()
        reference = self._stack.pop()
        if isinstance(reference, Placeholder):
            self._stack.append(Placeholder(reference.name))
            return
        constructor = None
        if isinstance(reference, Reference):
            constructor = self._constructors[reference.name]
        if constructor is None:
            # Never shown by repr: nested lists of lists print exponentially long.
            raise ValueError(
                "its pickle calls"
                f" {getattr(reference, 'name', type(reference).__name__)}, which is"
                " not callable"
            )
        self._stack.append(constructor(*arguments))

    _do_newobj = _do_reduce

    def _do_build(self, _):
        state = self._stack.pop()
        restore = getattr(self._stack[-1], "restore_state", None)
        if restore is not None:
            restore(state)

    def _do_binpersid(self, _):
        if self._persistent_load is None:
            raise ValueError("its pickle refers to a storage where none may be")
        self._stack.append(self._persistent_load(self._stack.pop()))


def _is_harmless(module, name):
    """Whether a global may be named, though nothing is built of it."""
    package = module.partition(".")[0]
    if any(part.startswith("__") for part in name.split(".")):
        return False
    if package == "torch":
        return f"{module}.".startswith(_HARMLESS_OF_TORCH)
    if package == "numpy":
        return False
    if package in sys.stdlib_module_names and package != "__main__":
        return f"{module}.{name}" in _HARMLESS or package in _HARMLESS_MODULES
    return True
