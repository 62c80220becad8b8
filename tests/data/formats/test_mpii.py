import json

import numpy as np
import pytest
from PIL import Image

from hrnet_tf.data.formats import mpii

NAN = float("nan")


def entry(image, **changes):
    fields = {
        "image": image,
        "center": [21.0, 11.0],
        "scale": 0.1,
        "joints": [[i + 1.0, i + 2.0] for i in range(16)],
        "joints_vis": [1] * 15 + [0],
    }
    return {**fields, **changes}


@pytest.fixture
def data(tmp_path):
    """Two images of 30 x 40 px (height x width) with three people."""
    for name in ("a.jpg", "b.jpg"):
        Image.new("RGB", (40, 30)).save(tmp_path / name)
    return {
        "folder": tmp_path,
        "entries": [entry("b.jpg"), entry("a.jpg"), entry("b.jpg", scale=0.2)],
    }


def load(data, **options):
    path = data["folder"] / "valid.json"
    path.write_text(json.dumps(data["entries"]))
    return mpii.load_pose(path, data["folder"], **options)


def save_head_boxes(path, boxes):
    from scipy.io import savemat

    savemat(path, {"headboxes_src": np.moveaxis(np.asarray(boxes, float), 0, 2)})
    return path


def test_people_are_grouped_by_image(data):
    calls = []
    examples = load(data, progress=lambda *call: calls.append(call))
    assert [example.image_id for example in examples] == [0, 1]
    assert [example.ids.tolist() for example in examples] == [[0, 2], [1]]
    assert (examples[0].height, examples[0].width) == (30, 40)
    assert examples[0].head_sizes.tolist() == [0, 0]
    assert calls == [(1, 2), (2, 2)]


def test_coordinates_become_0_based_and_the_centre_moves_down(data):
    example = load(data)[0]
    # Centre 21 - 1 and 11 + 15 * 0.1 - 1; side 200 * 0.1, without the 1.25 padding.
    np.testing.assert_allclose(example.boxes[0], [10, 1.5, 20, 20])
    np.testing.assert_allclose(example.boxes[1], [0, -7, 40, 40])
    np.testing.assert_allclose(example.areas, [400, 1600])
    assert example.keypoints[0, 3].tolist() == [3, 4, 2]
    assert example.keypoints[0, 15].tolist() == [0, 0, 0]


def test_head_sizes(data):
    data["entries"][0]["headbox"] = [1, 1, 4, 5]
    data["entries"][2]["headbox"] = [[1, 1], [7, 9]]
    np.testing.assert_allclose(load(data)[0].head_sizes, [3, 6])
    boxes = [[[0, 0], [3, 4]], [[1, 1], [1, 11]], [[0, 0], [30, 40]]]
    path = save_head_boxes(data["folder"] / "gt_valid.mat", boxes)
    first, second = load(data, ground_truth_mat=path)
    np.testing.assert_allclose(first.head_sizes, [3, 30])
    np.testing.assert_allclose(second.head_sizes, [6])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"center": [NAN, 3]}, "center holds nan at position 0"),
        ({"center": None}, "center is None; expected 2 numbers"),
        ({"scale": 0}, "scale is 0.0; expected more than 0"),
        ({"scale": NAN}, "scale is nan"),
        ({"joints": [[1, 2]] * 14}, r"joints is .*expected 16x2 numbers"),
        ({"joints": [[1, NAN]] * 16}, "joints holds nan at position 0, 1"),
        ({"joints_vis": [1] * 17}, "joints_vis is .*expected 16 numbers"),
        ({"center": [-1, -1], "scale": -1}, "scale is -1.0"),
        ({"center": [100, 3]}, r"center \[100.0, 3.0\] and scale 0.1 .*40x30 pixels"),
        ({"headbox": [1, 2, 3]}, r"headbox is \[1, 2, 3\]"),
        ({"headbox": [1, 2, 3, NAN]}, "headbox holds nan"),
        ({"image": "gone.jpg"}, "There is no image .*gone.jpg"),
    ],
)
def test_bad_people_are_named_or_skipped(data, changes, message):
    data["entries"][1].update(changes)
    with pytest.raises(ValueError, match=message):
        load(data)
    with pytest.warns(UserWarning, match=rf"valid.json: skipped 1 bad .*{message}"):
        examples = load(data, skip_bad=True)
    assert [example.ids.tolist() for example in examples] == [[0, 2]]


@pytest.mark.parametrize(
    "entries, message",
    [
        ({"images": []}, "list of people .*Received: a dict.*formats.coco"),
        ([], "list of people .*an empty list"),
        ([entry("a.jpg"), 3], r"entry 1 \(from 0\) .*Received: 3"),
        ([{"center": [1, 2]}], r"entry 0 \(from 0\) .*'image'"),
    ],
)
def test_bad_files_are_named(data, entries, message):
    data["entries"] = entries
    with pytest.raises(
        ValueError, match=f"valid.json .*{message}|valid.json: {message}"
    ):
        load(data)


def test_nothing_left_after_skipping_is_an_error(data):
    data["entries"] = [entry("gone.jpg")]
    with pytest.raises(ValueError, match="no usable person among its 1.*1 x absent"):
        load(data, skip_bad=True)


def test_bad_head_boxes_are_named(data):
    path = data["folder"] / "gt_valid.mat"
    with pytest.raises(ValueError, match="no file .*gt_valid.mat"):
        load(data, ground_truth_mat=path)
    path.write_text("no matrix")
    with pytest.raises(ValueError, match="gt_valid.mat is no readable .mat file"):
        load(data, ground_truth_mat=path)
    save_head_boxes(path, [[[0, 0], [3, 4]]])
    with pytest.raises(
        ValueError, match=r"\(2, 2, 3\).*Received: the shape \(2, 2, 1\)"
    ):
        load(data, ground_truth_mat=path)
    save_head_boxes(path, [[[0, 0], [3, 4]], [[0, 0], [3, NAN]], [[0, 0], [3, 4]]])
    with pytest.raises(ValueError, match="entry 1 .*its head box is .*nan"):
        load(data, ground_truth_mat=path)


def test_official_sample(shared):
    folder = shared / "samples" / "mpii"
    entries = json.loads((folder / "test_mpii.json").read_text())
    examples = mpii.load_pose(folder / "test_mpii.json", folder)
    assert sum(example.num_people for example in examples) == len(entries) == 5
    for example in examples:
        for row, (x, y, w, h), keypoints in zip(
            example.ids, example.boxes, example.keypoints, strict=True
        ):
            official = entries[row]
            center = np.array(official["center"]) - 1
            center[1] += 15 * official["scale"]
            np.testing.assert_allclose([x + w / 2, y + h / 2], center, rtol=1e-5)
            np.testing.assert_allclose([w, h], 200 * official["scale"], rtol=1e-6)
            labelled = np.array(official["joints_vis"]) > 0
            np.testing.assert_array_equal(keypoints[:, 2] > 0, labelled)
            joints = np.array(official["joints"], np.float32) - 1
            np.testing.assert_allclose(keypoints[labelled, :2], joints[labelled])
