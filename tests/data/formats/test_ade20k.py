import pytest
from label_layouts import ade20k_layout, save_pair

from hrnet_tf.data.formats.ade20k import load_segmentation
from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.formats.label_folder import load_from_list
from hrnet_tf.data.label_sets import load_label_set

ADE20K = load_label_set("ade20k")


def test_organisers_layout(tmp_path):
    root = ade20k_layout(tmp_path, ADE20K)
    examples = load_segmentation(root, "val")
    assert [e.label_path for e in examples] == [
        str(root / "annotations/validation" / f"ADE_0000000{i}.png") for i in range(2)
    ]
    kept, counts = check_labels(examples, ADE20K)
    assert kept == examples and counts.shape == (150,)
    assert len(load_segmentation(root, "train")) == 2


def test_official_codes_layout_and_list(tmp_path):
    paths = tmp_path / "train/image/ADE_1.jpg", tmp_path / "train/label/ADE_1.png"
    save_pair(*paths, ADE20K)
    examples = load_segmentation(tmp_path, "train")
    assert [(e.image_path, e.label_path) for e in examples] == [tuple(map(str, paths))]
    (tmp_path / "train.lst").write_text("train/image/ADE_1.jpg train/label/ADE_1.png\n")
    assert (
        load_from_list(tmp_path / "train.lst", tmp_path, label_set=ADE20K) == examples
    )


def test_errors(tmp_path):
    with pytest.raises(ValueError, match=r"one of \['train', 'val'\]. .*'validation'"):
        load_segmentation(tmp_path, "validation")
    with pytest.raises(ValueError, match="no image folder .*images/validation"):
        load_segmentation(tmp_path, "val")
