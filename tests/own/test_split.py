"""Putting a part aside: the same each time, whole groups, copies together."""

import dataclasses
import shutil

import pytest

from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.schema import ClassificationExample
from hrnet_tf.io import read_json
from hrnet_tf.own.reading import UserData
from hrnet_tf.own.split import with_validation, write_split


def data_of(folder, names, labels=None, kind="pose", **arguments):
    """Data of files with a content of their own."""
    examples = []
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
        examples.append(ClassificationExample(str(path), labels[i] if labels else 0))
    found = LabelledData(kind, "coco", folder, examples, ("a", "b"), **arguments)
    return UserData(folder, kind, {"train": found})


def names_of(data, split):
    return {path.rsplit("/", 1)[-1] for path in data.paths(split)}


def test_is_the_same_again_and_where_the_data_lie_elsewhere(tmp_path):
    names = [f"{i:03}.png" for i in range(40)]
    first, content = with_validation(data_of(tmp_path / "a", names))
    again, _ = with_validation(data_of(tmp_path / "b", names))
    assert names_of(first, "val") == names_of(again, "val")
    assert len(first.paths("val")) == 8 and len(first.paths("train")) == 32
    assert content["by"] == "at random" and len(content["train"]) == 32


def test_a_file_is_followed_and_new_pictures_train(tmp_path):
    names = [f"{i:03}.png" for i in range(20)]
    first, content = with_validation(data_of(tmp_path / "a", names))
    write_split(tmp_path / "split.json", content)
    more = data_of(tmp_path / "a", [*names, "900.png", "901.png"])
    again, nothing = with_validation(more, tmp_path / "split.json")
    assert nothing is None
    assert names_of(again, "val") == names_of(first, "val")
    assert len(again.paths("train")) == 18


def test_a_file_of_other_pictures_is_refused(tmp_path):
    _, content = with_validation(data_of(tmp_path / "a", ["1.png", "2.png", "3.png"]))
    path = tmp_path / "split.json"
    write_split(path, content)
    other = data_of(tmp_path / "b", ["7.png", "8.png"])
    with pytest.raises(ValueError, match="divides other pictures.*overwrite=True"):
        with_validation(other, path)
    _, content = with_validation(other, path, overwrite=True)
    assert len(content["val"]) == 1
    assert read_json(path) != content


@pytest.mark.parametrize(
    "stem", ["{0}_{1}.png", "sub{0}/{1:02}.png", "{0}-frame{1}.png"]
)
def test_groups_stay_together(tmp_path, stem):
    names = [stem.format("abcdefgh"[i // 5], i) for i in range(40)]
    data, content = with_validation(data_of(tmp_path, names))
    groups = [{"abcdefgh"[names.index(n) // 5] for n in content[s]} for s in _SPLITS]
    assert not groups[0] & groups[1] and groups[1]
    assert content["by"].startswith("by the 8")
    assert 3 <= len(data.paths("val")) <= 12


_SPLITS = ("train", "val")


def test_groups_of_the_file_win(tmp_path):
    data = data_of(tmp_path, [f"{i}.png" for i in range(20)])
    groups = {path: str(i % 4) for i, path in enumerate(data.paths("train"))}
    labelled = dataclasses.replace(data.train, groups=groups)
    data, content = with_validation(
        dataclasses.replace(data, splits={"train": labelled})
    )
    assert content["by"] == "by the 4 videos or subjects of the file"
    assert len({groups[path] for path in data.paths("val")}) == 1


def test_copies_of_a_picture_stay_together(tmp_path):
    data = data_of(tmp_path, [f"{i:02}.png" for i in range(20)])
    paths = data.paths("train")
    for copy in paths[1:15]:
        shutil.copy(paths[0], copy)
    divided, _ = with_validation(data)
    inside = [path in divided.paths("val") for path in paths[:15]]
    assert all(inside) or not any(inside)


def test_each_class_is_divided(tmp_path):
    labels = [0] * 30 + [1] * 5
    names = [f"{label}/{i}.png" for i, label in enumerate(labels)]
    data = data_of(tmp_path, names, labels, kind="classification")
    divided, content = with_validation(data)
    assert {e.label for e in divided.val.examples} == {0, 1}
    assert {e.label for e in divided.train.examples} == {0, 1}
    assert content["by"] == "at random in each class"


def test_one_picture_cannot_be_divided(tmp_path):
    with pytest.raises(ValueError, match="1 labelled picture.*as val"):
        with_validation(data_of(tmp_path, ["1.png"]))
