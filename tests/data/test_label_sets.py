import json
from types import SimpleNamespace

import numpy as np
import pytest

from hrnet_tf.data.label_set import bit_palette
from hrnet_tf.data.label_sets import (
    IGNORE_LABEL,
    LabelSet,
    load_label_set,
    model_label_set,
)
from hrnet_tf.data.label_tables import LABEL_SETS

ORCHARD = {
    "name": "orchard",
    "classes": ["ground", "left_row", "right_row"],
    "palette": [[90, 70, 50], [0, 130, 0], [220, 20, 20]],
    "label_ids": [0, 40, 7],
    "ignored_ids": [9, 255],
    "flip_pairs": [["left_row", 2]],
    "class_weights": [0.5, 1, 2.5],
}


@pytest.mark.parametrize("name", list(LABEL_SETS))
def test_built_in_sets_are_consistent(name):
    label_set = LABEL_SETS[name]
    assert label_set.name == name
    count = label_set.num_classes
    # Every class is translated back and forth, and nothing else is a class.
    table, ids = label_set.lookup(), np.array(label_set.file_ids)
    assert table[ids].tolist() == list(range(count))
    assert (table != IGNORE_LABEL).sum() == count
    assert label_set.to_file_ids(np.arange(count)).tolist() == ids.tolist()
    assert label_set.known_ids().sum() == count + len(label_set.ignored_ids)
    assert (table[list(label_set.ignored_ids)] == IGNORE_LABEL).all()
    assert not any("\n" in text or text != text.strip() for text in label_set.classes)
    restored = LabelSet.from_dict(json.loads(json.dumps(label_set.to_dict())))
    assert restored == label_set and hash(restored) == hash(label_set)


@pytest.mark.parametrize(
    "name, count, first, last",
    [
        ("cityscapes", 19, "road", "bicycle"),
        ("cityscapes_train_ids", 19, "road", "bicycle"),
        ("lip", 20, "background", "right-shoe"),
        ("pascal_context_59", 59, "aeroplane", "wood"),
        ("pascal_context_60", 60, "background", "wood"),
        ("ade20k", 150, "wall", "flag"),
        ("coco_stuff", 171, "person", "wood"),
        ("coco_stuff_164k", 171, "person", "wood"),
        ("coco_stuff_train_ids", 171, "person", "wood"),
        ("voc", 21, "background", "tvmonitor"),
        ("camvid", 11, "sky", "bicyclist"),
    ],
)
def test_official_classes(name, count, first, last):
    label_set = load_label_set(name)
    assert label_set.num_classes == count
    assert (label_set.classes[0], label_set.classes[-1]) == (first, last)
    # The organisers of ADE20K gave two classes the same grey.
    assert len(set(label_set.palette)) == count - (name == "ade20k")


def test_cityscapes_is_numbered_as_by_the_official_code():
    official = {7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9}
    official |= {23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18}
    label_set = LABEL_SETS["cityscapes"]
    table = label_set.lookup()
    for value in range(34):
        assert table[value] == official.get(value, IGNORE_LABEL)
    assert label_set.known_ids()[:34].all() and not label_set.known_ids()[34]
    # The weights have a mean of 1; those of road and bicycle.
    assert sum(label_set.class_weights) == pytest.approx(19, abs=1e-3)
    assert label_set.class_weights[::18] == (0.8373, 1.0507)
    assert label_set.palette[13] == (0, 0, 142)  # car
    # A pixel that is ignored is written as "unlabeled".
    assert label_set.to_file_ids([[13, IGNORE_LABEL]]).tolist() == [[26, 0]]


def test_other_files_values():
    stuff = LABEL_SETS["coco_stuff"].lookup()
    assert [stuff[v] for v in (0, 1, 11, 12, 13, 90, 91, 92, 182)] == [
        *(IGNORE_LABEL, 0, 10, IGNORE_LABEL, 11, 79, IGNORE_LABEL, 80, 170)
    ]
    shifted = LABEL_SETS["coco_stuff_164k"].lookup()
    assert (shifted[:182] == stuff[1:183]).all() and shifted[255] == IGNORE_LABEL
    ade = LABEL_SETS["ade20k"].lookup()
    assert (ade[0], ade[1], ade[150]) == (IGNORE_LABEL, 0, 149)
    assert LABEL_SETS["pascal_context_59"].lookup()[[0, 1, 59]].tolist() == [255, 0, 58]
    assert LABEL_SETS["pascal_context_60"].lookup()[[0, 1, 59]].tolist() == [0, 1, 59]
    flipped = LABEL_SETS["lip"].flip_indices
    assert flipped == (*range(14), 15, 14, 17, 16, 19, 18)


def test_generated_colours():
    # The first colours of VOClabelcolormap.
    assert bit_palette(5) == (
        *((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128)),
    )
    assert len(set(bit_palette(256))) == 256
    label_set = LabelSet("many", [f"class {i}" for i in range(255)])
    assert len(set(label_set.palette)) == 255
    assert (0, 0, 0) not in label_set.palette
    voc, context = LABEL_SETS["voc"], LABEL_SETS["pascal_context_60"]
    assert voc.palette == bit_palette(21)
    assert context.palette[1:] == LABEL_SETS["pascal_context_59"].palette


