"""What descriptions of a data set have in common: checks, dicts and descriptor files.

`KeypointSet` and `LabelSet` both name the members of a data set (its keypoints, its
classes) in the order of its annotations, and may be read from a json or Python file.
"""

import dataclasses
import json
import math
import runpy
from pathlib import Path
from typing import Any, TypeVar

from hrnet_tf.typing import PathLike

_Description = TypeVar("_Description", bound="Descriptor")


class Descriptor:
    """Base of the frozen dataclasses which describe a data set.

    A subclass has the fields `name`, `flip_pairs` and the one that `_members` names,
    and calls the checks in `__post_init__`. Wherever a member is expected its 0-based
    index is accepted as well; the fields always hold names.
    """

    flip_pairs: tuple[tuple[str | int, str | int], ...]

    _kind = "set"  # what errors call the description,
    _member = "member"  # one of its members,
    _plural = "members"  # several,
    _members = "names"  # the field that holds their names,
    _variable = "SET"  # and the variable of a Python descriptor file.

    @property
    def flip_indices(self) -> tuple[int, ...]:
        """Tuple of int: member i of a mirrored image was `flip_indices[i]`."""
        indices = list(range(len(self._names)))
        for a, b in self.flip_pairs:
            i, j = self.index(a), self.index(b)
            indices[i], indices[j] = j, i
        return tuple(indices)

    def index(self, name: str | int) -> int:
        """Returns the 0-based index (int) of the member called `name`.

        Raises:
            ValueError: if there is no such member.
        """
        return self._names.index(self._resolve("index", name))

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as a dict that json can write and `from_dict` reads."""

        def plain(value):
            return [plain(v) for v in value] if isinstance(value, tuple) else value

        return {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_dict(cls: type[_Description], fields: dict[str, Any]) -> _Description:
        """Makes a description from the dict of `to_dict` or of a descriptor file.

        Args:
            fields: dict with the required fields; optionally the others.
        Raises:
            ValueError: for missing or unknown fields, or a contradictory description.
        """
        required = ("name", cls._members)
        if not isinstance(fields, dict):
            raise ValueError(
                f"A {cls._kind} is described by a dict with 'name' and"
                f" {cls._members!r}. Received: {type(fields).__name__}."
            )
        known = [
            field.name
            for field in dataclasses.fields(cls)  # type: ignore[arg-type]
        ]
        unknown = [key for key in fields if key not in known]
        missing = [key for key in required if key not in fields]
        if unknown or missing:
            raise ValueError(
                f"A {cls._kind} has the fields {known}, of which 'name' and"
                f" {cls._members!r} are required. Received: {list(fields)}"
                f" (unknown: {unknown}, missing: {missing})."
            )
        return cls(**fields)

    @property
    def _names(self):
        return getattr(self, self._members)

    def _put(self, field, value):
        """Sets a field to its normalised value, which frozen dataclasses forbid."""
        object.__setattr__(self, field, value)

    def _error(self, what):
        return ValueError(f"{self._kind.capitalize()} {self.name!r}: {what}")

    def _check_members(self):
        """Checks the names of the set and of its members."""
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(
                f"A {self._kind} needs a name. Received: name={self.name!r}."
                " Pass a non-empty string."
            )
        names, field = self._names, self._members
        if not isinstance(names, (tuple, list)) or not names:
            raise self._error(
                f"{field} is {names!r}; expected a list of {self._member} names."
            )
        for name in names:
            if not isinstance(name, str) or not name:
                raise self._error(
                    f"{field} holds {name!r}; expected non-empty strings."
                )
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise self._error(f"{field} holds {repeated} more than once.")
        self._put(field, tuple(names))

    def _resolve(self, field, member):
        """Turns an index or a name into a name of this set."""
        names = self._names
        if isinstance(member, int) and not isinstance(member, bool):
            if 0 <= member < len(names):
                return names[member]
            raise self._error(
                f"{field} holds the index {member}, which is out of range: there are"
                f" {len(names)} {self._plural}, with the indices 0 to {len(names) - 1}."
            )
        if member not in names:
            raise self._error(
                f"{field} holds {member!r}, which is no {self._member} of this set."
                f" Use one of {list(names)}, or a 0-based index."
            )
        return member

    def _pair(self, field, pair):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise self._error(
                f"{field} holds {pair!r}; expected a pair of {self._plural}."
            )
        return tuple(self._resolve(field, member) for member in pair)

    def _pairs(self, field):
        pairs = getattr(self, field)
        if not isinstance(pairs, (tuple, list)):
            raise self._error(f"{field} is {pairs!r}; expected a list of pairs.")
        return tuple(self._pair(field, pair) for pair in pairs)

    def _check_flip_pairs(self):
        """Resolves `flip_pairs` and checks that they exchange each member once."""
        self._put("flip_pairs", self._pairs("flip_pairs"))
        seen = set()
        for pair in self.flip_pairs:
            for name in pair:
                if name in seen:
                    raise self._error(
                        f"flip_pairs holds {name!r} more than once (in {list(pair)});"
                        f" a {self._member} has one mirrored partner, and a"
                        f" {self._member} that stays where it is belongs in no pair."
                    )
                seen.add(name)

    def _positive_numbers(self, field):
        """Returns a field as a tuple of float, one for each member, or None."""
        numbers = getattr(self, field)
        if numbers is None:
            return None
        if not isinstance(numbers, (tuple, list)) or len(numbers) != len(self._names):
            raise self._error(
                f"{field} is {numbers!r}; expected one number for each of the"
                f" {len(self._names)} {self._plural}, or none at all."
            )
        for value in numbers:
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not (math.isfinite(value) and value > 0):
                raise self._error(
                    f"{field} holds {value!r}; expected positive numbers."
                )
        return tuple(float(value) for value in numbers)


def load_descriptor(
    name_or_path: "PathLike | _Description",
    descriptor: type[_Description],
    known: dict[str, _Description],
) -> _Description:
    """Returns a description by its name, or from a descriptor file.

    A .py descriptor is executed, like a recipe: load only files you trust.

    Args:
        name_or_path: str or path. A key of `known`, or a .json or .py file ("name" may
            be left out there: the file's stem is taken). A description is returned
            as it is.
        descriptor: subclass of `Descriptor`.
        known: dict from names to descriptions.
    Raises:
        ValueError: if there is no such description or file, or it is wrong.
    """
    if isinstance(name_or_path, descriptor):
        return name_or_path
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    path = Path(name_or_path)  # type: ignore[arg-type]
    if path.suffix not in (".json", ".py") or not path.is_file():
        raise ValueError(
            f"There is no {descriptor._kind} {str(name_or_path)!r}. Expected one of"
            f" {list(known)}, or an existing .json or .py descriptor file."
        )
    is_json = path.suffix == ".json"
    fields = _read_json(path) if is_json else _read_python(path, descriptor)
    if isinstance(fields, descriptor):
        return fields
    if isinstance(fields, dict):
        fields = {"name": path.stem, **fields}
    try:
        return descriptor.from_dict(fields)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _read_json(path):
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are both.
        raise ValueError(f"{path} is not valid json: {error}.") from error


def _read_python(path, descriptor):
    try:
        variables = runpy.run_path(str(path))
    except Exception as error:
        # Anything can go wrong in a user's file; the cause stays in the traceback.
        raise ValueError(
            f"{path} could not be executed: {type(error).__name__}: {error}."
        ) from error
    if descriptor._variable not in variables:
        optional = [field.name for field in dataclasses.fields(descriptor)]
        optional.remove(descriptor._members)
        raise ValueError(
            f"{path} does not define {descriptor._variable}. Assign a dict with"
            f" {descriptor._members!r} (optionally {', '.join(optional)}) or a"
            f" {descriptor.__name__} to it."
        )
    return variables[descriptor._variable]
