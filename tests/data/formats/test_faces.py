"""Tables and json of faces, good and bad."""

import csv
import json

import numpy as np
import pytest
from drawn_faces import HEIGHT, WIDTH, draw_faces, write_csv, write_json

from hrnet_tf.data.augment import affine
from hrnet_tf.data.formats import coco, faces
from hrnet_tf.data.keypoint_sets import load_keypoint_set

AFLW, IBUG = load_keypoint_set("aflw"), load_keypoint_set("300w")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return tmp_path_factory.mktemp("faces") / "images"


@pytest.fixture(scope="module")
def drawn(images):
    """Three images with faces of AFLW's landmarks."""
    return draw_faces(images, AFLW, 3)


def edit(path, line, column, text):
    """Changes a cell of a table; lines count from 1."""
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    rows[line - 1][column] = text
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(rows)


class TestTable:
    def test_faces_become_people(self, drawn, images, tmp_path):
        table = write_csv(tmp_path / "t.csv", [*drawn, drawn[1]], [40, 50, 60, 70])
        calls = []
        examples = faces.load_faces(
            table, images, AFLW, "aflw", progress=lambda *call: calls.append(call)
        )
        assert [e.ids.tolist() for e in examples] == [[0], [1, 3], [2]]
        assert [e.image_id for e in examples] == [0, 1, 2]
        assert [e.head_sizes.tolist() for e in examples] == [[40], [50, 70], [60]]
        assert (examples[0].height, examples[0].width) == (HEIGHT, WIDTH)
        assert calls == [(1, 3), (2, 3), (3, 3)]
        face = drawn[0]
        expected = np.asarray(face["points"], np.float32)
        np.testing.assert_array_equal(examples[0].keypoints[0, :, :2], expected)
        assert (examples[0].keypoints[..., 2] == 2).all()

    def test_the_crop_is_the_official_one(self, drawn, images, tmp_path):
        table = write_csv(tmp_path / "t.csv", drawn, [40, 50, 60])
        example = faces.load_csv(table, images, AFLW)[0]
        centers, sizes = affine.box_regions(example.boxes, 1.0)
        np.testing.assert_allclose(centers[0], drawn[0]["center"], rtol=1e-6)
        np.testing.assert_allclose(sizes[0], [drawn[0]["scale"] * 1.25 * 200] * 2)

    def test_without_box_sizes(self, drawn, images, tmp_path):
        table = write_csv(tmp_path / "t.csv", drawn)
        examples = faces.load_csv(table, images, AFLW)
        assert all((e.head_sizes == 0).all() for e in examples)
        assert len(examples) == 3

    @pytest.mark.parametrize(
        "column, text, message",
        [
            (0, "absent.png", r"t\.csv, line 3: There is no image .*absent\.png"),
            (1, "nan", r"t\.csv, line 3: scale is 'nan'; expected a finite number"),
            (1, "0", r"line 3: scale is 0\.0 and box_size 0\.0; expected more than 0"),
            (2, "9000", r"line 3: center and scale give the box .*outside the image"),
            (9, "x", r"line 3: original_2_y is 'x'; expected a finite number"),
            (9, "inf", r"line 3: original_2_y is 'inf'"),
        ],
    )
    def test_one_bad_line(self, drawn, images, tmp_path, column, text, message):
        table = write_csv(tmp_path / "t.csv", drawn)
        edit(table, 3, column, text)
        with pytest.raises(ValueError, match=message):
            faces.load_csv(table, images, AFLW)
        with pytest.warns(UserWarning, match=r"skipped 1 bad example: 1 x"):
            examples = faces.load_csv(table, images, AFLW, skip_bad=True)
        assert [e.ids.tolist() for e in examples] == [[0], [2]]

    def test_a_line_that_is_cut_short(self, drawn, images, tmp_path):
        table = write_csv(tmp_path / "t.csv", drawn)
        table.write_text(table.read_text()[:-30])
        with pytest.raises(ValueError, match=r"line 4 has 3\d columns, but .* line 42"):
            faces.load_csv(table, images, AFLW)

    def test_the_table_of_another_data_set_is_named(self, drawn, images, tmp_path):
        table = write_csv(tmp_path / "t.csv", drawn, [1, 2, 3])
        with pytest.raises(
            ValueError,
            match=r"has 43 columns; the 68 landmarks of the keypoint set '300w' need"
            r" 140 .*It looks like a table of aflw\.",
        ):
            faces.load_csv(table, images, IBUG)
        table.write_text("a,b\n1,2\n")
        with pytest.raises(ValueError, match=r"has 2 columns.*after scale\.$"):
            faces.load_csv(table, images, IBUG)

    def test_no_table(self, images, tmp_path):
        with pytest.raises(ValueError, match="There is no annotation file .*t.csv"):
            faces.load_csv(tmp_path / "t.csv", images, AFLW)
        (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ValueError, match="is no table of comma-separated text"):
            faces.load_csv(tmp_path / "t.csv", images, AFLW)
        (tmp_path / "t.csv").write_text("image,scale\n")
        with pytest.raises(ValueError, match="a line for each face. Received: 1 line"):
            faces.load_csv(tmp_path / "t.csv", images, AFLW)

    def test_nothing_usable(self, drawn, tmp_path):
        table = write_csv(tmp_path / "t.csv", drawn)
        with pytest.raises(ValueError, match="no usable face among its 3.*3 x absent"):
            faces.load_csv(table, tmp_path, AFLW, skip_bad=True)


