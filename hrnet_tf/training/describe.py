"""Objects as json values that are the same in every process."""

import base64
import contextlib
import dataclasses
import enum
import functools
import hashlib
import inspect
import json
import marshal
import math
import os
import re
import types
import warnings
from collections.abc import Mapping, Set
from typing import Any

import keras
import numpy as np

# Longer arrays are described by their digest.
_NUM_VALUES = 64
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
_NUMBERED = re.compile(r"(.*?)_\d+")
# Where functional models refer to layers by their names.
_REFERENCES = ("keras_history", "input_layers", "output_layers")


class Describer:
    """Describes the objects that one part of a run is made of.

    Keras' objects are described by their class and configuration, data classes by their
    fields, functions by their names or, where they have none, by their code. The names
    that Keras numbers by how many objects the process has made are numbered anew.

    Args:
        part: str. What the objects are, for errors.
    Attributes:
        defaults: set of tuples of keys, beginning with `part`: where what is described
            has its default.
    """

    def __init__(self, part: str) -> None:
        self.part = part
        self.defaults: set[Any] = set()
        self._names: dict[Any, Any] = {}
        self._counts: dict[Any, Any] = {}
        self._functions: list[Any] = []

    def __call__(self, value: Any) -> Any:
        """Returns a json value.

        Args:
            value: numbers, texts, arrays, types, functions, data classes, Keras'
                objects, and collections of them.
        Raises:
            ValueError: naming the place, for an object that nothing describes.
        """
        return self._plain(value, (self.part,))

    def _plain(self, value, path):
        for kinds, describe in self._known():
            if isinstance(value, kinds):
                return describe(value, path)
        if hasattr(value, "get_config"):
            return self._configured(value, path)
        if dataclasses.is_dataclass(value):
            return self._fields(value, path)
        if hasattr(value, "__array__"):
            return self._array(np.asarray(value), path)
        if callable(value) and hasattr(value, "__wrapped__"):
            return self._plain(value.__wrapped__, path)
        if callable(value) and hasattr(value, "__qualname__"):
            return _name(value)
        text = repr(value)
        if type(value).__repr__ is object.__repr__ or _ADDRESS.search(text):
            raise ValueError(
                f"{_place(path)} is {text}, of which a later process could not tell"
                " whether it is still the same, so that the run could not go on."
                " Expected numbers, texts, data classes or Keras objects. Give"
                f" {type(value).__name__} a get_config, or a __repr__ without its"
                " address."
            )
        return text

    def _known(self):
        """Pairs of types and the function that describes them; the first counts."""
        return (
            ((type(None), bool), lambda value, _: value),
            (enum.Enum, lambda value, path: self._plain(value.value, path)),
            (str, lambda value, _: str(value)),
            ((int, np.integer), lambda value, _: int(value)),
            ((float, np.floating), _number),
            ((bytes, bytearray), lambda value, _: _digest(value)),
            (os.PathLike, lambda value, _: os.fspath(value)),
            (np.dtype, lambda value, _: value.name),
            (keras.DTypePolicy, lambda value, _: value.name),
            (np.ndarray, self._array),
            (Mapping, self._mapping),
            ((list, tuple), self._items),
            (Set, lambda value, path: sorted(self._items(value, path), key=json.dumps)),
            (type, lambda value, _: _name(value)),
            (functools.partial, self._partial),
            (types.CodeType, lambda value, _: _code(value)),
            (types.MethodType, self._method),
            (types.FunctionType, self._function),
        )

    def _items(self, values, path):
        return [self._plain(value, (*path, i)) for i, value in enumerate(values)]

    def _array(self, array, path):
        if array.size <= _NUM_VALUES and array.dtype != object:
            return self._plain(array.tolist(), path)
        if array.dtype == object:
            return self._items(array.tolist(), path)
        content = np.ascontiguousarray(array).tobytes()
        return {
            "shape": list(array.shape),
            "dtype": array.dtype.name,
            "content": _digest(content),
        }

    def _mapping(self, value, path):
        if "class_name" in value and "config" in value:
            return self._serialized(value, path)
        found = {}
        for key, item in value.items():
            key = str(key)
            if key in _REFERENCES:
                item = self._renamed(item)
            found[key] = self._plain(item, (*path, key))
        return found

    def _serialized(self, value, path):
        """What `keras.saving.serialize_keras_object` made of an object."""
        name, config = value["class_name"], value["config"]
        if name == "__lambda__":
            return self._lambda(config, path)
        if name == "__keras_tensor__":
            # Its shape and type follow from what comes before.
            return self._plain(self._renamed(config["keras_history"]), path)
        if name == "DTypePolicy" and set(config) == {"name"}:
            return config["name"]
        if isinstance(config, str):
            return f"{value['module']}.{config}" if value.get("module") else config
        found = {"class": name}
        if isinstance(config, Mapping):
            found.update(self._config(config, path))
        elif config is not None:
            found["config"] = self._plain(config, (*path, "config"))
        if value.get("inbound_nodes"):
            nodes = value["inbound_nodes"]
            found["inbound_nodes"] = self._plain(nodes, (*path, "inbound_nodes"))
        return found

    def _configured(self, value, path):
        """A Keras object that is not serialized yet."""
        kind = type(value)
        try:
            with warnings.catch_warnings():
                # It is about loading, and is said when the model is saved.
                warnings.filterwarnings("ignore", ".*includes a `lambda`")
                config = value.get_config()
        except (NotImplementedError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{_place(path)} is a {kind.__name__}, whose get_config fails: {error}"
                " A run must be able to tell whether it is the same, and to save its"
                f" model. Give {kind.__name__} a get_config whose values Keras can"
                " serialize."
            ) from error
        found = {"class": kind.__name__, **self._config(config, path)}
        self._find_defaults(kind, found, path)
        return found

    def _fields(self, value, path):
        """A data class."""
        fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        found = {"class": type(value).__name__, **self._mapping(fields, path)}
        self._find_defaults(type(value), found, path)
        return found

    def _config(self, config, path):
        if isinstance(config.get("name"), str):
            config = {**config, "name": self._canonical(config["name"])}
        return self._mapping(config, path)

    def _find_defaults(self, kind, found, path):
        for key, default in _defaults(kind).items():
            if key not in found:
                continue
            # By another one, as names are numbered by how often they occur.
            with contextlib.suppress(ValueError):
                if Describer(self.part)(default) == found[key]:
                    self.defaults.add((*path, key))

    def _canonical(self, name):
        """A name whose number is how many of its kind were met in this part before."""
        if name not in self._names:
            match = _NUMBERED.fullmatch(name)
            stem = match[1] if match else name
            count = self._counts[stem] = self._counts.get(stem, -1) + 1
            self._names[name] = f"{stem}_{count}" if count else stem
        return self._names[name]

    def _renamed(self, reference):
        """A reference such as ["dense_3", 0, 0], or a collection of such."""
        if isinstance(reference, Mapping):
            return {key: self._renamed(item) for key, item in reference.items()}
        if not isinstance(reference, (list, tuple)):
            return reference
        if len(reference) == 3 and isinstance(reference[0], str):
            return [self._canonical(reference[0]), *reference[1:]]
        return [self._renamed(item) for item in reference]

    def _partial(self, value, path):
        return {
            "function": self._plain(value.func, (*path, "function")),
            "arguments": self._items(value.args, (*path, "arguments")),
            "keywords": self._mapping(value.keywords, (*path, "keywords")),
        }

    def _method(self, value, path):
        owner = self._plain(value.__self__, (*path, "owner"))
        return {"owner": owner, "function": value.__name__}

    def _function(self, value, path):
        if not re.search("<lambda>|<locals>", value.__qualname__):
            return _name(value)
        found = {"function": _code(value.__code__)}
        if value in self._functions:
            # One that calls itself is in its own closure.
            return found
        self._functions.append(value)
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        found["defaults"] = self._plain(value.__defaults__, (*path, "defaults"))
        found["closure"] = self._items(cells, (*path, "closure"))
        self._functions.pop()
        return found

    def _lambda(self, config, path):
        """A lambda that Keras has serialized."""
        if "value" in config:
            code, defaults, closure = config["value"]
        else:
            code, defaults, closure = (
                config[key] for key in ("code", "defaults", "closure")
            )
        # The serialized bytes depend on how often objects are shared.
        code = marshal.loads(base64.b64decode(code))
        return {
            "function": _code(code),
            "defaults": self._plain(defaults, (*path, "defaults")),
            "closure": self._plain(closure or [], (*path, "closure")),
        }


