"""Labels of several files in one description."""

import json
import shutil

import numpy as np
import pytest
from own_people import draw_people

from hrnet_tf.own.layout import find_layout, kind_of
from hrnet_tf.own.reading import read_data


def people(folder, count, names, **fields):
    content = draw_people(folder, count, names=names, **fields)
    path = folder / "labels.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def several(tmp_path):
    """Two files in folders of their own, the second with another order and a name."""
    people(tmp_path / "a", 4, ("nose", "left_paw", "right_paw"))
    people(tmp_path / "b", 3, ("tail", "nose"), seed=1, stem="late{}_{}")
    path = tmp_path / "mice.yaml"
    path.write_text(
        "train: [a/labels.json, {labels: b/labels.json, images: b/images}]\n"
        "pck_reference: [nose, tail]\n"
    )
    return path


def test_keypoints_are_matched_by_name(several):
    alone = [read_data(several.parent / n / "labels.json", "pose") for n in "ab"]
    assert kind_of(several) == (None, "pose")
    data = read_data(several, "pose").train
    assert data.names == ("nose", "left_paw", "right_paw", "tail")
    assert len(data.examples) == 7 and data.category == "mouse"
    late = data.examples[4:]
    for example, wanted in zip(late, alone[1].train.examples, strict=True):
        np.testing.assert_array_equal(
            example.keypoints[:, [3, 0]], wanted.keypoints[:, :2]
        )
        assert not example.keypoints[:, 1:3].any()
    assert [e.image_id for e in data.examples] == list(range(1, 8))
    assert np.unique(np.concatenate([e.ids for e in data.examples])).size == 7
    assert data.notes[0].startswith("Labels of 2 files: 4 pictures of ")
    note = "left_paw, right_paw: in other files, but not in"
    assert any(text.startswith(note) for text in data.notes)


def test_of_a_picture_in_two_files_the_last_labels_count(several):
    folder = several.parent
    content = json.loads((folder / "a" / "labels.json").read_text())
    for annotation in content["annotations"]:
        annotation["keypoints"] = [1.0, 2.0, 2] * 3
    content["annotations"] = content["annotations"][:1]
    (folder / "corrected.json").write_text(json.dumps(content))
    several.write_text("images: a/images\ntrain: [a/labels.json, corrected.json]\n")
    data = read_data(several, "pose").train
    assert len(data.examples) == 4
    corrected = data.examples[-1]
    assert corrected.image_path.endswith("mouse0_0.png")
    assert (corrected.keypoints == [1, 2, 2]).all()
    counts = data.left_out.counts
    assert counts["pictures that a later file labels, too"][0] == 1


def test_classes_of_objects_are_matched_by_name(tmp_path):
    content = draw_people(tmp_path, 2)
    for name, category in (("a", "mouse"), ("b", "rat")):
        content["categories"] = [{"id": 1, "name": category}]
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
        shutil.copytree(tmp_path / "images", tmp_path / name)
    path = tmp_path / "both.json"
    parts = [{"labels": f"{name}.json", "images": name} for name in "ab"]
    path.write_text(json.dumps({"train": parts}))
    data = read_data(path, "detection").train
    assert data.names == ("mouse", "rat")
    assert [e.classes.tolist() for e in data.examples] == [[0], [0], [1], [1]]


def test_an_empty_list_is_no_part(several):
    several.write_text("train: []\n")
    with pytest.raises(ValueError, match=r"train is \[\]; .* or a list of such"):
        find_layout(several, "pose")
