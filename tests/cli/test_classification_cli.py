"""What `hrnet evaluate` prints and writes for classifiers."""

import io
import json

import numpy as np
import pytest
from drawn_shapes import CLASSES, draw_data_set, draw_shape
from rich.console import Console
from tested_files import evaluate

from hrnet_tf import HRNetClassifier
from hrnet_tf.cli import common
from hrnet_tf.tasks.classification.evaluate import make_report
from hrnet_tf.tasks.classification.task import CLASSIFICATION


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_data_set(tmp_path_factory.mktemp("shapes"), 1, 3)


@pytest.fixture(scope="module")
def model():
    return HRNetClassifier.from_preset(
        "hrnet_test", num_classes=3, image_size=(32, 32), class_names=CLASSES
    )


def run(*arguments, **options):
    reports, text = evaluate(CLASSIFICATION, *arguments, **options)
    return reports["report"], text


def test_evaluate(model, data, tmp_path):
    report, text = run(model, data / "val", out=tmp_path / "test")
    assert "m.keras" in text
    assert f"top-1  │ {report.numbers['top1']:.4f}" in text
    assert "9 images, centre crop 32x32 of 0.875," in text
    for name in CLASSES:
        assert f"│ {name} " in text
    fields = json.loads((tmp_path / "test" / "report.json").read_text())
    assert fields["numbers"] == report.numbers
    assert (tmp_path / "test" / "confusion.png").stat().st_size > 1000


@pytest.mark.slow
def test_evaluate_writes_one_file(model, data, tmp_path):
    run(model, data / "val", out=tmp_path / "numbers.json")
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.json"]


@pytest.mark.slow
def test_evaluate_at_another_size(model, data):
    report, text = run(model, data / "val", image_size=(64, 64), crop_fraction=1.0)
    assert report.image_size == (64, 64)
    assert "centre crop 64x64 of 1," in text


def test_evaluate_a_list(model, data, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("circle/000.jpg circle\nsquare/001.jpg 1\n")
    report, text = run(model, data / "val", labels=labels)
    assert report.confusion.sum(1).tolist() == [1, 1, 0]
    # A class without images has no row; others may be taken for it.
    rows = [
        line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")
    ]
    assert {"circle", "square"} < set(rows) and "stripes" not in rows


def test_unknown_folder_is_refused(model, data, tmp_path):
    for name in ("circle", "star"):
        (tmp_path / name).mkdir()
        draw_shape("circle", 0).save(tmp_path / name / "a.png")
    with pytest.raises(ValueError, match="the class 'star' is none of the 1 classes"):
        run(model, tmp_path)
    with pytest.warns(UserWarning, match="1 x unknown class"):
        report, _ = run(model, tmp_path, skip_bad=True)
    assert report.num_images == 1


def test_only_the_worst_of_many_classes():
    confusion = np.eye(30, dtype=int) * 9
    confusion[4, 7] = 5
    report = make_report(
        numbers={"top1": 0.9, "top5": 0.95},
        confusion=confusion,
        class_names=None,
        image_size=(32, 32),
        crop_fraction=1.0,
        num_images=int(confusion.sum()),
        images_per_second=1.0,
    )
    text = io.StringIO()
    common.show_report(report, output=Console(file=text, width=100))
    text = text.getvalue()
    assert "the 20 worst of 30 classes" in text
    assert "│ 4     │     14 │ 0.6429 │ 7 (5)" in text
