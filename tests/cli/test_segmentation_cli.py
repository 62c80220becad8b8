"""What `hrnet evaluate` does with a segmenter."""

import json

import numpy as np
import pytest
from drawn_labels import draw_labels
from segmenters import make_segmenter
from tested_files import evaluate

from hrnet_tf.data.formats.label_checks import read_label
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.tasks.segmentation.task import SEGMENTATION


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_labels(tmp_path_factory.mktemp("shapes"), num_val=3)


@pytest.fixture(scope="module")
def model(data):
    label_set = load_label_set(data / "labels.json")
    return make_segmenter(num_classes=3, label_set=label_set.to_dict())


def run(*arguments, **options):
    reports, text = evaluate(SEGMENTATION, *arguments, **options)
    return reports["report"], text


def test_evaluate_writes_numbers_plots_and_pictures(model, data, tmp_path):
    out = tmp_path / "report"
    report, printed = run(
        model,
        data / "val",
        labels=data / "valannot",
        pictures=2,
        save_labels=True,
        out=out,
    )
    assert report.num_images == 3
    assert "3 images, scales 1, without flip test" in printed
    for name, row in report.classes.items():
        line = next(line for line in printed.splitlines() if f" {name} " in line)
        assert f"{row['iou']:.4f}" in line
        assert f"{row['accuracy']:.4f}" in line
    assert f"{report.main_number:.4f}" in printed
    assert json.loads((out / "report.json").read_text())["numbers"] == report.numbers
    assert {p.name for p in out.iterdir()} == {
        *("report.json", "iou.png", "confusion.png", "pictures", "labels"),
    }
    assert {p.name for p in (out / "pictures").iterdir()} == {"0.jpg", "1.jpg"}
    assert {p.name for p in (out / "labels").iterdir()} == {"0.png", "1.png", "2.png"}
    assert set(np.unique(read_label(out / "labels/0.png"))) <= {0, 1, 2}


def test_evaluate_by_a_list_and_a_rule(model, data, tmp_path):
    lines = [f"val/{i}.png valannot/{i}.png" for i in (2, 0)]
    (tmp_path / "val.lst").write_text("\n".join(lines))
    report, text = run(
        model,
        data,
        list_file=tmp_path / "val.lst",
        format="list",
        scales=(0.5, 1.0),
        flip_test=True,
        out=tmp_path / "report.json",
    )
    assert report.num_images == 2
    assert "2 images, scales 0.5, 1, with flip test" in text
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["protocol"]["scales"] == [0.5, 1.0]


def test_absent_classes_are_explained(data):
    names = ("ground", "square", "disc", "bird")
    fields = {"name": "more", "classes": names, "ignored_ids": [9]}
    (data / "more.json").write_text(json.dumps(fields))
    model = make_segmenter(label_set=None)
    # The bias keeps the last class from being predicted.
    model.get_layer("head").bias.assign([0, 0, 0, -1e4])
    report, printed = run(
        model,
        data / "val",
        labels=data / "valannot",
        label_set=data / "more.json",
    )
    assert report.absent == ("bird",)
    assert "1 class is neither labelled nor predicted and counts as 0" in printed
    assert f"labelled classes is {report.numbers['mIoU_present']:.4f}" in printed


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "`format` folder needs `labels`"),
        ({"format": "list"}, "`format` list needs `list_file`"),
        (
            {"labels": "a", "list_file": "b"},
            "`list_file` belongs to `format` list or lip",
        ),
        ({"labels": "a", "format": "lip"}, "`labels` belongs to `format` folder or"),
        ({"labels": "a", "format": "voc"}, r"format must be one of .*Received: 'voc'"),
        ({"labels": "a", "protocol": "voc"}, "protocol must be one of"),
        ({"labels": "a", "save_labels": True}, "saved into a folder.*out=None"),
        (
            {"labels": "a", "label_set": "camvid"},
            "has 11 classes, but m.keras",
        ),
    ],
)
def test_wrong_options(model, data, options, text):
    with pytest.raises(ValueError, match=text):
        run(model, data / "val", **options)


def test_evaluate_needs_to_know_the_classes(data):
    with pytest.raises(ValueError, match="m.keras does not say .* Pass `label_set`"):
        run(make_segmenter(label_set=None), data / "val")
