"""Files of DeepPoseKit's annotator."""

import h5py
import numpy as np
import pytest
from PIL import Image

from hrnet_tf.data.formats.tools import find_format, read_labelled


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "flies.h5"
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["images"] = rng.integers(0, 255, (3, 30, 40, 1), np.uint8)
        file["annotations"] = np.arange(18).reshape(3, 3, 2).astype(float)
        file["annotated"] = [[1, 1, 1], [0, 0, 0], [1, 0, 1]]
        # The parent of each keypoint, and its mirrored one.
        file["skeleton"] = np.array([[-1, -1], [0, 2], [0, 1]], np.int32)
    return path


def test_annotations(path, tmp_path):
    assert find_format(path).name == "deepposekit"
    data = read_labelled(path, work=tmp_path / "work")
    assert data.names == ("keypoint_1", "keypoint_2", "keypoint_3")
    assert data.skeleton == (data.names[1::-1], (data.names[2], data.names[0]))
    assert data.flip_pairs == (data.names[1:],)
    assert [e.keypoints.tolist() for e in data.examples] == [
        [[[0, 1, 2], [2, 3, 2], [4, 5, 2]]],
        [[[12, 13, 2], [0, 0, 0], [16, 17, 2]]],
    ]
    assert data.left_out.counts == {"pictures without labels": (1, "flies.h5, image 1")}
    with h5py.File(path) as file:
        for example, number in zip(data.examples, (0, 2), strict=True):
            pixels = np.asarray(Image.open(example.image_path))
            assert (pixels == file["images"][number, ..., 0]).all()


def test_names_are_those_of_the_table(path, tmp_path):
    (tmp_path / "skeleton.csv").write_text(
        "name,parent,swap\nhead,,\nleft,head,right\nright,head,left\n"
    )
    data = read_labelled(path, work=tmp_path / "work")
    assert data.names == ("head", "left", "right")


def test_says_what_is_wrong(path, tmp_path):
    with pytest.raises(ValueError, match="pass `work`"):
        read_labelled(path)
    with h5py.File(path, "a") as file:
        del file["annotated"]
        file["annotated"] = np.ones((3, 2))
    with pytest.raises(ValueError, match=r"shapes .*\(3, 2\).*; expected \[3, K, 2\]"):
        read_labelled(path, work=tmp_path)
