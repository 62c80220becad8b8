"""Projects of DeepLabCut, as its labelling writes them."""

import h5py
import numpy as np
import pytest
from drawn_people import draw_pictures

from hrnet_tf.data.formats.tools import find_format, read_labelled

NEW = """\
scorer,,,me,me,me,me
bodyparts,,,tip,tip,ear,ear
coords,,,x,y,x,y
labeled-data,walk,img01.png,10.5,5,,
labeled-data,walk,img02.png,,,,
labeled-data,walk,img03.png,12,6.25,20,9
"""
OLD = """\
scorer,me,me,me,me
bodyparts,tip,tip,ear,ear
coords,x,y,x,y
labeled-data\\walk\\img01.png,10.5,5,,
labeled-data\\walk\\img03.png,12,6.25,20,9
"""
ANIMALS = """\
scorer,,,me,me,me,me,me,me,me,me,me,me
individuals,,,a,a,a,a,b,b,b,b,single,single
bodyparts,,,tip,tip,ear,ear,tip,tip,ear,ear,corner,corner
coords,,,x,y,x,y,x,y,x,y,x,y
labeled-data,walk,img01.png,10,5,12,6,,,20,9,1,1
"""


@pytest.fixture
def project(tmp_path):
    """A function that makes a project of a table's text."""

    def make(text, video="walk"):
        folder = tmp_path / "labeled-data" / video
        draw_pictures(folder, "img01.png", "img02.png", "img03.png")
        (folder / "CollectedData_me.csv").write_text(text.replace("walk", video))
        (tmp_path / "config.yaml").write_text(
            "scorer: me\nskeleton:\n- - tip\n  - ear\n- - tip\n  - absent\n"
        )
        return tmp_path

    return make


def write_h5(path, values, columns, pictures):
    """Writes what pandas does for a table whose rows are paths."""
    with h5py.File(path, "w") as file:
        group = file.create_group("df_with_missing")
        group.attrs["nblocks"] = 1
        group["axis1"] = np.array(pictures, "S")
        for axis in ("axis0", "block0_items"):
            for level, name in enumerate(("scorer", "bodyparts", "coords")):
                texts = [column[level] for column in columns]
                known = sorted(set(texts))
                group[f"{axis}_level{level}"] = np.array(known, "S")
                group[f"{axis}_level{level}"].attrs["name"] = np.bytes_(name)
                group[f"{axis}_label{level}"] = [known.index(text) for text in texts]
        group["block0_values"] = np.array(values, float)


def points(data):
    return [example.keypoints.tolist() for example in data.examples]


def test_a_project(project):
    data = read_labelled(project(NEW))
    assert (data.task, data.format, data.names) == ("pose", "dlc", ("tip", "ear"))
    assert data.skeleton == (("tip", "ear"),)
    assert points(data) == [
        [[[10.5, 5, 2], [0, 0, 0]]],
        [[[12, 6.25, 2], [20, 9, 2]]],
    ]
    assert set(data.groups.values()) == {"walk"}
    assert list(data.left_out.counts.values()) == [(1, "labeled-data/walk/img02.png")]
    assert "all that are placed were read as visible" in data.notes[0]


def test_tables_of_older_releases(project):
    assert points(read_labelled(project(OLD))) == points(read_labelled(project(NEW)))


def test_a_table_of_one_row(project):
    data = read_labelled(project("\n".join(NEW.split("\n")[:4])))
    assert points(data) == [[[[10.5, 5, 2], [0, 0, 0]]]]


def test_several_animals_and_what_belongs_to_none(project):
    data = read_labelled(project(ANIMALS))
    assert data.names == ("tip", "ear")
    assert points(data) == [
        [[[10, 5, 2], [12, 6, 2]], [[0, 0, 0], [20, 9, 2]]],
    ]
    assert data.left_out.counts == {
        "body parts that belong to no animal": (1, "corner")
    }


