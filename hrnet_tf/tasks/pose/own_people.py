"""Keypoints, mirroring and boxes of people in the user's own data."""

import contextlib
import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.findings import Finding
from hrnet_tf.data.formats.coco_entries import CategoryEntry, are_numbered, order_of
from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS, KeypointSet, load_keypoint_set
from hrnet_tf.data.repeated_labels import estimated_sigmas
from hrnet_tf.data.sides import guess_pairs, listed, one_sided
from hrnet_tf.own.choices import Choices
from hrnet_tf.own.reading import UserData
from hrnet_tf.pictures.skeletons import draw_keypoints
from hrnet_tf.tasks.base import Table
from hrnet_tf.tasks.pose.checks import check_people
from hrnet_tf.tasks.pose.evaluate import pck_lengths
from hrnet_tf.tasks.pose.result import Keypoints
from hrnet_tf.words import counted

_SHOWN_PAIRS = 3


def choose_keypoints(
    choices: "Choices", data: "UserData", given: Any = None
) -> KeypointSet:
    """Chooses the keypoint set: a named one, or what the data and their file tell.

    Args:
        choices: `Choices`.
        data: `UserData`.
        given: str or dict or None. The user's keypoint set.
    Returns:
        `KeypointSet`.
    Raises:
        ValueError: if it has another number of keypoints than the data.
    """
    labelled = data.train
    fields = {key: value for key, value in data.fields.items() if key in _FIELDS}
    if given is not None:
        is_dict = isinstance(given, dict)
        base = KeypointSet.from_dict(given) if is_dict else load_keypoint_set(given)
        reason = "as asked for"
    elif not set(fields) - {"name"} and (known := _known_set(labelled)):
        base = known
        reason = f"the keypoints of {labelled.source} are those of {known.name!r}"
    else:
        told = {
            "name": _called(data),
            "names": tuple(labelled.names),
            **_told(labelled),
        }
        base = KeypointSet.from_dict({**told, **fields})
        reason = f"the {counted(base.num_keypoints, 'keypoints')} of {labelled.source}"
        if "flip_pairs" not in {**told, **fields}:
            base = dataclasses.replace(base, flip_pairs=guess_pairs(base.names))
            reason += _hint(base)
    base, note = _in_order(base, labelled)
    reason += f"; {note}" if note else ""
    if base.sigmas is None and (found := estimated_sigmas(labelled.repeats)):
        base = dataclasses.replace(base, sigmas=found.values)
        people = counted(found.num_people, "people")
        reason += f"; sigmas of OKS by {people} that several people labelled"
        if found.shared:
            reason += f", {found.shared} of them by all keypoints together"
    choices.put("keypoints", base.to_dict(), reason, "--keypoints NAME|FILE")
    return base


def _called(data):
    """What the keypoint set is called: as annotations call those who have it."""
    category = data.train.category
    # The names of published sets say how they are tested.
    return category if category and category not in KEYPOINT_SETS else data.name


def _hint(keypoint_set):
    """Which option tells the pairs of points that have numbers for names, or ""."""
    if not are_numbered(keypoint_set.names) or keypoint_set.flip_pairs:
        return ""
    count = keypoint_set.num_keypoints
    alike = [k.name for k in KEYPOINT_SETS.values() if k.num_keypoints == count]
    if not alike:
        return ", without names; a descriptor would tell pairs and what to measure by"
    options = " or ".join(f"--keypoints {name}" for name in alike)
    return (
        f", without names; if they are in that order, {options} tells which change"
        " places in a mirrored picture, and what errors are relative to"
    )


_FIELDS = tuple(field.name for field in dataclasses.fields(KeypointSet))


def _known_set(labelled):
    """The keypoint set that has the names of the data, in any spelling; or None."""
    if are_numbered(labelled.names):
        return None
    for known in KEYPOINT_SETS.values():
        if known.num_keypoints == len(labelled.names):
            with contextlib.suppress(ValueError):
                _in_order(known, labelled)
                return known
    return None


def _told(labelled):
    """The fields that the file of the labels tells, by the keypoints' places."""
    index = {name: i for i, name in enumerate(labelled.names)}

    def pairs(found):
        return tuple(tuple(index[name] for name in pair) for pair in found)

    told = {"skeleton": pairs(labelled.skeleton)}
    if labelled.flip_pairs is not None:
        told["flip_pairs"] = pairs(labelled.flip_pairs)
    return told


