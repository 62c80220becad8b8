"""What `hrnet evaluate` prints and writes for faces."""

import json

import keras
import pytest
from drawn_faces import draw_faces, write_csv, write_json
from PIL import Image
from tested_files import evaluate

from hrnet_tf import HRNetLandmarks
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.tasks.landmarks.task import LANDMARKS

AFLW = load_keypoint_set("aflw")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with faces in two tables and a json file, and a model."""
    folder = tmp_path_factory.mktemp("aflw")
    drawn = draw_faces(folder / "images", AFLW, 3)
    write_csv(folder / "full.csv", drawn, [50.0, 60.0, 70.0])
    write_csv(folder / "frontal.csv", drawn[:1], [50.0])
    write_json(folder / "faces.json", drawn)
    keras.utils.set_random_seed(0)
    model = HRNetLandmarks.from_preset(
        "hrnet_test",
        num_keypoints=19,
        image_size=(64, 64),
        keypoint_set=AFLW.to_dict(),
    )
    return folder, model


def run(data, annotations, **options):
    """Returns the reports and what was printed."""
    folder, model = data
    if not isinstance(annotations, list):
        annotations = [annotations]
    options["annotations"] = annotations
    return evaluate(LANDMARKS, model, folder / "images", "best.keras", **options)


def test_one_table(data, tmp_path):
    folder, _ = data
    reports, text = run(
        data, folder / "full.csv", format="aflw", out=tmp_path / "report.json"
    )
    (report,) = reports.values()
    error = report.numbers["NME"]
    assert f"{error:.4f}" in text and f"{100 * error:.2f}" in text
    lines = [line.split() for line in text.splitlines()]
    assert [line[1] for line in lines if line[:1] == ["│"]] == list(report.numbers)
    assert "3 faces in 3 images, errors relative to the box size, without flip" in text
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["numbers"] == report.numbers


def test_subsets(data, tmp_path):
    folder, _ = data
    files = [folder / "full.csv", folder / "frontal.csv"]
    reports, text = run(
        data, files, format="aflw", out=tmp_path / "out", integer_pixels=True
    )
    assert list(reports) == ["full", "frontal"]
    assert "full" in text and "frontal" in text
    assert "1 face in 1 image" in text and "whole pixels" in text
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"full.json", "frontal.json", "errors.png"}
    with Image.open(tmp_path / "out" / "errors.png") as picture:
        assert picture.format == "PNG"
    with pytest.raises(ValueError, match="is one file, but there are 2 annotation"):
        run(data, files, format="aflw", out=tmp_path / "report.json")
    with pytest.raises(ValueError, match="files of different names.*full.csv"):
        run(data, [files[0], files[0]], format="aflw")


@pytest.mark.slow
def test_another_reference(data):
    folder, _ = data
    path = folder / "faces.json"
    by_name, text = run(data, path, reference="right_eye_outer, left_eye_outer")
    by_index, _ = run(data, path, reference="6,11")
    assert by_name["faces"].numbers == by_index["faces"].numbers
    assert "distance of right_eye_outer and left_eye_outer" in text
    with pytest.raises(ValueError, match="`reference` names two landmarks.*'6'"):
        run(data, path, reference="6")
    # Neither a reference nor the file tells of a size.
    _, text = run(data, path)
    assert "square root of the box's area" in text


def test_a_model_that_does_not_name_its_landmarks(data):
    folder, _ = data
    bare = HRNetLandmarks.from_preset(
        "hrnet_test", num_keypoints=19, image_size=(64, 64)
    )
    with pytest.raises(ValueError, match="best.keras does not say which keypoints"):
        run((folder, bare), folder / "full.csv", format="aflw")
