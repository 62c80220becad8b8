"""People of whole pictures in the user's own data: masks, checks and tables."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.bad_examples import told_to_skip
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.formats.coco_people import read_masks
from hrnet_tf.data.instance_masks import pack_runs
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.people_example import PeopleExample
from hrnet_tf.own.reading import UserData
from hrnet_tf.tasks.base import Table
from hrnet_tf.tasks.bottom_up.recipe import MAX_PEOPLE
from hrnet_tf.tasks.pose import own_people

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tools.base import LabelledData

# CrowdPose's needs what its own files alone tell.
METRIC = "oks"
_QUARTILES = (0, 0.25, 0.5, 0.75, 1)
# Of the pictures with one person, from which on that is worth a word.
_MOSTLY_ALONE = 0.95
# The longer side of a person in the network's input, px, that has all its points apart.
_SMALL = 32.0


def scenes_of(labelled: "LabelledData", skip_bad: bool = False) -> list[PeopleExample]:
    """Returns whole pictures with their people, for bottom-up training.

    Crowds and people without a labelled keypoint are masked where their outlines are
    told, as those of a file of COCO are; else they count as background.

    Args:
        labelled: `LabelledData` of people.
        skip_bad: bool. Whether outlines that cannot be drawn are skipped and counted.
    Returns:
        List of `PeopleExample`.
    Raises:
        ValueError: for an outline that cannot be drawn.
    """
    masks = dict[int, np.ndarray]()
    # Of several files the numbers of images are new ones.
    if labelled.format == "coco" and labelled.source.is_file():
        sizes = {e.image_id: (e.height, e.width) for e in labelled.examples}
        with told_to_skip():
            people = KeypointSet("own", labelled.names)
            masks = read_masks(labelled.source, sizes, people, skip_bad)
    return [
        _scene(example, masks.get(example.image_id)) for example in labelled.examples
    ]


def _scene(example, runs):
    fields = {f.name: getattr(example, f.name) for f in dataclasses.fields(example)}
    packed, lengths = pack_runs([] if runs is None else [runs])
    masks = {
        "ignored_runs": packed,
        "ignored_lengths": None if runs is None else lengths,
    }
    return PeopleExample(**{**fields, **masks})


def check(
    data: "UserData", settings: dict[str, Any], deep: bool = False
) -> list[Finding]:
    """Checks people before they are trained on; see `OwnData.check`."""
    found = own_people.check(data, settings, deep)
    examples = data.train.examples
    counts = np.array([example.num_people for example in examples])
    alone = float((counts <= 1).mean())
    if alone >= _MOSTLY_ALONE:
        found.append(
            Finding(
                "note",
                f"{alone:.0%} of the pictures show one person.",
                "Telling people apart is learnt from pictures of several; where one is"
                " alone, the task pose finds keypoints better.",
            )
        )
    if counts.max(initial=0) > MAX_PEOPLE:
        found.append(
            Finding(
                "note",
                f"A picture has {counts.max()} people; to tell them apart is learnt of"
                f" the {MAX_PEOPLE} with the most keypoints.",
            )
        )
    side = settings["side"]
    sizes = _network_sizes(examples, side)
    small = float((sizes < _SMALL).mean())
    if small > 0.25:
        found.append(
            Finding(
                "warning",
                f"{small:.0%} of the people are smaller than {_SMALL:.0f} px where the"
                f" shorter side of pictures is {side} px.",
                "Their keypoints fall together: choose a larger --set side=...",
            )
        )
    return found


def _network_sizes(examples, side):
    """The longer sides of people's boxes where pictures have a shorter side, px."""
    scales = [side / min(e.height, e.width) for e in examples]
    longer = [e.boxes[:, 2:].max(1, initial=0.0) for e in examples]
    return np.concatenate([a * s for a, s in zip(longer, scales, strict=True)])


def facts(
    data: UserData, settings: dict[str, Any], deep: bool = False
) -> dict[str, Table]:
    """Tables of keypoints, boxes and people in a picture; see `OwnData.facts`."""
    rows = []
    for split, labelled in data.splits.items():
        counts = [example.num_people for example in labelled.examples]
        rows.append((split, *(f"{q:.0f}" for q in np.quantile(counts, _QUARTILES))))
    columns = ("part", "fewest", "quarter", "half", "three quarters", "most")
    table = Table(columns, tuple(rows))
    return {**own_people.facts(data, settings, deep), "People in a picture": table}