class TestJson:
    def test_centre_and_scale_make_the_box(self, drawn, images, tmp_path):
        path = write_json(tmp_path / "faces.json", drawn, box_size=55)
        example = faces.load_faces(path, images, AFLW)[1]
        side = 200 * drawn[1]["scale"]
        expected = [*(np.array(drawn[1]["center"]) - side / 2), side, side]
        np.testing.assert_allclose(example.boxes[0], expected, rtol=1e-6)
        assert example.head_sizes.tolist() == [55] and example.ids.tolist() == [11]

    def test_a_table_and_json_of_the_same_faces_agree(self, drawn, images, tmp_path):
        table = faces.load_csv(write_csv(tmp_path / "t.csv", drawn), images, AFLW)
        other = faces.load_json(write_json(tmp_path / "t.json", drawn), images, AFLW)
        for a, b in zip(table, other, strict=True):
            np.testing.assert_allclose(a.boxes, b.boxes, rtol=1e-6)
            np.testing.assert_array_equal(a.keypoints, b.keypoints)
            assert a.image_path == b.image_path

    def test_boxes_alone_are_read_as_those_of_people(self, drawn, images, tmp_path):
        path = write_json(tmp_path / "faces.json", drawn, center=None, scale=None)
        found = faces.load_json(path, images, AFLW)
        for a, b in zip(found, coco.load_pose(path, images, AFLW), strict=True):
            np.testing.assert_array_equal(a.boxes, b.boxes)
            np.testing.assert_array_equal(a.keypoints, b.keypoints)

    @pytest.mark.parametrize(
        "changes, message",
        [
            (
                {"center": None, "bbox": None},
                "annotation 10 of the image id 0 has neither 'center' and 'scale' nor",
            ),
            ({"scale": float("nan")}, "scale is nan; expected a finite number"),
            ({"center": [1]}, "center is .1.; expected 2 numbers"),
            ({"box_size": "big"}, "box_size is 'big'; expected a finite number"),
            ({"scale": -1}, "box without area"),
            ({"keypoints": [1, 1, 2]}, "has 3 keypoint numbers, but the 19 keypoints"),
        ],
    )
    def test_bad_faces(self, drawn, images, tmp_path, changes, message):
        path = write_json(tmp_path / "faces.json", drawn, **changes)
        with pytest.raises(ValueError, match=message):
            faces.load_json(path, images, AFLW)
        with pytest.raises(ValueError, match=r"no labelled face: 3 annotations.*3 x"):
            faces.load_json(path, images, AFLW, skip_bad=True)

    def test_a_bad_face_is_skipped_with_a_warning(self, drawn, images, tmp_path):
        path = write_json(tmp_path / "faces.json", drawn, scale=None)
        contents = json.loads(path.read_text())
        del contents["annotations"][1]["bbox"]
        path.write_text(json.dumps(contents))
        with pytest.warns(UserWarning, match=r"skipped 1 .*1 x face without box"):
            examples = faces.load_json(path, images, AFLW, skip_bad=True)
        assert [e.ids.tolist() for e in examples] == [[10], [12]]


def test_formats_and_keypoint_sets_must_fit(images, tmp_path):
    with pytest.raises(ValueError, match="format must be one of.*'csv'"):
        faces.load_faces(tmp_path / "t.csv", images, AFLW, "csv")
    with pytest.raises(
        ValueError, match="format wflw hold 98 landmarks a face.*'aflw' has 19"
    ):
        faces.load_faces(tmp_path / "t.csv", images, AFLW, "wflw")


@pytest.mark.parametrize("name", ["wflw", "300w", "cofw", "aflw"])
def test_real_samples(shared, name):
    keypoint_set = load_keypoint_set(name)
    folder = shared / "samples" / name
    examples = faces.load_json(folder / f"test_{name}.json", folder, keypoint_set)
    assert sum(e.num_people for e in examples) == {"wflw": 4}.get(name, 2)
    for example in examples:
        assert example.keypoints.shape[1:] == (keypoint_set.num_keypoints, 3)
        assert (example.head_sizes > 0).all() == (name == "aflw")
        # The right half of a face lies on the left of its picture.
        right, left = (
            np.mean(
                [
                    example.keypoints[:, keypoint_set.index(pair[side]), 0]
                    for pair in keypoint_set.flip_pairs
                ]
            )
            for side in (1, 0)
        )
        assert right < left
