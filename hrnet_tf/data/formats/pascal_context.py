"""PASCAL-Context: VOC2010's images with label maps of 59 classes and the background.

    JPEGImages/*.jpg, SegmentationClassContext/*.png,
    ImageSets/SegmentationContext/{train,val}.txt

The last two are what `write_labels` makes of trainval_merged.json, the file in which
the annotations are published.

Reference: HRNet-Semantic-Segmentation, branch pytorch-v1.1, lib/datasets/pascal_ctx.py
(which categories are classes); zhanghang1989/detail-api (how a label map is drawn).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats import label_folder
from hrnet_tf.data.formats.checks import check_folder
from hrnet_tf.io import read_json, write_bytes, write_file
from hrnet_tf.typing import PathLike, Progress

if TYPE_CHECKING:
    from hrnet_tf.data.schema import SegmentationExample


IMAGES, LABELS = "JPEGImages", "SegmentationClassContext"
LISTS = "ImageSets/SegmentationContext"
# The annotated categories 1..459 that are the classes 1..59, in this order.
CATEGORY_IDS = (
    *(2, 9, 18, 19, 22, 23, 25, 31, 33, 34, 44, 45, 46, 59, 65, 68, 72, 80, 85, 98),
    *(104, 105, 113, 115, 144, 158, 159, 162, 187, 189, 207, 220, 232, 258, 259, 260),
    *(284, 295, 296, 308, 324, 326, 347, 349, 354, 355, 360, 366, 368, 397, 415, 416),
    *(420, 424, 427, 440, 445, 454, 458),
)
_CLASSES = {category: index for index, category in enumerate(CATEGORY_IDS, 1)}
_IMAGE_KEYS = ("image_id", "file_name", "height", "width", "phase")


def load_segmentation(
    data_dir: PathLike, split: str, skip_bad: bool = False
) -> "list[SegmentationExample]":
    """Loads a split.

    The label maps' values are not checked; `check_labels` does that.

    Args:
        data_dir: path of VOCdevkit/VOC2010.
        split: "train" or "val".
        skip_bad: bool. Whether single bad examples are skipped and counted in a warning
            instead of raising.
    Returns:
        A list of `SegmentationExample`, in the order of the split's list.
    Raises:
        ValueError: for an unknown split, an absent folder or list, a list without
            names and, without `skip_bad`, for absent files.
    """
    label_folder.check_split(split, ("train", "val"))
    root = check_folder(data_dir)
    list_file = root / LISTS / f"{split}.txt"
    bad = BadExamples(list_file, skip_bad)
    examples = []
    for _, name in label_folder.numbered_lines(list_file):
        pair = root / IMAGES / f"{name}.jpg", root / LABELS / f"{name}.png"
        try:
            examples.append(label_folder.existing_pair(*pair))
        except BadExample as error:
            bad.add(error)
    if not examples:
        raise ValueError(
            f"{list_file} names no image with a label map in {root}; bad:"
            f" {bad.describe() or 'none'}."
        )
    bad.warn()
    return examples


def write_labels(
    annotation_file: PathLike, data_dir: PathLike, progress: Progress | None = None
) -> dict[str, int]:
    """Writes the label maps and the lists of both splits.

    Args:
        annotation_file: path of trainval_merged.json.
        data_dir: path of VOCdevkit/VOC2010.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A dict from the splits to their numbers of images.
    Raises:
        ValueError: if the file is not of this format, or contradicts itself.
    """
    contents = read_json(annotation_file)
    images, masks = _read_annotations(annotation_file, contents)
    root = check_folder(data_dir)
    names: dict[str, list[str]] = {"train": [], "val": []}
    images = [image for image in images if image["phase"] in names]
    for done, image in enumerate(images, 1):
        name = Path(image["file_name"]).stem
        label = _draw(image, masks.get(image["image_id"], ()), annotation_file)
        _write_png(root / LABELS / f"{name}.png", label)
        names[image["phase"]].append(name)
        if progress is not None:
            progress(done, len(images))
    for split, found in names.items():
        lines = "".join(f"{name}\n" for name in sorted(found))
        write_bytes(root / LISTS / f"{split}.txt", lines)
    return {split: len(found) for split, found in names.items()}


def _read_annotations(path, contents):
    """Returns the images and, of each image's id, pairs of category and mask."""
    try:
        images = [
            {key: image[key] for key in _IMAGE_KEYS} for image in contents["images"]
        ]
        masks = {}
        for mask in contents["annos_segmentation"]:
            entry = mask["category_id"], mask["segmentation"]
            masks.setdefault(mask["image_id"], []).append(entry)
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is not in the format of trainval_merged.json, with 'images' and"
            f" 'annos_segmentation': {type(error).__name__} {error}."
        ) from error
    return images, masks


def _draw(image, masks, path):
    from pycocotools import mask as mask_codec

    label = np.zeros((image["height"], image["width"]), np.uint8)
    for category, segmentation in masks:
        drawn = mask_codec.decode(segmentation).astype(bool)
        if drawn.shape != label.shape:
            raise ValueError(
                f"{path}: a mask of {image['file_name']} has {drawn.shape[1]}x"
                f"{drawn.shape[0]} pixels (width x height), the image"
                f" {image['width']}x{image['height']}."
            )
        if category not in _CLASSES:
            raise ValueError(
                f"{path}: {image['file_name']} has a mask of category {category};"
                " expected the 59 categories of the merged annotations."
            )
        label[drawn] = _CLASSES[category]
    return label


def _write_png(path, label):
    from PIL import Image

    write_file(path, lambda file: Image.fromarray(label).save(file, "PNG"))