def _number(value, path):
    # Json has no other numbers.
    return float(value) if math.isfinite(value) else str(float(value))


def _name(value):
    return f"{value.__module__}.{value.__qualname__}"


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def _code(code):
    """A function without a name of its own: its arguments, and a digest of it."""
    arguments = ", ".join(code.co_varnames[: code.co_argcount])
    return f"{code.co_name}({arguments}) {_digest(repr(_content(code)).encode())}"


def _content(code):
    """What a function's code does, without where it was written."""
    constants = [
        _content(c) if isinstance(c, types.CodeType) else _constant(c)
        for c in code.co_consts
    ]
    names = code.co_names, code.co_varnames, code.co_freevars
    return code.co_code, constants, names


def _constant(value):
    # Sets have no order.
    return sorted(map(repr, value)) if isinstance(value, frozenset) else repr(value)


def _place(path):
    return "".join(
        f"[{key}]" if isinstance(key, int) else f".{key}" if i else str(key)
        for i, key in enumerate(path)
    )


def _defaults(kind):
    """Defaults of a class's arguments, by name; also of those for its bases."""
    found = {}
    for base in kind.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(base.__init__).parameters.values()
        for parameter in parameters:
            if parameter.default is not inspect.Parameter.empty:
                found.setdefault(parameter.name, parameter.default)
        if all(p.kind is not inspect.Parameter.VAR_KEYWORD for p in parameters):
            break
    return found
