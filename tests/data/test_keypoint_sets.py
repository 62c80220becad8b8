import json

import pytest

from hrnet_tf.data.keypoint_sets import (
    KEYPOINT_SETS,
    KeypointSet,
    load_keypoint_set,
)

HAND = {
    "name": "hand",
    "names": ["wrist", "left_tip", "right_tip"],
    "flip_pairs": [["left_tip", "right_tip"]],
    "skeleton": [[0, 1], ["wrist", "right_tip"]],
    "sigmas": [0.05, 0.03, 0.03],
    "upper_body": [1, 2],
    "pck_reference": ["left_tip", 2],
}


@pytest.mark.parametrize("name", list(KEYPOINT_SETS))
def test_built_in_sets_are_consistent(name):
    keypoint_set = KEYPOINT_SETS[name]
    indices = keypoint_set.flip_indices
    assert sorted(indices) == list(range(keypoint_set.num_keypoints))
    assert [indices[i] for i in indices] == list(range(keypoint_set.num_keypoints))
    for i, j in enumerate(indices):
        swapped = {"left": "right", "right": "left"}
        side, _, rest = keypoint_set.names[i].partition("_")
        expected = f"{swapped[side]}_{rest}" if side in swapped else f"{side}_{rest}"
        assert keypoint_set.names[j] == expected.rstrip("_")
    restored = KeypointSet.from_dict(json.loads(json.dumps(keypoint_set.to_dict())))
    assert restored == keypoint_set and hash(restored) == hash(keypoint_set)


def test_official_numbers():
    coco, mpii = KEYPOINT_SETS["coco"], KEYPOINT_SETS["mpii"]
    assert coco.num_keypoints == 17 and mpii.num_keypoints == 16
    assert sum(coco.sigmas) == pytest.approx(1.138)
    assert [coco.index(name) for name in coco.upper_body] == list(range(11))
    assert mpii.flip_indices == (5, 4, 3, 2, 1, 0, 6, 7, 8, 9, 15, 14, 13, 12, 11, 10)


def test_names_follow_the_annotation_files(shared):
    for file, name in (
        ("samples/coco/test_coco.json", "coco"),
        ("data/lspet/annotations/person_keypoints_val.json", "lsp"),
    ):
        category = json.loads((shared / file).read_text())["categories"][0]
        names = KEYPOINT_SETS[name].names
        assert len(names) == len(category["keypoints"])
        for ours, theirs in zip(names, category["keypoints"], strict=True):
            theirs = theirs.replace("r_", "right_", 1) if theirs[:2] == "r_" else theirs
            theirs = theirs.replace("l_", "left_", 1) if theirs[:2] == "l_" else theirs
            assert ours == theirs
        limbs = {
            frozenset((names[a - 1], names[b - 1])) for a, b in category["skeleton"]
        }
        assert {frozenset(limb) for limb in KEYPOINT_SETS[name].skeleton} == limbs


def test_indices_and_names_describe_the_same_set():
    keypoint_set = KeypointSet.from_dict(HAND)
    assert keypoint_set.skeleton == (("wrist", "left_tip"), ("wrist", "right_tip"))
    assert keypoint_set.upper_body == ("left_tip", "right_tip")
    assert keypoint_set.pck_reference == ("left_tip", "right_tip")
    assert keypoint_set.flip_indices == (0, 2, 1)
    assert keypoint_set.index("right_tip") == 2


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"name": ""}, "needs a name.*''"),
        ({"names": []}, r"'hand': names is \[\]"),
        ({"names": ["a", 3, "c"]}, "names holds 3"),
        ({"names": ["a", "b", "a"]}, r"\['a'\] more than once"),
        ({"flip_pairs": [[1, 3]]}, "flip_pairs holds the index 3.*indices 0 to 2"),
        ({"flip_pairs": [[-1, 1]]}, "index -1, which is out of range"),
        ({"flip_pairs": [["left_tip", "nose"]]}, "'nose', which is no keypoint"),
        ({"flip_pairs": [[1, 2], [0, 1]]}, "'left_tip' more than once"),
        ({"flip_pairs": [[1, 1]]}, "'left_tip' more than once"),
        ({"flip_pairs": [[1, 2, 0]]}, "expected a pair"),
        ({"flip_pairs": 3}, "expected a list of pairs"),
        ({"skeleton": [[0, 7]]}, "skeleton holds the index 7"),
        ({"sigmas": [0.1, 0.1]}, "sigmas is.*each of the 3 keypoints"),
        ({"sigmas": [0.1, 0.1, 0]}, "sigmas holds 0; expected positive"),
        ({"sigmas": [0.1, 0.1, float("nan")]}, "sigmas holds nan"),
        ({"upper_body": ["elbow"]}, "upper_body holds 'elbow'"),
        ({"upper_body": [1, 1]}, "upper_body repeats"),
        ({"pck_reference": ["wrist"]}, "pck_reference holds"),
        ({"colour": "red"}, r"unknown: \['colour'\]"),
    ],
)
def test_contradictions_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        KeypointSet.from_dict({**HAND, **changes})


def test_load_by_name_json_and_python(tmp_path):
    assert load_keypoint_set("coco") is KEYPOINT_SETS["coco"]
    expected = KeypointSet.from_dict(HAND)
    assert load_keypoint_set(expected) is expected
    json_file = tmp_path / "hand.json"
    json_file.write_text(json.dumps({k: v for k, v in HAND.items() if k != "name"}))
    assert load_keypoint_set(json_file) == expected  # named by the file
    python_file = tmp_path / "descriptor.py"
    python_file.write_text(f"KEYPOINTS = {HAND!r}\n")
    assert load_keypoint_set(str(python_file)) == expected
    python_file.write_text(
        "from hrnet_tf.data.keypoint_sets import KeypointSet\n"
        f"KEYPOINTS = KeypointSet(**{HAND!r})\n"
    )
    assert load_keypoint_set(python_file) == expected


@pytest.mark.parametrize(
    "file, text, message",
    [
        ("absent.json", None, "no keypoint set .*absent.json.*'coco'"),
        ("broken.json", '{"names": [', "broken.json is not valid json"),
        ("list.json", "[1]", "list.json: A keypoint set is described by a dict"),
        ("empty.json", "{}", r"empty.json: .*missing: \['names'\]"),
        (
            "range.json",
            '{"names": ["a"], "flip_pairs": [[0, 1]]}',
            "range.json.*index 1",
        ),
        ("raises.py", "1 / 0", "raises.py could not be executed: ZeroDivisionError"),
        ("other.py", "x = 1", "other.py does not define KEYPOINTS"),
    ],
)
def test_bad_descriptor_files_are_named(tmp_path, file, text, message):
    if text is not None:
        (tmp_path / file).write_text(text)
    with pytest.raises(ValueError, match=message):
        load_keypoint_set(tmp_path / file)
