"""Exports of Label Studio."""

import copy

import numpy as np
import pytest
from all_shapes import brush_stream
from drawn_people import HEIGHT, WIDTH, draw_pictures, write
from PIL import Image

from hrnet_tf.data.formats.tools import read_labelled

UPLOAD = "/data/upload/3/0a1b2c3d-a.png"
STORED = "/data/local-files/?d=photos%2Fb.png"


def result(id_, kind, value, **fields):
    size = {"original_width": WIDTH, "original_height": HEIGHT, "image_rotation": 0}
    return {"id": id_, "type": kind, "value": value, "from_name": "q", **size, **fields}


def point(id_, label, x, y, **fields):
    """A keypoint, given in pixels."""
    value = {"x": 100 * (x + 0.5) / WIDTH, "y": 100 * (y + 0.5) / HEIGHT, "width": 0.3}
    return result(id_, "keypointlabels", {**value, "keypointlabels": [label]}, **fields)


def box(id_, x, y, width, height, **fields):
    value = {"x": 100 * x / WIDTH, "y": 100 * y / HEIGHT}
    value |= {"width": 100 * width / WIDTH, "height": 100 * height / HEIGHT}
    value["rectanglelabels"] = ["person"]
    return result(id_, "rectanglelabels", value, **fields)


def said(id_, *choices, **fields):
    return result(id_, "choices", {"choices": list(choices)}, **fields)


def task(number, image, *results, **fields):
    annotation = {"id": number, "result": list(results), "was_cancelled": False}
    return {
        "id": number,
        "data": {"image": image},
        "annotations": [annotation],
        "predictions": [],
        **fields,
    }


@pytest.fixture
def folder(tmp_path):
    return draw_pictures(tmp_path, "a.png", "photos/b.png", "c.png")


def read(folder, *tasks, **options):
    return read_labelled(write(folder / "export.json", list(tasks)), **options)


def people(data):
    return [np.round(example.keypoints, 4).tolist() for example in data.examples]


def test_one_person_a_picture(folder):
    data = read(
        folder,
        task(1, UPLOAD, point("1", "tip", 10, 5), point("2", "ear", 12.25, 6)),
        task(2, STORED, point("3", "ear", 0, 0), said("3", "occluded")),
    )
    assert (data.task, data.format, data.names) == (
        "pose",
        "label_studio",
        ("tip", "ear"),
    )
    assert people(data) == [
        [[[10, 5, 2], [12.25, 6, 2]]],
        [[[0, 0, 0], [0, 0, 1]]],
    ]
    assert [e.image_path.rsplit("/", 2)[1:] for e in data.examples][1] == [
        "photos",
        "b.png",
    ]
    assert "half a pixel was taken off" in data.notes[0]


def test_people_by_parent_or_relation_or_place(folder):
    boxes = box("A", 5, 2, 10, 10), box("B", 20, 2, 12, 10), box("C", 0, 20, 5, 5)
    related = {"type": "relation", "from_id": "4", "to_id": "B", "direction": "right"}
    data = read(
        folder,
        task(
            1,
            UPLOAD,
            *boxes,
            point("1", "tip", 10, 5, parentID="A"),
            # In B's box, but A's all the same.
            point("2", "ear", 22, 6, parentID="A"),
            point("3", "tip", 25, 5),
            point("4", "ear", 3, 3),
            related,
        ),
    )
    assert people(data) == [[[[10, 5, 2], [22, 6, 2]], [[25, 5, 2], [3, 3, 2]]]]
    assert np.allclose(data.examples[0].boxes, [[5, 2, 10, 10], [20, 2, 12, 10]])
    assert data.left_out.counts == {"people without a labelled keypoint": (1, UPLOAD)}


def test_whose_a_point_is_has_to_be_clear(folder):
    twice = point("1", "tip", 10, 5), point("2", "tip", 20, 5)
    with pytest.raises(ValueError, match="whose 'tip' at .* is: .* lies in no box"):
        read(folder, task(1, UPLOAD, *twice))
    both = box("A", 5, 2, 20, 10), box("B", 0, 2, 32, 10)
    with pytest.raises(ValueError, match="lies in 2 of 2 boxes"):
        read(folder, task(1, UPLOAD, *both, *twice))
    mine = [{**each, "parentID": "A"} for each in twice]
    with pytest.raises(ValueError, match="one person has 'tip' twice"):
        read(folder, task(1, UPLOAD, *both, *mine))