def test_the_same_parts_of_several_videos(project):
    project(NEW)
    path = project(NEW.replace("tip", "x1").replace("ear", "tip"), "run")
    with pytest.raises(ValueError, match="different body parts: x1, tip .* tip, ear"):
        read_labelled(path)
    swapped = NEW.replace("tip", "?").replace("ear", "tip").replace("?", "ear")
    data = read_labelled(project(swapped, "run"))
    assert set(data.groups.values()) == {"walk", "run"}
    # The first table gives the order; names are compared.
    assert data.names == ("ear", "tip")
    assert points(data)[3] == [[[20, 9, 2], [12, 6.25, 2]]]


def test_a_deleted_picture_moves_no_labels(project):
    path = project(NEW)
    (path / "labeled-data" / "walk" / "img01.png").unlink()
    with pytest.raises(ValueError, match="labels of labeled-data/walk/img01.png, but"):
        read_labelled(path)
    with pytest.warns(UserWarning, match="1 x absent image"):
        data = read_labelled(path, skip_bad=True)
    assert points(data) == [[[[12, 6.25, 2], [20, 9, 2]]]]
    assert data.examples[0].image_path.endswith("img03.png")


def test_a_table_in_hdf5(project, tmp_path):
    table = project(NEW) / "labeled-data" / "walk" / "CollectedData_me.csv"
    columns = [("me", part, axis) for part in ("tip", "ear") for axis in "xy"]
    values = [[10.5, 5, np.nan, np.nan], [12, 6.25, 20, 9]]
    names = [f"labeled-data/walk/img0{i}.png" for i in (1, 3)]
    write_h5(table.with_suffix(".h5"), values, columns, names)
    assert find_format(table.with_suffix(".h5")).name == "dlc"
    expected = points(read_labelled(tmp_path))
    assert points(read_labelled(table.with_suffix(".h5"))) == expected
    table.unlink()
    assert points(read_labelled(tmp_path)) == expected


def test_says_that_the_table_in_hdf5_is_another_one(project, tmp_path):
    table = project(OLD) / "labeled-data" / "walk" / "CollectedData_me.csv"
    columns = [("me", part, axis) for part in ("tip", "ear") for axis in "xy"]
    values = np.array([[10.5, 5, np.nan, np.nan], [12, 6.25, 20, 9]])
    names = [f"labeled-data/walk/img0{i}.png" for i in (1, 3)]
    write_h5(table.with_suffix(".h5"), values, columns, names)
    assert len(read_labelled(tmp_path).notes) == 2
    write_h5(table.with_suffix(".h5"), values + 1, columns, names)
    assert "holds other labels" in " ".join(read_labelled(tmp_path).notes)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("coords,,,x,y,x,y", "coords,,,x,y,x,z", "only x of ear"),
        ("bodyparts,", "parts,", "no bodyparts and coords among its headers"),
        ("6.25,20,9", "6.25,20", "img03.png has 6 cells, the headers have 7"),
        ("6.25", "6,25", "img03.png has 8 cells"),
        ("6.25", "left", "img03.png holds 'left'; expected numbers"),
        ("tip,tip,ear,ear", "tip,tip,tip,tip", "column tip, x more than once"),
        ("12,6.25,20,9", "1200,600,2000,900", "person lies at .* outside of .*40x30"),
    ],
)
def test_says_what_is_wrong(project, old, new, message):
    with pytest.raises(ValueError, match=message):
        read_labelled(project(NEW.replace(old, new)), format="dlc")


def test_labels_of_two_people(project, tmp_path):
    project(NEW)
    folder = tmp_path / "labeled-data" / "walk"
    (folder / "CollectedData_you.csv").write_text(NEW.replace("me", "you"))
    assert points(read_labelled(tmp_path))
    (tmp_path / "config.yaml").write_text("task: mice")
    with pytest.raises(ValueError, match="labels of several people: .*me.csv, .*you"):
        read_labelled(tmp_path)
