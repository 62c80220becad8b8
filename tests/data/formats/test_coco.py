import copy
import json
import warnings

import numpy as np
import pytest
from PIL import Image

from hrnet_tf.data.formats import coco
from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS, KeypointSet, load_keypoint_set

COCO = KEYPOINT_SETS["coco"]
POINTS = KeypointSet(name="points", names=("tip", "left", "right"))
NAN = float("nan")


def annotation(id_, image_id, **changes):
    fields = {
        "id": id_,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "area": 50.0,
        "bbox": [5.0, 4.0, 20.0, 10.0],
        "keypoints": [10, 5, 2, 12, 6, 1, 0, 0, 0],
    }
    return {**fields, **changes}


@pytest.fixture
def data(tmp_path):
    """Three images of 30 x 40 px (height x width), two of them with people."""
    for name in ("a.jpg", "b.jpg", "c.png"):
        pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    images = [
        {"id": 7, "file_name": "b.jpg", "height": 30, "width": 40},
        {"id": 3, "file_name": "c.png", "height": 30, "width": 40},
        {"id": 5, "file_name": "a.jpg", "height": 30, "width": 40},
    ]
    annotations = [annotation(1, 5), annotation(2, 7), annotation(4, 5, area=60)]
    return {
        "folder": tmp_path,
        "contents": {
            "images": images,
            "annotations": annotations,
            "categories": [{"id": 1, "name": "p", "keypoints": list(POINTS.names)}],
        },
    }


def load(data, keypoint_set=POINTS, **options):
    path = data["folder"] / "people.json"
    path.write_text(json.dumps(data["contents"]))
    return coco.load_pose(path, data["folder"], keypoint_set, **options)


def test_people_are_grouped_in_the_order_of_the_images(data):
    calls = []
    examples = load(data, progress=lambda *call: calls.append(call))
    assert [example.image_id for example in examples] == [7, 5]
    assert [example.ids.tolist() for example in examples] == [[2], [1, 4]]
    assert examples[1].image_path == str(data["folder"] / "a.jpg")
    assert (examples[1].height, examples[1].width) == (30, 40)
    assert examples[1].areas.tolist() == [50, 60]
    assert examples[1].box_scores.tolist() == [1, 1]
    assert examples[1].keypoints.shape == (2, 3, 3)
    assert examples[1].keypoints[0].tolist() == [[10, 5, 2], [12, 6, 1], [0, 0, 0]]
    assert calls == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    "box, expected",
    [
        ([5, 4, 20, 10], [5, 4, 19, 9]),
        ([-3, -2, 20, 10], [0, 0, 19, 9]),
        ([30, 25, 20, 10], [30, 25, 9, 4]),
        ([0, 0, 40, 30], [0, 0, 39, 29]),
        ([3.5, 2.25, 0.5, 8], [3.5, 2.25, 0, 7]),
    ],
)
def test_boxes_are_clipped_officially(data, box, expected):
    data["contents"]["annotations"] = [annotation(1, 5, bbox=box)]
    assert load(data)[0].boxes.tolist() == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        {"iscrowd": 1, "bbox": None},
        {"keypoints": [0] * 9, "bbox": [0, 0, 0, 0]},
        {"keypoints": [-1, -1, 0] * 3},
        {"keypoints": []},
        {"category_id": 2},
    ],
)
@pytest.mark.parametrize("split", ["train", "val"])
def test_what_the_official_code_leaves_out_is_no_error(data, changes, split):
    data["contents"]["annotations"].append(annotation(9, 3, **changes))
    examples = load(data, split=split)
    assert [example.ids.tolist() for example in examples] == [[2], [1, 4]]


def test_optional_fields(data):
    contents = data["contents"]
    del contents["categories"]
    for image in contents["images"]:
        del image["height"], image["width"]
    for key in ("area", "iscrowd", "category_id"):
        del contents["annotations"][0][key]
    examples = load(data)
    assert examples[1].areas.tolist() == [200, 60]
    assert (examples[1].height, examples[1].width) == (30, 40)


@pytest.mark.parametrize("suffix", ["json", "py"])
def test_custom_descriptor(data, suffix):
    path = data["folder"] / f"points.{suffix}"
    text = json.dumps({"names": list(POINTS.names)})
    path.write_text(text if suffix == "json" else f"KEYPOINTS = {text}")
    assert len(load(data, load_keypoint_set(path))) == 2


