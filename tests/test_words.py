"""Counts as people write them."""

import re
from pathlib import Path

import pytest

import hrnet_tf
from hrnet_tf.words import counted, singular


@pytest.mark.parametrize(
    "many, one",
    [
        ("people without a labelled keypoint", "person without a labelled keypoint"),
        ("boxes of other categories", "box of other categories"),
        ("crowds", "crowd"),
        (
            "objects of classes that are not known",
            "object of classes that are not known",
        ),
        ("hidden files or folders", "hidden file or folder"),
        ("files beside the class folders", "file beside the class folders"),
        ("skeletons, points and tags", "skeleton, point or tag"),
        ("polygons and brushes", "polygon or brush"),
        ("annotations that were skipped", "annotation that was skipped"),
        ("body parts that belong to no animal", "body part that belongs to no animal"),
        (
            "objects without an outline, whose boxes are ignored",
            "object without an outline, whose box is ignored",
        ),
        ("sub-folders, which are not searched", "sub-folder, which is not searched"),
        ("pictures beside the others have", "picture beside the others has"),
        ("json files without 'shapes'", "json file without 'shapes'"),
        ("instances that SLEAP predicted", "instance that SLEAP predicted"),
    ],
)
def test_one_of_many(many, one):
    assert counted(1, many) == f"1 {one}"
    assert counted(2, many) == f"2 {many}"
    assert counted(0, many) == f"0 {many}"


def test_every_reason_in_the_package_has_a_singular():
    folder = Path(hrnet_tf.__file__).parent
    text = "".join(p.read_text(encoding="utf-8") for p in folder.rglob("*.py"))
    found = set(re.findall(r'left_out\.add\(\s*f?"([a-z][^"]+)"', text))
    assert len(found) > 20
    for reason in found:
        assert singular(reason) != reason, reason