def test_the_annotation_that_counts(folder):
    chosen = task(1, UPLOAD, point("1", "tip", 10, 5))
    one = chosen["annotations"][0]
    other = {"id": 7, "result": [point("1", "tip", 20, 9)], "updated_at": "2026-02-01"}
    chosen["annotations"] = [
        {**other, "id": 8, "was_cancelled": True},
        {**one, "updated_at": "2026-03-01"},
        other,
    ]
    skipped = {**task(2, STORED), "annotations": [], "predictions": [{"result": []}]}
    data = read(folder, chosen, skipped)
    assert people(data) == [[[[10, 5, 2]]]]
    assert data.left_out.counts == {
        "annotations that were skipped": (1, UPLOAD),
        "annotations beside the one that counts": (1, UPLOAD),
        "pictures without an annotation, with predictions that nobody accepted": (
            1,
            STORED,
        ),
    }
    other["ground_truth"] = True
    assert people(read(folder, chosen)) == [[[[20, 9, 2]]]]


def test_json_min(folder):
    regions = [point("1", "tip", 10, 5), point("2", "ear", 12, 6)]
    entry = {"id": 1, "annotator": 1, "annotation_id": 1, "image": UPLOAD}
    entry["q"] = [
        {**r["value"], "original_width": WIDTH, "original_height": HEIGHT}
        for r in regions
    ]
    assert people(read(folder, entry)) == [[[[10, 5, 2], [12, 6, 2]]]]
    classes = {**entry, "q": "ripe", "r": {"choices": ["red"]}}
    assert read(folder, classes, format="label_studio").names == ("red",)


def test_classes(folder):
    data = read(
        folder,
        task(1, UPLOAD, said("1", "ripe"), said("2", "red", from_name="colour")),
        task(2, STORED, said("3", "green")),
        task(3, "s3://bucket/c.png"),
    )
    assert (data.task, data.names) == ("classification", ("green", "ripe"))
    assert [example.label for example in data.examples] == [1, 0]
    assert data.left_out.counts == {
        "answers to another question": (1, "colour"),
        "pictures without labels": (1, "s3://bucket/c.png"),
    }
    with pytest.raises(ValueError, match="several classes: ripe, green"):
        read(folder, task(1, UPLOAD, said("1", "ripe", "green")))


def test_a_turned_box_is_the_one_around_it(folder):
    turned = box("A", 20, 2, 10, 5)
    turned["value"]["rotation"] = 90
    data = read(folder, task(1, UPLOAD, turned, point("1", "tip", 17, 5)))
    assert np.allclose(data.examples[0].boxes, [[15, 2, 5, 10]], atol=1e-4)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda r: r.update(image_rotation=90), "while it was turned by 90 degrees"),
        (lambda r: r.pop("original_width"), "no original_width and"),
        (lambda r: r["value"].update(x="left"), "x of the region 1 is 'left'"),
        (lambda r: r["value"].update(x=float("nan")), "x of the region 1 is nan"),
        (lambda r: r["value"].update(keypointlabels=[]), r"has the labels \[\]"),
        (lambda r: r.pop("value"), "the result 1 has no value"),
        (lambda r: r.pop("type"), "result 0 has no type"),
    ],
)
def test_says_what_is_wrong(folder, change, message):
    wrong = task(1, UPLOAD, point("1", "tip", 10, 5))
    change(wrong["annotations"][0]["result"][0])
    with pytest.raises(ValueError, match=message):
        read(folder, wrong, format="label_studio")
    good = copy.deepcopy(task(2, STORED, point("1", "tip", 10, 5)))
    with pytest.warns(UserWarning, match="1 x"):
        data = read(folder, wrong, good, format="label_studio", skip_bad=True)
    assert len(data.examples) == 1


def test_says_which_picture_is_absent(folder):
    with pytest.raises(ValueError, match="no image .*0a1b2c3d-z.png|'z.png'"):
        read(folder, task(1, "/data/upload/3/0a1b2c3d-z.png", point("1", "tip", 1, 1)))
    nameless = {**task(1, UPLOAD, point("1", "tip", 1, 1)), "data": {"text": "hi"}}
    with pytest.raises(
        ValueError, match="task 1 names no picture among its data .text"
    ):
        read(folder, nameless)


def brush(id_, label, mask):
    values = np.repeat(np.where(mask, 255, 0).astype(int).ravel(), 4)
    value = {"format": "rle", "rle": brush_stream(values), "brushlabels": [label]}
    return result(id_, "brushlabels", value)


def polygon(id_, label, *corners):
    points = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in corners]
    value = {"points": points, "closed": True, "polygonlabels": [label]}
    return result(id_, "polygonlabels", value)


def test_polygons_and_brushes(folder):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[3:5, 4:9] = True
    square = polygon("1", "leaf", (2, 2), (20, 2), (20, 12), (2, 12))
    data = read(
        folder,
        task(1, UPLOAD, square, brush("2", "apple", mask), box("3", 30, 20, 5, 5)),
        work=folder / "work",
    )
    assert (data.task, data.names) == ("segmentation", ("background", "apple", "leaf"))
    (example,) = data.examples
    labels = np.asarray(Image.open(example.label_path))
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[2:12, 2:20] = 2
    expected[mask] = 1
    expected[20:25, 30:35] = 255
    assert (labels != expected).sum() == 0