BAD_EXAMPLES = [
    ({"image_id": 99}, "annotation 1 of the image id 99: there is no such image"),
    (
        {"keypoints": [1, 2, 2]},
        "annotation 1 .* has 3 keypoint numbers.*'points' n.* 9",
    ),
    (
        {"keypoints": [NAN] + [2] * 8},
        "annotation 1 .*keypoints holds nan at position 0",
    ),
    ({"keypoints": [1, 2, 3] * 3}, "annotation 1 .*visibility 3.0"),
    ({"bbox": [1, NAN, 5, 5]}, "annotation 1 .*bbox holds nan at position 1"),
    ({"bbox": [1, 2, 3]}, r"annotation 1 .*bbox is \[1.0, 2.0, 3.0\]; expected 4 num"),
    ({"bbox": [1, "x", 3, 4]}, r"annotation 1 .*5: bbox\[1\] is 'x'; expected a num"),
    ({"bbox": "none"}, "annotation 1 .*5: bbox is 'none'; expected a list or null"),
    ({"area": -3}, "annotation 1 .*area is -3.0"),
    ({"area": NAN}, "annotation 1 .*area is nan"),
    (
        {"bbox": [5, 4, 0, 10]},
        r"box without area: \[5.0, 4.0, 0.0, 10.0\].*annotation 1",
    ),
    ({"bbox": [5, 4, -9, 10]}, r"box without area: \[5.0, 4.0, -9.0, 10.0\]"),
    ({"bbox": [5, 4, 0.5, 1]}, "box without area"),
    ({"bbox": [40, 4, 9, 9]}, r"box outside its image: \[40.0.*a.jpg has 40x30"),
    ({"bbox": [-9, 4, 9, 9]}, "box outside its image"),
    ({"bbox": [4, 30, 9, 9]}, "box outside its image"),
]


@pytest.mark.parametrize("changes, message", BAD_EXAMPLES)
def test_bad_annotations_are_named_or_skipped(data, changes, message):
    data["contents"]["annotations"][0].update(changes)
    with pytest.raises(ValueError, match=f"people.json: .*{message}"):
        load(data)
    with pytest.warns(UserWarning, match=rf"skipped 1 bad .*1 x .*{message}"):
        examples = load(data, skip_bad=True)
    assert [example.ids.tolist() for example in examples] == [[2], [4]]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda path: path.unlink(), "There is no image .*a.jpg"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "a.jpg is cut short"),
        (lambda path: path.write_bytes(b"GIF89a.."), "a.jpg is GIF"),
        (
            lambda path: Image.new("RGB", (9, 8)).save(path),
            "a.jpg has 9x8 .*says 40x30",
        ),
    ],
)
def test_bad_images_are_named_or_skipped(data, spoil, message):
    spoil(data["folder"] / "a.jpg")
    with pytest.raises(ValueError, match=message):
        load(data)
    with pytest.warns(UserWarning, match=rf"people.json: skipped 1 bad .*{message}"):
        examples = load(data, skip_bad=True)
    assert [example.image_id for example in examples] == [7]


def changed(contents, **changes):
    contents = copy.deepcopy(contents)
    contents.update(changes)
    return contents


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: [1], "should hold a dict.*Received: a list"),
        (lambda c: changed(c, images=None), "list of images .*Received: nothing"),
        (lambda c: changed(c, images=[]), "list of images .*Received: an empty list"),
        (lambda c: changed(c, annotations=[]), "list of annotations .*an empty list"),
        (lambda c: changed(c, annotations=[3]), "list of annotations .*the entry 3"),
        (lambda c: changed(c, images=[{"id": 1}]), r"lacks \['file_name'\]"),
        (lambda c: changed(c, images=c["images"] * 2), "image id 7 occurs twice"),
        (
            lambda c: changed(c, images=[{"id": 10**30, "file_name": "a.jpg"}]),
            "id of image a.jpg is 1000",
        ),
        (
            lambda c: changed(c, categories=[{"name": "p", "keypoints": ["a"]}]),
            "category 'p' has 1 keypoints, but the keypoint set 'points' has 3",
        ),
        (
            lambda c: changed(
                c,
                annotations=[
                    annotation(1, 5, iscrowd=1),
                    annotation(2, 5, keypoints=[]),
                ],
            ),
            "no labelled person: 2 annotations of 3 images.*1 crowd .such as annotat"
            "ion 1.; 1 annotation without keypoints",
        ),
    ],
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_bad_files_are_named(data, change, message, skip_bad):
    data["contents"] = change(data["contents"])
    with pytest.raises(ValueError, match=f"people.json.*{message}"):
        load(data, skip_bad=skip_bad)


def test_nothing_left_after_skipping_is_an_error(data):
    (data["folder"] / "a.jpg").unlink()
    (data["folder"] / "b.jpg").unlink()
    with pytest.raises(ValueError, match="no labelled person.*2 x absent image"):
        load(data, skip_bad=True)


def test_wrong_split(data):
    with pytest.raises(ValueError, match="'test'"):
        load(data, split="test")


def load_detections(data, detections, **options):
    path = data["folder"] / "boxes.json"
    path.write_text(json.dumps(detections))
    images = data["folder"] / "people.json"
    images.write_text(json.dumps(data["contents"]))
    return coco.load_detections(path, images, data["folder"], **options)