def test_values_are_translated():
    label_set = LabelSet.from_dict(ORCHARD)
    assert label_set.num_classes == 3
    assert label_set.flip_pairs == (("left_row", "right_row"),)
    assert label_set.flip_indices == (0, 2, 1)
    assert label_set.index("right_row") == 2
    table = label_set.lookup()
    assert table.dtype == np.uint8 and table.shape == (256,)
    assert table[[0, 40, 7]].tolist() == [0, 1, 2]
    assert (np.delete(table, [0, 40, 7]) == IGNORE_LABEL).all()
    assert np.flatnonzero(label_set.known_ids()).tolist() == [0, 7, 9, 40, 255]
    written = label_set.to_file_ids(np.array([[0, 1], [2, 255]], np.int64))
    assert written.dtype == np.uint8 and written.tolist() == [[0, 40], [7, 9]]
    with pytest.raises(ValueError, match="'orchard': a label map holds 3; expected 0"):
        label_set.to_file_ids([1, 3])
    with pytest.raises(ValueError, match=r"holds -1; expected 0 to 2 and 255\."):
        label_set.to_file_ids([1, -1])


def test_a_set_may_ignore_nothing_and_use_every_value():
    label_set = LabelSet("mask", ("outside", "inside"), (), (0, 255), ())
    assert label_set.lookup()[[0, 255]].tolist() == [0, 1]
    assert label_set.to_file_ids([0, 1]).tolist() == [0, 255]
    with pytest.raises(ValueError, match=r"holds 255; expected 0 to 1\."):
        label_set.to_file_ids([IGNORE_LABEL])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"name": ""}, "A label set needs a name.*''"),
        ({"classes": []}, r"Label set 'orchard': classes is \[\]; expected a list of"),
        ({"classes": ["a", "b"]}, "palette holds 3 colours; .* each of the 2 classes"),
        ({"classes": ["a", "b", "a"]}, r"classes holds \['a'\] more than once"),
        ({"classes": ["a", "b", 3]}, "classes holds 3; expected non-empty strings"),
        ({"palette": [[0, 0, 0]]}, "palette holds 1 colours; expected one"),
        ({"palette": "red"}, "palette holds 3 colours; expected one"),
        ({"palette": [[0, 0]] * 3}, r"palette holds \[0, 0\]; expected \[red, green"),
        ({"palette": [[0, 0, 256]] * 3}, r"palette holds \[0, 0, 256\]"),
        ({"label_ids": [0, 1]}, "label_ids holds 2 values for 3 classes"),
        ({"label_ids": [0, 1, 1]}, r"label_ids holds \[1\] more than once"),
        ({"label_ids": [0, 1, 256]}, "label_ids is .*whole numbers from 0 to 255"),
        ({"label_ids": [0, 1, True]}, "label_ids is .*whole numbers from 0 to 255"),
        ({"ignored_ids": [7]}, r"values \[7\] stand for classes and are ignored"),
        ({"ignored_ids": 255}, "ignored_ids is 255; expected whole numbers"),
        ({"ignored_ids": [-1]}, r"ignored_ids is \[-1\]; expected whole numbers"),
        ({"flip_pairs": [[1, 3]]}, "index 3, which is out of range: there are 3 class"),
        ({"flip_pairs": [["left_row", "sky"]]}, "'sky', which is no class of this"),
        ({"flip_pairs": [[0, 1], [1, 2]]}, "'left_row' more than once.*a class has"),
        ({"class_weights": [1, 2]}, "class_weights is .*each of the 3 classes"),
        ({"class_weights": [1, 2, 0]}, "class_weights holds 0; expected positive"),
        ({"colour": "red"}, r"A label set has the fields.*unknown: \['colour'\]"),
    ],
)
def test_contradictions_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        LabelSet.from_dict({**ORCHARD, **changes})


def test_too_many_classes():
    with pytest.raises(ValueError, match="there are 256 classes; an 8-bit label map"):
        LabelSet("many", [f"class {i}" for i in range(256)])


def test_load_by_name_json_and_python(tmp_path):
    assert load_label_set("lip") is LABEL_SETS["lip"]
    expected = LabelSet.from_dict(ORCHARD)
    assert load_label_set(expected) is expected
    json_file = tmp_path / "orchard.json"
    json_file.write_text(json.dumps({k: v for k, v in ORCHARD.items() if k != "name"}))
    assert load_label_set(json_file) == expected  # named by the file
    python_file = tmp_path / "descriptor.py"
    python_file.write_text(
        "from hrnet_tf.data.label_sets import LabelSet\n"
        f"LABELS = LabelSet(**{ORCHARD!r})\n"
    )
    assert load_label_set(python_file) == expected
    python_file.write_text("KEYPOINTS = {}\n")
    with pytest.raises(ValueError, match="define LABELS. Assign a dict with 'classes'"):
        load_label_set(python_file)
    with pytest.raises(ValueError, match="no label set 'absent'.*'cityscapes'"):
        load_label_set("absent")
    json_file.write_text('{"classes": ["a", "b"], "label_ids": [1]}')
    with pytest.raises(ValueError, match="orchard.json: Label set .*label_ids holds"):
        load_label_set(json_file)


def test_a_model_carries_its_set():
    fields = LABEL_SETS["lip"].to_dict()
    model = SimpleNamespace(arguments={"label_set": fields})
    assert model_label_set(model) == LABEL_SETS["lip"]
    assert model_label_set(SimpleNamespace(arguments={"label_set": None})) is None
    assert model_label_set(SimpleNamespace(arguments={})) is None
