"""Cityscapes, as its archives unpack.

    leftImg8bit/{train,val,test}/CITY/*_leftImg8bit.png
    gtFine/{train,val,test}/CITY/*_gtFine_labelIds.png (and *_labelTrainIds.png)

Reference: cityscapesScripts; HRNet-Semantic-Segmentation, lib/datasets/cityscapes.py
and data/list/cityscapes.
"""

from typing import TYPE_CHECKING

from hrnet_tf.data.formats.checks import check_folder
from hrnet_tf.data.formats.label_folder import check_split, files_by_name, pair_files
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.label_set import LabelSet
    from hrnet_tf.data.schema import SegmentationExample


SPLITS = {
    "train": ("train",),
    "val": ("val",),
    "trainval": ("train", "val"),
    "test": ("test",),
}
IMAGE_SUFFIX = "_leftimg8bit.png"  # as files_by_name wants it, in lower case


def load_segmentation(
    data_dir: PathLike,
    split: str,
    label_set: "LabelSet | None" = None,
    skip_bad: bool = False,
) -> "list[SegmentationExample]":
    """Loads a split of the finely annotated images.

    The label maps' values are not checked; `check_labels` does that.

    Args:
        data_dir: path of the folder with leftImg8bit and gtFine.
        split: "train", "val", "trainval" or "test" (whose label maps are published
            without labels).
        label_set: `LabelSet` or None. Of the set "cityscapes_train_ids" the label maps
            are *_labelTrainIds.png, otherwise *_labelIds.png.
        skip_bad: bool. Whether single bad examples are skipped and counted in a warning
            instead of raising.
    Returns:
        A list of `SegmentationExample`, sorted by name within a split.
    Raises:
        ValueError: for an unknown split, absent folders, and as
            `label_folder.load_segmentation`.
    """
    check_split(split, SPLITS)
    train_ids = label_set is not None and label_set.name == "cityscapes_train_ids"
    label_suffix = f"_gtfine_{'labeltrainids' if train_ids else 'labelids'}.png"
    root, examples = check_folder(data_dir), []
    for part in SPLITS[split]:
        folders = root / "leftImg8bit" / part, root / "gtFine" / part
        images = files_by_name(folders[0], (IMAGE_SUFFIX,), "*/*")
        labels = files_by_name(folders[1], (label_suffix,), "*/*")
        examples += pair_files(images, labels, folders, None, skip_bad, None)
    return examples
