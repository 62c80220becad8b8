"""Json of annotation tools, its entries checked against types.

Files of many annotations are read once and their entries decoded one by one, so that
one wrong entry is named (or skipped) and the file is never in memory as dicts.
"""

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.io import read_json
from hrnet_tf.typing import PathLike

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a dict",
    "null": "null",
}
# Whole numbers that arrays of int64 hold.
LARGEST = 2**63 - 1


def read_lists(path: PathLike, keys: tuple, optional: tuple = ()) -> dict:
    """Returns lists of a json file's dict, their entries not yet decoded.

    Args:
        path: path of the file.
        keys: tuple of str. The lists that the file is to hold, with an entry each.
        optional: tuple of str. Lists that may be absent, null or empty.
    Returns:
        dict of each key to a list of entries for `decode`; the optional ones may be
        empty.
    Raises:
        ValueError: if there is no such file, or it is no such json.
    """
    path = Path(path)
    content = _undecoded(path, (*keys, *optional))
    if content is None:
        content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} should hold a dict with {list(keys)} as COCO's annotations do."
            f" Received: a {type(content).__name__}."
        )
    for key in keys:
        check_list(path, f"list of {key} under the key {key!r}", content.get(key))
    lists = {key: content[key] for key in keys}
    for key in optional:
        lists[key] = content.get(key)
        if lists[key] is None or lists[key] == []:
            lists[key] = []
        else:
            check_list(path, f"list of {key} under the key {key!r}", lists[key])
    return lists


def check_list(path: PathLike, what: str, entries: Any) -> None:
    """Raises ValueError unless `entries` is a list with an entry, all of them dicts.

    Args:
        path: path of the file, for the message.
        what: str. What was expected, for the message.
        entries: what stands in the file.
    """
    found = None
    if not isinstance(entries, list):
        found = "nothing" if entries is None else f"a {type(entries).__name__}"
    elif not entries:
        found = "an empty list"
    else:
        wrong = [entry for entry in entries if not _is_object(entry)]
        if wrong:
            found = f"the entry {plain(wrong[0])!r:.80}"
    if found:
        raise ValueError(
            f"{path} should hold a {what}, of dicts in COCO's format."
            f" Received: {found}."
        )


def decode(entry: Any, kind: type, where: str) -> Any:
    """Turns an entry into an object of a type; numbers may be texts.

    Args:
        entry: of a list of `read_lists`, or what json holds.
        kind: subclass of `msgspec.Struct`, or another type.
        where: str. File and entry, for the message.
    Raises:
        BadExample: naming the field, if the entry is of another form.
    """
    try:
        if isinstance(entry, msgspec.Raw):
            return msgspec.json.decode(entry, type=kind, strict=False)
        return msgspec.convert(entry, type=kind, strict=False)
    except (msgspec.MsgspecError, UnicodeError, OverflowError) as error:
        raise _explained(entry, where, error) from error


def plain(entry: Any) -> Any:
    """Returns an entry as dicts, lists, texts and numbers."""
    if isinstance(entry, msgspec.Raw):
        return json.loads(bytes(entry))
    return entry


def field(entry: Any, name: str) -> Any:
    """Returns a field of an entry that may be anything, None where it has none."""
    entry = plain(entry)
    return entry.get(name) if isinstance(entry, dict) else None


def _undecoded(path, keys):
    """The lists of a file as undecoded entries; None where `json` has to look."""
    if not path.is_file():
        return None
    encoded = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        # Raw entries are not looked at, and would fail wherever they are read.
        encoded.decode()
        content = msgspec.json.decode(encoded, type=dict[str, msgspec.Raw])
        return {key: _list_of_raw(content[key]) for key in keys if key in content}
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _list_of_raw(value):
    is_list = memoryview(value)[:1] == b"["
    return msgspec.json.decode(value, type=list[msgspec.Raw] if is_list else Any)


def _is_object(entry):
    if isinstance(entry, msgspec.Raw):
        return memoryview(entry)[:1] == b"{"
    return isinstance(entry, dict)


def _explained(entry, where, error):
    """A `BadExample` that names the field, what it holds, and what was expected."""
    text = str(error)
    missing = re.search(r"missing required field `(.+?)`", text)
    if missing:
        name = missing.group(1)
        return BadExample(f"absent {name}", f"{where}: it lacks {name!r}.")
    place = re.search(r" - at `\$\.?(.*?)`$", text)
    expected = re.match(r"Expected `(.+?)`(?:, got `(.+?)`)?", text)
    if not expected:
        return BadExample("wrong entry", f"{where}: {text}.")
    kinds = [_KINDS.get(name, name) for name in expected.group(1).split(" | ")]
    name = place.group(1) if place else "it"
    found = f"{_held(plain(entry), name)!r:.80}"
    if "[...]" in name:  # A key of a dict, which is not told.
        found = _KINDS.get(expected.group(2), "something else")
    return BadExample(
        f"wrong {re.split('[.[]', name)[0]}",
        f"{where}: {name} is {found}; expected {' or '.join(kinds)}.",
    )


def _held(value, place):
    """What stands at a place such as "bbox[2]"."""
    for name, number in re.findall(r"([^.\[\]]+)(?![^\[]*\])|\[(\d+)\]", place):
        try:
            value = value[int(number)] if number else value[name]
        except (KeyError, IndexError, TypeError):
            return value
    return value
