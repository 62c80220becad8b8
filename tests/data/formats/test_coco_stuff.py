from pathlib import Path

import pytest
from label_layouts import save_pair

from hrnet_tf.data.formats.coco_stuff import load_segmentation
from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.label_sets import load_label_set


def names(examples):
    return [(Path(e.image_path).name, Path(e.label_path).name) for e in examples]


def test_official_codes_layout(tmp_path):
    label_set = load_label_set("coco_stuff")
    save_pair(tmp_path / "val/image/a.jpg", tmp_path / "val/label/a.png", label_set)
    examples = load_segmentation(tmp_path, "val", label_set)
    assert names(check_labels(examples, label_set)[0]) == [("a.jpg", "a.png")]


def test_pixel_maps_and_train_ids_lie_side_by_side(tmp_path):
    raw, compact = map(load_label_set, ("coco_stuff_164k", "coco_stuff_train_ids"))
    for name in "ab":
        image = tmp_path / "images/train2017" / f"{name}.jpg"
        labels = tmp_path / "annotations/train2017"
        save_pair(image, labels / f"{name}.png", raw)
        save_pair(image, labels / f"{name}_labelTrainIds.png", compact)
    found = load_segmentation(tmp_path, "train", raw)
    assert names(found) == [("a.jpg", "a.png"), ("b.jpg", "b.png")]
    assert load_segmentation(tmp_path, "train") == found
    assert check_labels(found, raw)[0] == found
    found = load_segmentation(tmp_path, "train", compact)
    assert names(found)[1] == ("b.jpg", "b_labelTrainIds.png")
    assert check_labels(found, compact)[0] == found


def test_errors(tmp_path):
    with pytest.raises(ValueError, match=r"one of \['train', 'val'\]. .*'test'"):
        load_segmentation(tmp_path, "test")
    with pytest.raises(ValueError, match="no image folder .*images/val2017"):
        load_segmentation(tmp_path, "val")
