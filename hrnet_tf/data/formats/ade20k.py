"""ADE20K's scene parsing benchmark, in the organisers' layout or the official code's.

    images/{training,validation}/*.jpg, annotations/{training,validation}/*.png
    {train,val}/image/*.jpg, {train,val}/label/*.png

Reference: CSAILVision/sceneparsing (ADEChallengeData2016); HRNet-Semantic-Segmentation,
branch HRNet-OCR, lib/datasets/ade20k.py and data/list/ade20k.
"""

from typing import TYPE_CHECKING

from hrnet_tf.data.formats import label_folder
from hrnet_tf.data.formats.checks import check_folder
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.schema import SegmentationExample


_FOLDERS = {"train": "training", "val": "validation"}


def load_segmentation(
    data_dir: PathLike, split: str, skip_bad: bool = False
) -> "list[SegmentationExample]":
    """Loads a split.

    The label maps' values are not checked; `check_labels` does that.

    Args:
        data_dir: path of the folder with images and annotations, or with train and val.
        split: "train" or "val".
        skip_bad: bool. Whether single bad examples are skipped and counted in a warning
            instead of raising.
    Returns:
        A list of `SegmentationExample`, sorted by name.
    Raises:
        ValueError: for an unknown split, absent folders, and as
            `label_folder.load_segmentation`.
    """
    label_folder.check_split(split, _FOLDERS)
    root = check_folder(data_dir)
    folders = root / split / "image", root / split / "label"
    if not folders[0].is_dir():
        folder = _FOLDERS[split]
        folders = root / "images" / folder, root / "annotations" / folder
    return label_folder.load_segmentation(*folders, skip_bad=skip_bad)