def detection(image_id, score, **changes):
    fields = {"image_id": image_id, "category_id": 1, "bbox": [-2, 3, 60, 20]}
    return {**fields, "score": score, **changes}


def test_detections(data):
    boxes = [
        detection(5, 0.9),
        detection(7, 0.5),
        detection(5, 0.2, category_id=3),
        detection(5, 0.1, bbox=[1, 2, 3, 4]),
    ]
    first, second = load_detections(data, boxes)
    assert (first.image_id, second.image_id) == (7, 5)
    assert second.boxes.tolist() == [[-2, 3, 60, 20], [1, 2, 3, 4]]  # not clipped
    np.testing.assert_allclose(second.box_scores, [0.9, 0.1])
    assert second.ids.tolist() == [0, 3] and second.areas.tolist() == [1200, 12]
    assert second.keypoints.shape == (2, 3, 3) and not second.keypoints.any()
    kept = load_detections(data, boxes, min_score=0.5)
    assert [example.num_people for example in kept] == [1, 1]
    assert [e.ids.tolist() for e in load_detections(data, boxes, category_id=3)] == [
        [2]
    ]
    del data["contents"]["categories"], data["contents"]["annotations"]
    with pytest.raises(ValueError, match="how many keypoints"):
        load_detections(data, boxes)
    examples = load_detections(data, boxes, keypoint_set=POINTS)
    assert examples[0].keypoints.shape == (1, 3, 3)


@pytest.mark.parametrize(
    "boxes, message",
    [
        ([], "list of detections.*Received: an empty list"),
        ({"annotations": []}, "list of detections.*Received: a dict"),
        (
            [detection(5, 0.9, category_id=2)],
            "no box of category 1 with .*0.3 among.* 1",
        ),
        ([detection(5, 0.2)], "no box of category 1"),
        ([detection(5, NAN)], "annotation 0 of the image id 5: score is nan"),
        ([detection(6, 0.9)], "annotation 0 of the image id 6: there is no such image"),
        ([detection(5, 0.9, bbox=[1, 2, 0, 4])], "box without area"),
        ([detection(5, 0.9, bbox=[50, 2, 5, 4])], "box outside its image"),
    ],
)
def test_bad_detections_are_named(data, boxes, message):
    with pytest.raises(ValueError, match=f"boxes.json.*{message}"):
        load_detections(data, boxes, min_score=0.3)


def test_bad_detections_can_be_skipped(data):
    boxes = [detection(5, 0.9), detection(6, 0.9), detection(5, 0.9, bbox=[1, 2, 0, 4])]
    with pytest.warns(UserWarning, match="1 x dangling image id, 1 x box without area"):
        examples = load_detections(data, boxes, skip_bad=True)
    assert [example.ids.tolist() for example in examples] == [[0]]


def test_official_people_and_boxes(shared):
    folder = shared / "samples" / "coco"
    examples = coco.load_pose(folder / "test_coco.json", folder, COCO)
    golden = json.loads((shared / "goldens" / "pose" / "pipeline.json").read_text())
    people = [(e.image_path, box) for e in examples for box in e.boxes.astype(float)]
    for (path, (x, y, w, h)), record in zip(people, golden["records"], strict=True):
        assert path.endswith(record["file"])
        np.testing.assert_allclose([x + w / 2, y + h / 2], record["center"], atol=1e-4)
        size = np.maximum([w, h], [h * 0.75, w / 0.75])
        np.testing.assert_allclose(size * 1.25 / 200, record["scale"], atol=1e-5)


def test_official_detections(shared):
    folder = shared / "samples" / "coco"
    boxes = folder / "test_coco_det_AP_H_56.json"
    examples = coco.load_detections(boxes, folder / "test_coco.json", folder)
    assert len(examples) == 4
    assert sum(example.num_people for example in examples) == 118
    assert all(example.keypoints.shape[1:] == (17, 3) for example in examples)


def test_real_files_load_with_a_word_about_what_is_left_out_alone(shared):
    mini, lspet = shared / "data" / "coco_mini", shared / "data" / "lspet"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        people = mini / "annotations" / "person_keypoints_val2017.json"
        said = r"left out: 49 people without .* annotation 426554\); 1 crowd \("
        with pytest.warns(UserWarning, match=said) as warned:
            assert len(coco.load_pose(people, mini / "val2017", COCO, "val")) == 32
        assert len(warned) == 1
        people = lspet / "annotations" / "person_keypoints_val.json"
        lsp = KEYPOINT_SETS["lsp"]
        with pytest.warns(UserWarning, match="'r_ankle' for 'right_ankle'"):
            assert len(coco.load_pose(people, lspet / "images", lsp, "val")) == 729
        with pytest.raises(ValueError, match="has 14 keypoints, but .*'coco' has 17"):
            coco.load_pose(people, lspet / "images", COCO, "val")
