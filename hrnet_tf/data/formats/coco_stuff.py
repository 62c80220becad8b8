"""COCO-Stuff: the official code's layout of the 10k release, and that of the 164k one.

    {train,val}/image/*.jpg, {train,val}/label/*.png                  (coco_stuff)
    images/{train,val}2017/*.jpg, annotations/{train,val}2017/*.png   (coco_stuff_164k)
    the same with *_labelTrainIds.png                            (coco_stuff_train_ids)

Reference: nightrome/cocostuff; HRNet-Semantic-Segmentation, branch HRNet-OCR,
lib/datasets/cocostuff.py and data/list/cocostuff.
"""

from typing import TYPE_CHECKING

from hrnet_tf.data.formats import label_folder
from hrnet_tf.data.formats.checks import check_folder
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.label_set import LabelSet
    from hrnet_tf.data.schema import SegmentationExample


TRAIN_IDS_SUFFIX = "_labeltrainids.png"


def load_segmentation(
    data_dir: PathLike,
    split: str,
    label_set: "LabelSet | None" = None,
    skip_bad: bool = False,
) -> "list[SegmentationExample]":
    """Loads a split.

    The label maps' values are not checked; `check_labels` does that.

    Args:
        data_dir: path of the folder with train and val, or with images and annotations.
        split: "train" or "val".
        label_set: `LabelSet` or None. Of the set "coco_stuff_train_ids" the label maps
            are *_labelTrainIds.png, which are left out otherwise.
        skip_bad: bool. Whether single bad examples are skipped and counted in a warning
            instead of raising.
    Returns:
        A list of `SegmentationExample`, sorted by name.
    Raises:
        ValueError: for an unknown split, absent folders, and as
            `label_folder.load_segmentation`.
    """
    label_folder.check_split(split, ("train", "val"))
    root = check_folder(data_dir)
    folders = root / split / "image", root / split / "label"
    if not folders[0].is_dir():
        folders = (
            root / "images" / f"{split}2017",
            root / "annotations" / f"{split}2017",
        )
    images = label_folder.files_by_name(folders[0], label_folder.IMAGE_SUFFIXES)
    if label_set is not None and label_set.name == "coco_stuff_train_ids":
        labels = label_folder.files_by_name(folders[1], (TRAIN_IDS_SUFFIX,))
    else:
        labels = {
            name: [p for p in paths if not p.name.lower().endswith(TRAIN_IDS_SUFFIX)]
            for name, paths in label_folder.files_by_name(folders[1], (".png",)).items()
        }
        labels = {name: paths for name, paths in labels.items() if paths}
    return label_folder.pair_files(images, labels, folders, None, skip_bad, None)
