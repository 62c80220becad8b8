"""COFW's .mat files, of both kinds."""

import numpy as np
import pytest
from drawn_faces import HEIGHT, WIDTH, cofw_arrays, draw_faces
from drawn_faces import write_mat73 as new
from drawn_faces import write_old_mat as old
from PIL import Image

from hrnet_tf.data.formats import cofw, faces
from hrnet_tf.data.keypoint_sets import load_keypoint_set

COFW = load_keypoint_set("cofw")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cofw")
    return folder, draw_faces(folder, COFW, 3)


@pytest.mark.parametrize("write", [new, old])
@pytest.mark.parametrize("names", [("IsTr", "phisTr"), ("IsT", "phisT")])
@pytest.mark.parametrize("grey", [False, True])
def test_files_of_both_kinds(drawn, tmp_path, write, names, grey):
    images, shapes = cofw_arrays(*drawn, grey)
    path = write(tmp_path / "COFW_x.mat", images, shapes, names)
    examples = faces.load_faces(path, tmp_path / "images", COFW, "cofw")
    assert [e.ids.tolist() for e in examples] == [[0], [1], [2]]
    for image, shape, example in zip(images, shapes, examples, strict=True):
        with Image.open(example.image_path) as file:
            np.testing.assert_array_equal(np.array(file), image)
        assert (example.height, example.width) == (HEIGHT, WIDTH)
        found = example.keypoints[0]
        expected = np.stack([shape[:29], shape[29:58], 2 - shape[58:]], -1)
        np.testing.assert_array_equal(found, expected.astype(np.float32))


def test_the_box_is_the_official_one(drawn, tmp_path):
    images, shapes = cofw_arrays(*drawn)
    example = cofw.load_mat(new(tmp_path / "a.mat", images, shapes), tmp_path)[0]
    points = shapes[0, :58].reshape(2, -1).T
    low, high = np.floor(points.min(0)), np.ceil(points.max(0))
    center, side = (low + high) / 2, (high - low).max()
    np.testing.assert_allclose(example.boxes[0], [*(center - side / 2), side, side])


def test_images_are_written_once(drawn, tmp_path):
    images, shapes = cofw_arrays(*drawn)
    path = new(tmp_path / "a.mat", images, shapes)
    first = cofw.load_mat(path, tmp_path / "images")[0].image_path
    assert sorted(p.name for p in (tmp_path / "images").iterdir()) == [
        "a_00000.png",
        "a_00001.png",
        "a_00002.png",
    ]
    Image.new("RGB", (WIDTH, HEIGHT)).save(first)
    cofw.load_mat(path, tmp_path / "images")
    with Image.open(first) as file:
        assert not np.array(file).any()
    Image.new("RGB", (WIDTH, HEIGHT + 1)).save(first)
    with pytest.raises(ValueError, match="a_00000.png is not the image that"):
        cofw.load_mat(path, tmp_path / "images")


def test_a_bad_face(drawn, tmp_path):
    images, shapes = cofw_arrays(*drawn)
    shapes[1, 30] = np.nan
    path = new(tmp_path / "a.mat", images, shapes)
    with pytest.raises(ValueError, match=r"a\.mat: face 1 \(from 0\): its shape holds"):
        cofw.load_mat(path, tmp_path / "images")
    with pytest.warns(UserWarning, match="1 x shape not finite"):
        examples = cofw.load_mat(path, tmp_path / "images", skip_bad=True)
    assert [e.image_id for e in examples] == [0, 2]


def test_other_bad_faces(drawn, tmp_path):
    images, shapes = cofw_arrays(*drawn)
    wrong = [images[0].astype(np.float64), *images[1:]]
    with pytest.raises(ValueError, match="face 0 .*the type float64; expected uint8"):
        cofw.load_mat(new(tmp_path / "a.mat", wrong, shapes), tmp_path / "i")
    shapes[0, :58] = 3
    with pytest.raises(ValueError, match="face 0 .*all its landmarks are at"):
        cofw.load_mat(new(tmp_path / "b.mat", images, shapes), tmp_path / "i")


def test_no_such_file(drawn, tmp_path):
    images, shapes = cofw_arrays(*drawn)
    with pytest.raises(ValueError, match="There is no annotation file .*none.mat"):
        cofw.load_mat(tmp_path / "none.mat", tmp_path)
    (tmp_path / "text.mat").write_text("no mat file, but text that is long enough" * 9)
    with pytest.raises(ValueError, match="text.mat is no readable .mat file"):
        cofw.load_mat(tmp_path / "text.mat", tmp_path)
    other = new(tmp_path / "other.mat", images, shapes, ("a", "b"))
    with pytest.raises(ValueError, match="should hold the variables IsTr and phisTr"):
        cofw.load_mat(other, tmp_path)
    short = new(tmp_path / "short.mat", images, shapes[:, :58])
    with pytest.raises(ValueError, match=r"87 numbers.*3 images and .*\(3, 58\)"):
        cofw.load_mat(short, tmp_path)
