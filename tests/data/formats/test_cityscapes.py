from pathlib import Path

import pytest
from label_layouts import cityscapes_layout, save_pair

from hrnet_tf.data.formats.cityscapes import load_segmentation
from hrnet_tf.data.formats.label_checks import check_labels, read_label
from hrnet_tf.data.formats.label_folder import load_from_list
from hrnet_tf.data.label_sets import load_label_set

CITYSCAPES = load_label_set("cityscapes")
TRAIN_IDS = load_label_set("cityscapes_train_ids")


@pytest.fixture
def root(tmp_path):
    return cityscapes_layout(tmp_path / "cityscapes", CITYSCAPES)


def test_splits(root):
    train, val = (load_segmentation(root, split) for split in ("train", "val"))
    assert [Path(e.image_path).name for e in train] == [
        "town0_000000_000000_leftImg8bit.png",
        "town1_000000_000001_leftImg8bit.png",
    ]
    assert train[1].label_path == str(
        root / "gtFine/train/town1/town1_000000_000001_gtFine_labelIds.png"
    )
    assert load_segmentation(root, "trainval", CITYSCAPES) == train + val
    kept, counts = check_labels(train + val, CITYSCAPES)
    assert kept == train + val
    table = CITYSCAPES.lookup()
    maps = [table[read_label(e.label_path)] for e in kept]
    assert counts.tolist() == [sum((m == c).sum() for m in maps) for c in range(19)]


def test_train_ids_are_files_of_their_own(root):
    message = "town0_000000_000000_leftImg8bit.png has no label map of the same name"
    with pytest.raises(ValueError, match=message):
        load_segmentation(root, "val", TRAIN_IDS)
    for example in load_segmentation(root, "val"):
        path = Path(example.label_path.replace("labelIds", "labelTrainIds"))
        save_pair(Path(example.image_path), path, TRAIN_IDS)
    examples = load_segmentation(root, "val", TRAIN_IDS)
    assert all(e.label_path.endswith("_gtFine_labelTrainIds.png") for e in examples)
    assert check_labels(examples, TRAIN_IDS)[0] == examples
    # The raw numbers are no train ids, and the other way round: 255 is a raw number.
    with pytest.raises(ValueError, match="holds the value .*the values 0 to 18,"):
        check_labels(load_segmentation(root, "train"), TRAIN_IDS)


def test_official_list(root):
    name = "val/town0/town0_000000_000000"
    list_file = root / "val.lst"
    list_file.write_text(
        f"leftImg8bit/{name}_leftImg8bit.png\tgtFine/{name}_gtFine_labelIds.png\n"
    )
    assert load_from_list(list_file, root) == load_segmentation(root, "val")[:1]


def test_errors(root):
    with pytest.raises(ValueError, match=r"one of \['train', 'val', 'trainval', 't"):
        load_segmentation(root, "validation")
    with pytest.raises(ValueError, match="no image folder .*leftImg8bit/test"):
        load_segmentation(root, "test")
    next((root / "leftImg8bit/train/town0").iterdir()).unlink()
    with pytest.raises(ValueError, match="labelIds.png has no image of the same name"):
        load_segmentation(root, "train")
