"""Spoils files in the ways in which tools, people and copying do."""

import copy
import json
import random
import traceback
import warnings
import xml.etree.ElementTree as ElementTree

import numpy as np

from hrnet_tf.data.detection_example import DetectionExample

WRONG = (
    *(None, "text", "", "7", [], {}, [[1]], [None], {"a": 1}, -1, 0, 0.5, True, 2),
    *(float("nan"), float("inf"), 10**30, 1e300, -1e9, "\ud800", "../..", "a\0b"),
)
WORDS = (
    "nan",
    "-1",
    "1e400",
    "text",
    "",
    "null",
    "2",
    ":",
    "[",
    '"',
    "\t",
    "\0",
    "9" * 30,
)


def mutated(content, text, rng):
    """Returns the bytes of a file with one fault.

    Args:
        content: what a json file holds, the root of an xml file, or None for other
            texts.
        text: str, of the file.
        rng: `random.Random`.
    """
    if content is None or rng.random() < 0.1:
        return _mutated_text(text, rng)
    if isinstance(content, ElementTree.Element):
        return _mutated_tree(content, rng)
    content = copy.deepcopy(content)
    for _ in range(rng.choice((1, 1, 1, 2))):
        _spoil(content, rng)
    return json.dumps(content).encode()


def _spoil(content, rng):
    """Replaces, removes or repeats something at a random place."""
    place = content
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = rng.choice(keys)
        inner = place[key]
        if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.2:
            break
        place = inner
    kind = rng.random()
    if kind < 0.15:
        del place[key]
    elif kind < 0.25 and isinstance(place, list):
        place.insert(key, copy.deepcopy(place[key]))
    elif kind < 0.3 and isinstance(place, dict):
        place[f"{key}_"] = place.pop(key)
    else:
        place[key] = copy.deepcopy(rng.choice(WRONG))


def _mutated_tree(root, rng):
    """The bytes of an xml file with one fault, mostly in an attribute."""
    root = copy.deepcopy(root)
    parent, element = rng.choice([(p, e) for p in root.iter() for e in p])
    kind = rng.random()
    if kind < 0.08:
        parent.remove(element)
    elif kind < 0.16:
        parent.append(copy.deepcopy(element))
    elif kind < 0.2:
        element.tag += "_"
    elif not element.attrib or kind < 0.25:
        element.text = _replaced(element.text or "", rng)
    else:
        key = rng.choice(sorted(element.attrib))
        value = element.attrib.pop(key)
        if kind < 0.9:
            element.set(key, _replaced(value, rng))
    return ElementTree.tostring(root)


def _replaced(text, rng):
    """A text with a word, or a part of it up to a comma, in place of what was there."""
    if rng.random() < 0.3:
        return rng.choice(WORDS)
    at = rng.randrange(len(text) + 1)
    end = at
    while end < len(text) and text[end] not in ',; "':
        end += 1
    return text[:at] + rng.choice(WORDS) + text[end:]


def _mutated_text(text, rng):
    kind = rng.randrange(5)
    at = rng.randrange(len(text) + 1)
    if kind == 0:
        return text[:at].encode()
    if kind == 1:
        lines = text.splitlines(keepends=True) or [""]
        del lines[rng.randrange(len(lines))]
        return "".join(lines).encode()
    if kind == 2:
        encoded = bytearray(text.encode())
        encoded[at : at + 1] = bytes([rng.randrange(256)])
        return bytes(encoded)
    end = at
    while end < len(text) and text[end] not in ' ,\n"':
        end += 1
    return (text[:at] + rng.choice(WORDS) + text[end:]).encode()


def survive(files, read, count, seed=0):
    """Spoils files one by one and reads them; returns how many were read and refused.

    Args:
        files: list of `Path`, of text.
        read: function from `skip_bad` to examples.
        count: int. How many faults.
        seed: int.
    Raises:
        AssertionError: if anything but an explained ValueError is raised.
    """
    rng = random.Random(seed)
    originals = {path: path.read_text() for path in files}
    contents = {path: parsed(path, text) for path, text in originals.items()}
    outcomes = [0, 0]
    for number in range(count):
        path = rng.choice(files)
        spoilt = mutated(contents[path], originals[path], rng)
        path.write_bytes(spoilt)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                warnings.simplefilter("error", RuntimeWarning)
                check(read(rng.random() < 0.5))
            outcomes[0] += 1
        except ValueError as error:
            assert explained(error), (number, spoilt, error)
            outcomes[1] += 1
        except Exception as error:
            text = f"fault {number} of {path.name}: {type(error).__name__}: {error}"
            raise AssertionError(f"{text}\n{spoilt[:3000]!r}") from error
        finally:
            path.write_text(originals[path])
    return outcomes


def parsed(path, text):
    """What a file of json or xml holds, for `mutated`; None for others."""
    if path.suffix == ".xml":
        return ElementTree.fromstring(text)
    return json.loads(text) if path.suffix == ".json" else None


def explained(error):
    """Whether an error was raised by a statement of ours, and not by what it calls."""
    assert type(error).__module__.startswith(("builtins", "hrnet_tf")), error
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return "/hrnet_tf/" in frame.filename and (frame.line or "").startswith("raise ")


def check(examples):
    """Examples are whole, whatever was wrong."""
    assert examples
    for example in examples:
        if isinstance(example, DetectionExample):
            boxes = example.boxes
            assert (boxes >= 0).all() and (boxes[:, :2] < boxes[:, 2:]).all()
            assert (boxes <= [example.width, example.height] * 2).all()
        for field in ("boxes", "keypoints", "areas"):
            values = getattr(example, field, None)
            assert values is None or np.isfinite(values).all(), (field, values)
