"""Objects in PASCAL VOC's layout."""

import shutil

import pytest
from drawn_people import draw_pictures

from hrnet_tf.data.formats import voc_objects
from hrnet_tf.data.object_sets import BCCD, ObjectSet

OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>
<xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax>
</bndbox></object>"""


def drawn(folder, *objects, size=(40, 30)):
    """A folder of a picture with objects, and one without."""
    draw_pictures(folder / "JPEGImages", "a.png", "b.png")
    (folder / "Annotations").mkdir()
    for name, entries in (("a", objects), ("b", ())):
        text = "".join(
            OBJECT.format(name=label, box=box, difficult=difficult)
            for label, box, difficult in entries
        )
        sides = f"<width>{size[0]}</width><height>{size[1]}</height>"
        (folder / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>x.jpg</filename><size>{sides}</size>"
            f"{text}</annotation>"
        )
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "test.txt").write_text("b -1\n")
    return folder


def test_objects_are_read_with_pixels_counted_from_1(tmp_path):
    data = drawn(tmp_path, ("cat", (1, 2, 10, 30), 0), ("ant", (5, 5, 40, 6), 1))
    found = voc_objects.read_objects(data)
    assert found.object_set.classes == ("ant", "cat")
    first, second = found.examples
    assert first.boxes.tolist() == [[0, 1, 10, 30], [4, 4, 40, 6]]
    assert first.classes.tolist() == [1, 0]
    assert first.difficult.tolist() == [False, True]
    assert second.num_objects == 0 and (first.image_id, second.image_id) == (1, 2)


def test_lists_choose_the_pictures(tmp_path):
    data = drawn(tmp_path, ("cat", (1, 2, 10, 30), 0))
    cats = ObjectSet("cats", ("cat",))
    assert voc_objects.split_names(data) == ["test", "train"]
    (example,) = voc_objects.load_detection(data, "test", cats)
    assert example.image_path.endswith("b.png") and example.image_id == 2
    with pytest.raises(ValueError, match="There is no list .*val.txt.* test, train"):
        voc_objects.load_detection(data, "val", cats)


def test_pictures_of_lists_have_different_ids(tmp_path):
    data = drawn(tmp_path, ("cat", (1, 2, 10, 30), 0))
    for part in ("Annotations", "JPEGImages"):
        (data / part / "more").mkdir()
        for file in list((data / part).glob("[ab].*")):
            shutil.copy(file, data / part / "more")
    (data / "ImageSets" / "Main" / "train.txt").write_text("more/a\na\nmore/b\n")
    examples = voc_objects.load_detection(data, "train")
    assert [e.image_id for e in examples] == [3, 1, 4]


@pytest.mark.parametrize(
    ("box", "what"),
    [
        (
            (10, 2, 10, 30),
            "a.xml: object 1.*\\[10.0, 2.0, 10.0, 30.0\\]; expected xmax",
        ),
        ((10, 2, 5, 30), "expected xmax above xmin"),
        ((100, 2, 110, 30), "box outside its image"),
        (("x", 2, 5, 30), "<bndbox/xmin> is 'x'; expected a number"),
    ],
)
def test_bad_boxes_are_told_or_skipped(tmp_path, box, what):
    data = drawn(tmp_path, ("cat", box, 0), ("cat", (1, 2, 10, 30), 0))
    with pytest.raises(ValueError, match=what):
        voc_objects.load_detection(data)
    with pytest.warns(UserWarning, match="skipped 1 bad example"):
        first, _ = voc_objects.load_detection(data, skip_bad=True)
    assert first.num_objects == 1


def test_bad_files_are_told(tmp_path):
    data = drawn(tmp_path, ("cat", (1, 2, 10, 30), 0), size=(99, 30))
    with pytest.raises(ValueError, match="annotation says 99x30"):
        voc_objects.load_detection(data)
    (data / "Annotations" / "a.xml").write_text("<annotation>")
    with pytest.raises(ValueError, match="a.xml is no valid xml"):
        voc_objects.load_detection(data)
    with pytest.raises(ValueError, match="holds no xml files"):
        voc_objects.load_detection(data / "JPEGImages")


def test_blood_cells(shared):
    data = shared / "data" / "bccd"
    examples = voc_objects.load_detection(data, "test", BCCD)
    assert len(examples) == 72
    with pytest.raises(ValueError, match="BloodImage_00343.xml: object 4"):
        voc_objects.load_detection(data, "train", BCCD)
    with pytest.warns(UserWarning, match="1 x box without area"):
        examples = voc_objects.load_detection(data, "train", BCCD, skip_bad=True)
    assert len(examples) == 205 and sum(e.num_objects for e in examples) == 2804
