"""Every kind of file of boxes, and what is said about wrong ones."""

import json
from pathlib import Path

import pytest

from hrnet_tf.tasks.pose.box_files import read_boxes

BOX, OTHER = [1.0, 2.0, 30.0, 40.0], [5.0, 6.0, 7.0, 8.0]


@pytest.fixture
def write(tmp_path):
    def write(contents):
        path = tmp_path / "boxes.json"
        path.write_text(json.dumps(contents))
        return path

    return write


def annotations(**changes):
    return {
        "images": [
            {"id": 7, "file_name": "val/a.jpg"},
            {"id": 8, "file_name": "b.jpg"},
            {"id": 9, "file_name": "nobody.jpg"},
        ],
        "annotations": [
            {"image_id": 8, "bbox": OTHER, "category_id": 1, "score": 0.4},
            {"image_id": 7, "bbox": BOX, "category_id": 1},
            {"image_id": 7, "bbox": OTHER, "category_id": 1, "iscrowd": 1},
            {"image_id": 7, "bbox": OTHER, "category_id": 3},
        ],
        "categories": [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}],
        **changes,
    }


class TestReadBoxes:
    def test_matches_annotations_by_the_end_of_the_path(self, write):
        images = [Path("data/val/a.jpg"), Path("x/b.jpg"), Path("nobody.jpg")]
        said = (
            r"boxes.json: left out: 1 crowd \(such as annotation 2\); 1 box of"
            r" category 3, not 'person' \(such as annotation 3\)\.$"
        )
        with pytest.warns(UserWarning, match=said):
            found = read_boxes(write(annotations()), images)
        assert found == [([BOX], [1.0]), ([OTHER], [0.4]), ([], [])]

    def test_knows_the_folder_that_the_command_runs_in(
        self, write, tmp_path, monkeypatch
    ):
        folder = tmp_path / "val"
        folder.mkdir()
        monkeypatch.chdir(folder)
        path = write(annotations(annotations=annotations()["annotations"][1:2]))
        assert read_boxes(path, [Path("a.jpg")]) == [([BOX], [1.0])]

    def test_leaves_out_boxes_with_a_low_score(self, write):
        path = write(annotations(annotations=annotations()["annotations"][:1]))
        said = r"1 box with a score below 0.5 \(such as 0.4 of b.jpg\)"
        with pytest.warns(UserWarning, match=said):
            assert read_boxes(path, [Path("b.jpg")], min_score=0.5) == [([], [])]

    def test_takes_all_if_no_category_is_called_person(self, write):
        people = [entry for entry in annotations()["annotations"]]
        people[2]["iscrowd"] = "0"
        path = write(annotations(categories=[], annotations=people[1:3]))
        found = read_boxes(path, [Path("val/a.jpg")])
        assert found == [([BOX, OTHER], [1.0, 1.0])]

    def test_matches_results_by_the_image_id(self, write):
        path = write(
            [
                {"image_id": 139, "category_id": 1, "bbox": BOX, "score": 0.9},
                {"image_id": 139, "category_id": 2, "bbox": OTHER, "score": 0.9},
                {"image_id": "left", "bbox": OTHER, "score": 0.8},
            ]
        )
        images = [Path("000000000139.jpg"), Path("left.png")]
        with pytest.warns(
            UserWarning,
            match="1 box of category 2, not 1, .*entry 1, from 0",
        ):
            found = read_boxes(path, images)
        assert found == [([BOX], [0.9]), ([OTHER], [0.8])]

    @pytest.mark.parametrize("category", [0, 17, "0"])
    def test_takes_the_only_category_of_results(self, write, category):
        path = write([{"image_id": 139, "category_id": category, "bbox": BOX}])
        assert read_boxes(path, [Path("139.jpg")]) == [([BOX], [1.0])]

    def test_takes_a_dict_of_names(self, write):
        path = write({"a.jpg": [BOX, OTHER], "sub/b.jpg": BOX, "c.jpg": []})
        images = [Path("sub/b.jpg"), Path("a.jpg"), Path("c.jpg")]
        expected = [([BOX], [1.0]), ([BOX, OTHER], [1.0, 1.0]), ([], [])]
        assert read_boxes(path, images) == expected

    @pytest.mark.parametrize("contents", [[BOX], BOX])
    def test_takes_a_list_for_one_image(self, write, contents):
        assert read_boxes(write(contents), [Path("a.jpg")]) == [([BOX], [1.0])]

    def test_numbers_may_be_texts(self, write):
        texts = [str(value) for value in BOX]
        results = [{"image_id": "0139", "category_id": "1", "bbox": texts}]
        results[0]["score"] = "0.5"
        path = write(results)
        assert read_boxes(path, [Path("000139.jpg")]) == [([BOX], [0.5])]
        ids = [{"id": "7", "file_name": "a.jpg"}]
        people = [{"image_id": 7.0, "bbox": texts}]
        path = write({"images": ids, "annotations": people})
        assert read_boxes(path, [Path("a.jpg")]) == [([BOX], [1.0])]
        path = write({"a.jpg": texts})
        assert read_boxes(path, [Path("a.jpg")]) == [([BOX], [1.0])]

    def test_a_byte_order_mark(self, tmp_path):
        path = tmp_path / "boxes.json"
        path.write_text(json.dumps({"a.jpg": [BOX]}), encoding="utf-8-sig")
        assert read_boxes(path, [Path("a.jpg")]) == [([BOX], [1.0])]

    def test_no_boxes_are_no_people(self, write):
        assert read_boxes(write([]), [Path("a.jpg")]) == [([], [])]