def _in_order(keypoint_set, labelled):
    """The keypoint set in the order of the data's keypoints, and what to say of it."""
    found = CategoryEntry(name=labelled.format, keypoints=list(labelled.names))
    order = order_of(labelled.source, found, keypoint_set)
    if order.indices is None:
        numbered = "numbered there, and taken in this order"
        spelled = "spelled differently there"
        note = numbered if "without names" in order.note else spelled
        return keypoint_set, note if order.note else ""
    places = np.argsort(order.indices)
    sigmas = keypoint_set.sigmas
    moved = dataclasses.replace(
        keypoint_set,
        names=tuple(keypoint_set.names[i] for i in places),
        sigmas=None if sigmas is None else tuple(sigmas[i] for i in places),
    )
    note = f"the data's order of keypoints is kept, which is not {keypoint_set.name}'s"
    return moved, note


def choose_flips(choices: "Choices", keypoint_set: KeypointSet, told: bool) -> bool:
    """Chooses whether training mirrors pictures.

    Args:
        choices: `Choices`.
        keypoint_set: `KeypointSet`.
        told: bool. Whether the user or the data tell the pairs.
    Returns:
        bool.
    """
    pairs = keypoint_set.flip_pairs
    alone = one_sided(keypoint_set.names, pairs)
    shown = listed([f"{a} - {b}" for a, b in pairs], _SHOWN_PAIRS)
    if alone:
        flips, reason = False, f"no partner in flip_pairs: {listed(alone)}"
    elif pairs:
        by = "" if told else ", by their names"
        flips, reason = True, f"pairs change places{by}: {shown}"
    elif told:
        flips, reason = True, "no keypoints change places, as flip_pairs says"
    else:
        flips = False
        reason = "nothing tells which keypoints change places in a mirrored picture"
    return choices.add("flips", flips, reason, "flip_pairs of --keypoints")


def shape_of_boxes(examples: Sequence[Any]) -> tuple[np.ndarray, float, bool]:
    """Tells the sizes and shapes of people's boxes.

    Args:
        examples: list of `PoseExample`.
    Returns:
        float32 `[N]`, the longer sides, px; the median of width / height; and whether
        most are of about that shape.
    """
    boxes = np.maximum(np.concatenate([e.boxes for e in examples])[:, 2:], 1.0)
    aspects = np.log(boxes[:, 0] / boxes[:, 1])
    low, middle, high = np.quantile(aspects, (0.25, 0.5, 0.75))
    return boxes.max(1), float(np.exp(middle)), bool(high - low < np.log(1.6))


def check(
    data: "UserData", settings: dict[str, Any], deep: bool = False
) -> list[Finding]:
    """Checks people before they are trained on; see `OwnData.check`."""
    keypoint_set = KeypointSet.from_dict(settings["keypoints"])
    lengths = None
    if settings["metric"] == "pck":
        lengths = functools.partial(pck_lengths, keypoint_set=keypoint_set)
    train, val = data.train.examples, data.val.examples
    return check_people(train, val, keypoint_set, settings["flips"], lengths, "error")


def draw(example: Any, settings: dict[str, Any]) -> np.ndarray:
    """Draws the labelled people of an example."""
    people = Keypoints(
        xy=example.keypoints[..., :2],
        scores=example.keypoints[..., 2] / 2,
        boxes=example.boxes,
        box_scores=np.ones(example.num_people),
        image_path=example.image_path,
        keypoint_set=KeypointSet.from_dict(settings["keypoints"]),
    )
    return draw_keypoints(example.image_path, people, draw_boxes=True)


def facts(
    data: UserData, settings: dict[str, Any], deep: bool = False
) -> dict[str, Table]:
    """Tables of what is labelled; see `OwnData.facts`."""
    names = KeypointSet.from_dict(settings["keypoints"]).names
    columns, rows = ["keypoint"], [[name] for name in names]
    for split, labelled in data.splits.items():
        points = np.concatenate([e.keypoints for e in labelled.examples])[..., 2]
        seen_as = ("visible", "hidden", "not labelled")
        columns += [f"{split}: {how}" for how in seen_as]
        for row, seen in zip(rows, points.T, strict=True):
            row += [str(np.count_nonzero(seen == v)) for v in (2, 1, 0)]
    tables = {"Keypoints": Table(tuple(columns), tuple(map(tuple, rows)))}
    sides = [shape_of_boxes(part.examples) for part in data.splits.values()]
    lines = tuple(
        (
            split,
            *(f"{q:.0f}" for q in np.quantile(longer, (0, 0.25, 0.5, 0.75, 1))),
            f"{aspect:.2f}",
        )
        for split, (longer, aspect, _) in zip(data.splits, sides, strict=True)
    )
    quartiles = ("smallest", "quarter", "half", "three quarters", "largest")
    titles = ("longer side, px", *quartiles, "width / height")
    return {**tables, "Boxes": Table(titles, lines)}
