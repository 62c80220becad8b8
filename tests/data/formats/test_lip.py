import pytest
from label_layouts import lip_layout

from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.formats.lip import load_from_list, load_segmentation
from hrnet_tf.data.label_sets import load_label_set


def test_splits_and_lists(tmp_path):
    label_set = load_label_set("lip")
    root = lip_layout(tmp_path, label_set)
    examples = load_segmentation(root, "train")
    assert [e.image_path for e in examples] == [
        str(root / "TrainVal_images/train_images" / name) for name in ("0.jpg", "1.jpg")
    ]
    assert examples[1].label_path == str(
        root / "TrainVal_parsing_annotations/train_segmentations/1.png"
    )
    assert check_labels(examples, label_set)[0] == examples
    # The official list of training has a column with mirrored label maps.
    list_file = root / "trainList.txt"
    list_file.write_text(
        "train_images/1.jpg train_segmentations/1.png"
        " train_segmentations_reversed/1.png\n"
    )
    assert load_from_list(list_file, root) == examples[1:]


def test_errors(tmp_path):
    with pytest.raises(ValueError, match=r"one of \['train', 'val'\]. .*'test'"):
        load_segmentation(tmp_path, "test")
    with pytest.raises(ValueError, match="There is no image folder .*val_images"):
        load_segmentation(tmp_path, "val")
