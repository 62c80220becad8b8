"""Look Into Person (single person), as its archives unpack.

    TrainVal_images/{train,val}_images/*.jpg
    TrainVal_parsing_annotations/{train,val}_segmentations/*.png

The mirrored label maps of some releases are not needed: a `LabelSet`'s flip pairs say
which classes change sides.

Reference: HRNet-Semantic-Segmentation, lib/datasets/lip.py and data/list/lip.
"""

from typing import TYPE_CHECKING

from hrnet_tf.data.formats import label_folder
from hrnet_tf.data.formats.checks import check_folder
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.schema import SegmentationExample


IMAGES, LABELS = "TrainVal_images", "TrainVal_parsing_annotations"


def load_segmentation(
    data_dir: PathLike, split: str, skip_bad: bool = False
) -> "list[SegmentationExample]":
    """Loads a split.

    The label maps' values are not checked; `check_labels` does that.

    Args:
        data_dir: path of the folder with TrainVal_images and
            TrainVal_parsing_annotations.
        split: "train" or "val".
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
    return label_folder.load_segmentation(
        root / IMAGES / f"{split}_images",
        root / LABELS / f"{split}_segmentations",
        skip_bad=skip_bad,
    )


def load_from_list(
    list_file: PathLike, data_dir: PathLike, skip_bad: bool = False
) -> "list[SegmentationExample]":
    """Loads the official lists, such as valList.txt.

    Args:
        list_file: path of the list.
        data_dir: path, as in `load_segmentation`.
        skip_bad: bool, as in `load_segmentation`.
    Returns:
        A list of `SegmentationExample`, in the order of the list.
    Raises:
        ValueError: as `label_folder.load_from_list`.
    """
    root = check_folder(data_dir)
    return label_folder.load_from_list(
        list_file, root / IMAGES, root / LABELS, skip_bad=skip_bad
    )
