"""Keypoints, mirroring and boxes of people in the user's own data."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.findings import Finding
from hrnet_tf.data.keypoint_sets import KeypointSet, load_keypoint_set
from hrnet_tf.data.sides import guess_pairs, listed, one_sided
from hrnet_tf.own.choices import Choices
from hrnet_tf.own.reading import UserData
from hrnet_tf.pictures.skeletons import draw_keypoints
from hrnet_tf.tasks.base import Table
from hrnet_tf.tasks.pose.checks import check_people
from hrnet_tf.tasks.pose.evaluate import pck_lengths
from hrnet_tf.tasks.pose.result import Keypoints

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
    names = tuple(labelled.names)
    fields = dict(data.fields)
    if given is not None:
        is_dict = isinstance(given, dict)
        base = KeypointSet.from_dict(given) if is_dict else load_keypoint_set(given)
        base = _in_order(base, names)
        reason = "as asked for"
    else:
        # Of face landmarks there may be hundreds.
        wanted = fields.pop("names", None) or names
        told = _told(labelled, wanted)
        fields = {key: value for key, value in fields.items() if key in _FIELDS}
        base = KeypointSet.from_dict(
            {"name": data.name, **told, **fields, "names": wanted}
        )
        base = _in_order(base, names)
        reason = f"the {base.num_keypoints} keypoints of {labelled.source}"
        if not base.flip_pairs and "flip_pairs" not in told | fields:
            base = dataclasses.replace(base, flip_pairs=guess_pairs(base.names))
    choices.put("keypoints", base.to_dict(), reason, "--keypoints NAME|FILE")
    return base


_FIELDS = tuple(field.name for field in dataclasses.fields(KeypointSet))


def _told(labelled, wanted):
    """The fields that the file of the labels tells, by the names that are wanted."""
    index = {name: i for i, name in enumerate(labelled.names)}

    def pairs(found):
        return tuple(tuple(index[name] for name in pair) for pair in found)

    told = {"skeleton": pairs(labelled.skeleton)}
    if labelled.flip_pairs is not None:
        told["flip_pairs"] = pairs(labelled.flip_pairs)
    return told


def _in_order(keypoint_set, names):
    """The keypoint set in the order of the data, if it names the same keypoints."""
    if len(names) != keypoint_set.num_keypoints:
        raise ValueError(
            f"The keypoint set {keypoint_set.name!r} has {keypoint_set.num_keypoints}"
            f" keypoints, and the data have {len(names)}: {listed(names)}. Pass a"
            " keypoint set of these as `keypoints`, or none."
        )
    same = sorted(names) == sorted(keypoint_set.names)
    if not same or names == keypoint_set.names:
        return keypoint_set
    order = [keypoint_set.index(name) for name in names]
    sigmas = keypoint_set.sigmas
    return dataclasses.replace(
        keypoint_set,
        names=names,
        sigmas=None if sigmas is None else tuple(sigmas[i] for i in order),
    )


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
        flips, reason = False, f"{listed(alone)} have no partner in flip_pairs"
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
        columns += [f"{split}: visible", "hidden", "not labelled"]
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