class TestErrors:
    def check(self, path, images, *parts):
        with pytest.raises(ValueError) as caught:
            read_boxes(path, [Path(image) for image in images])
        for part in (path.name, *parts):
            assert str(part) in str(caught.value)

    def test_a_list_is_for_one_image(self, write):
        self.check(write([BOX]), ["a.jpg", "b.jpg"], "2 images were given")

    def test_names_the_image_that_is_not_mentioned(self, write):
        self.check(write({"a.jpg": [BOX]}), ["a.jpg", "b.jpg"], "b.jpg")
        self.check(write(annotations()), ["c.jpg"], "c.jpg")

    @pytest.mark.parametrize("box", [[1, 2, 3], "1 2 3 4", [1, 2, 3, None], 5, [[]]])
    def test_names_the_box(self, write, box):
        self.check(write({"a.jpg": [box]}), ["a.jpg"], "a.jpg", repr(box))

    @pytest.mark.parametrize("contents", [5, "text", True])
    def test_says_what_was_expected_of_other_json(self, write, contents):
        self.check(write(contents), ["a.jpg"], '{"image.jpg": [[x, y')

    @pytest.mark.parametrize(
        "changes",
        [
            {"images": None},
            {"images": [{"id": 1}]},
            {"annotations": [5]},
            {"annotations": [{"image_id": 7}]},
        ],
    )
    def test_says_what_annotations_lack(self, write, changes):
        self.check(write(annotations(**changes)), ["b.jpg"], '"file_name"')

    def test_no_box_is_left(self, write):
        results = [{"image_id": 1, "category_id": c, "bbox": BOX} for c in (2, 3)]
        self.check(write(results), ["1.jpg"], "no box is left of 2: 1 box of")
        people = [{"image_id": 7, "bbox": BOX, "category_id": 3, "id": 12}]
        path = write(annotations(annotations=people))
        self.check(path, ["val/a.jpg"], "not 'person' (such as annotation 12)")

    def test_one_name_for_two_images(self, write):
        images = ["x/a.jpg", "y/a.jpg"]
        self.check(write({"a.jpg": [BOX]}), images, "'a.jpg' stands for both x/a.jpg")
        results = [{"image_id": 7, "bbox": BOX}]
        self.check(write(results), ["x/7.jpg", "x/07.png"], "id 7 stands for both")
        twice = [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "a.jpg"}]
        path = write(annotations(images=twice))
        self.check(path, ["a.jpg"], "two images called 'a.jpg', of the ids 1 and 2")

    def test_no_json(self, tmp_path):
        path = tmp_path / "boxes.json"
        path.write_text("{")
        self.check(path, ["a.jpg"], "not valid json")
