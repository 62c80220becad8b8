"""What detectors tell of people, in pixels of the image."""

from types import SimpleNamespace

import numpy as np
import pytest

from hrnet_tf.predict import Predictor
from hrnet_tf.tasks.pose import detectors
from hrnet_tf.tasks.pose.detectors import hub_runner, make_detector

IMAGE = np.zeros((100, 200, 3), np.uint8)
NAMES = ["Cat", "Person", "dog"]
# Left, top, right, bottom; one reaches over the border, one has no area.
FOUND = (
    np.array([[10, 10, 30, 50], [150, 20, 240, 90], [5, 5, 9, 9], [7, 7, 7, 9]]),
    np.array([0.6, 0.9, 0.8, 0.7]),
    np.array([1, 1, 0, 1]),
)


@pytest.fixture
def detector(monkeypatch):
    """Makes the function of a detector that finds always the same."""

    def make(names=NAMES, **options):
        ours = (lambda pixels: FOUND, names)
        monkeypatch.setattr(detectors, "_of_this_package", lambda *_: ours)
        return make_detector(None, "people.keras", **options)

    return make


def test_people_come_as_boxes_within_the_image_the_surest_first(detector):
    found = detector()(IMAGE)
    assert found["boxes"].tolist() == [[150, 20, 50, 70], [10, 10, 20, 40]]
    np.testing.assert_allclose(found["box_scores"], [0.9, 0.6])
    assert len(detector(min_box_score=0.7)(IMAGE)["boxes"]) == 1
    assert detector(min_box_score=0.95)(IMAGE)["boxes"].shape == (0, 4)


@pytest.mark.parametrize("wanted, count", [("cat", 1), ("DOG", 0), ("1", 2)])
def test_classes_by_name_or_number(detector, wanted, count):
    assert len(detector(detect_class=wanted)(IMAGE)["boxes"]) == count


@pytest.mark.parametrize(
    "names, wanted, expected",
    [
        (NAMES, "horse", "does not find `detect_class=horse`. Expected one of Cat,"),
        (NAMES, "3", "a number from 0 to 2"),
        (["cat", "dog"], None, "finds cat, dog. Which is wanted"),
        (80, None, "finds 80 classes, whose names are unknown"),
        (80, "person", "Expected a number from 0 to 79"),
    ],
)
def test_names_classes_that_there_are(detector, names, wanted, expected):
    with pytest.raises(ValueError, match=expected):
        detector(names, detect_class=wanted)


def test_the_only_class_is_wanted(detector):
    assert len(detector(["fly"])(IMAGE)["boxes"]) == 1
    assert len(detector(1)(IMAGE)["boxes"]) == 1


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ({"detector": "absent.keras"}, "There is no detector absent.keras"),
        ({"detector": "found.json"}, "Pass it as `boxes`"),
        ({"detector": "a.keras", "boxes": "b.json"}, "Leave one out"),
        ({"detect_class": "person"}, "Received no `detector`"),
    ],
)
def test_refuses(arguments, expected):
    with pytest.raises(ValueError, match=expected):
        make_detector(Predictor.load, **arguments)
    assert make_detector(Predictor.load) is None


def test_models_of_other_tasks_find_no_boxes(tmp_path):
    import hrnet_tf

    model = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", image_size=(64, 64), num_keypoints=2
    )
    model.save(tmp_path / "pose.keras")
    with pytest.raises(ValueError, match="a model of human pose, which finds no boxes"):
        make_detector(Predictor.load, tmp_path / "pose.keras")


class BrightSpot:
    """A detector of KerasHub, as far as it is used: boxes what is brighter than 99."""

    bounding_box_format = "yxyx"
    preprocessor = SimpleNamespace(image_converter=SimpleNamespace(image_size=(64, 64)))

    def predict(self, images, verbose):
        assert images.shape == (1, 64, 64, 3)
        rows, columns = np.nonzero(np.asarray(images)[0, ..., 0] > 99)
        box = [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
        padding = [[-1] * 4] * 2
        return {
            "boxes": np.array([[box, *padding]], np.float32),
            "confidence": np.array([[0.75, -1, -1]], np.float32),
            "labels": np.array([[3, -1, -1]]),
            "num_detections": np.array([1]),
        }


@pytest.mark.parametrize(
    "size", [(64, 64), (128, 256), (256, 128), (320, 64), (32, 16)]
)
def test_boxes_of_hub_detectors_lie_in_the_image(size):
    height, width = size
    image = np.zeros((*size, 3), np.uint8)
    box = np.array([width // 4, height // 2, width // 2, height * 3 // 4])
    image[box[1] : box[3], box[0] : box[2]] = 255
    corners, scores, classes = hub_runner(BrightSpot())(image)
    # A pixel of what the detector sees.
    assert np.abs(corners[0] - box).max() <= max(size) / 64 + 1e-3
    assert scores.tolist() == [0.75] and classes.tolist() == [3]


def test_needs_the_size_of_a_hub_detector():
    with pytest.raises(ValueError, match="no preprocessor with an image size"):
        hub_runner(SimpleNamespace(preprocessor=None))