@pytest.mark.parametrize(
    "rle, message",
    [
        ([1, 2], "cut short"),
        ("text", "cannot be decoded"),
        (brush_stream([0] * 8), "has 8"),
    ],
)
def test_says_what_is_wrong_with_a_brush(folder, rle, message):
    wrong = brush("2", "apple", np.zeros((HEIGHT, WIDTH)))
    wrong["value"]["rle"] = rle
    with pytest.raises(ValueError, match=message):
        read(folder, task(1, UPLOAD, wrong), work=folder / "work")


def annotated(who, *results, **fields):
    entry = {"id": len(fields), "result": list(results), "was_cancelled": False}
    return {**entry, "completed_by": who, **fields}


class TestAnnotationsOfSeveralPeople:
    """What others say of the same people tells how exactly keypoints are placed."""

    def person(self, key, x, y):
        return [
            box(key, x - 3, y - 3, 10, 10),
            point(f"{key}t", "tip", x, y, parentID=key),
            point(f"{key}e", "ear", x + 2, y + 1, parentID=key),
        ]

    def data(self, folder, *annotations):
        entry = task(1, UPLOAD)
        entry["annotations"] = list(annotations)
        return read(folder, entry, task="pose")

    def test_the_same_person_is_found_in_another_order(self, folder):
        first = [*self.person("a", 8, 8), *self.person("b", 28, 12)]
        second = [*self.person("c", 28.5, 12), *self.person("d", 8, 9)]
        data = self.data(
            folder,
            annotated(1, *first, ground_truth=True),
            annotated({"id": 2}, *second),
        )
        assert data.examples[0].num_people == 2
        assert len(data.repeats) == 2
        for repeat, (x, y, other) in zip(
            data.repeats, ((8, 8, (8, 9)), (28, 12, (28.5, 12))), strict=True
        ):
            assert repeat.area == pytest.approx(100)
            np.testing.assert_allclose(repeat.points[:, 0, :2], [(x, y), other])

    @pytest.mark.parametrize(
        "who, x, count",
        [
            (2, 8.5, 1),
            # The same one again, one that nobody tells of, a copy, another person.
            *((1, 8.5, 0), (None, 8.5, 0), (2, 8, 0), (2, 25, 0)),
        ],
    )
    def test_what_counts(self, folder, who, x, count):
        data = self.data(
            folder,
            annotated(1, *self.person("a", 8, 8), ground_truth=True),
            annotated(who, *self.person("b", x, 8)),
        )
        assert len(data.repeats) == count
        assert data.left_out.counts["annotations beside the one that counts"][0] == 1

    def test_what_cannot_be_read_is_counted(self, folder):
        twice = [*self.person("b", 8, 8), point("b2", "tip", 9, 9, parentID="b")]
        data = self.data(
            folder,
            annotated(1, *self.person("a", 8, 8), ground_truth=True),
            annotated(2, *twice),
        )
        assert data.repeats == ()
        assert data.left_out.counts["second annotations that cannot be read"][0] == 1


@pytest.mark.parametrize("wanted", ["pose", "detection"])
def test_regions_of_other_kinds_are_counted(folder, wanted):
    path = {"vertices": [{"x": 1, "y": 1}], "closed": False, "vectorlabels": ["wire"]}
    drawn = [*box_and_point(), result("v", "vectorlabels", path)]
    data = read(folder, task(1, UPLOAD, *drawn), task=wanted)
    assert data.left_out.counts["regions of kinds that are not read"][0] == 1


def box_and_point():
    return [box("b", 5, 5, 10, 10), point("p", "tip", 8, 8, parentID="b")]


def test_uploads_with_cleaned_names_are_found(tmp_path):
    """Label Studio's server changes names with spaces and brackets."""
    folder = draw_pictures(tmp_path, "my crab (1).png", "krebs grün.png", "a.png")
    names = ["0a1b2c3d-my_crab_1.png", "1a1b2c3d-krebs_gr%C3%BCn.png", "2a1b2c3d-a.png"]
    data = read(
        folder,
        *(
            task(i, f"/data/upload/3/{name}", point("1", "tip", 10, 5))
            for i, name in enumerate(names)
        ),
    )
    found = [example.image_path.rsplit("/", 1)[1] for example in data.examples]
    assert found == ["my crab (1).png", "krebs grün.png", "a.png"]


def test_uploads_that_may_be_two_files_are_not_guessed(tmp_path):
    folder = draw_pictures(tmp_path, "crab 1.png", "crab (1).png", "a.png")
    crab = "/data/upload/3/0a1b2c3d-crab_1.png"
    with pytest.raises(ValueError, match="2 files .*crab_1.png.*as `images`"):
        read(folder, task(1, crab, point("1", "tip", 10, 5)))
    crab = "/data/upload/3/0a1b2c3d-crab_2.png"
    with pytest.raises(ValueError, match="no image 'crab_2.png'"):
        read(folder, task(1, crab, point("1", "tip", 10, 5)))
