"""Small drawn images with label maps, in the layouts of the known data sets."""

import numpy as np
from PIL import Image

SIZE = (48, 96)


def save_pair(image_path, label_path, label_set, seed=0, size=SIZE):
    """Saves stripes of random classes, each in its colour, and their label map.

    Args:
        image_path: path. Its suffix says the format.
        label_path: path of the label map.
        label_set: `LabelSet`, whose `file_ids` the label map holds.
        seed: int.
        size: (height, width).
    Returns:
        The classes, uint8 `[H, W]`.
    """
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, label_set.num_classes, size[1] // 8)
    labels = np.repeat(labels.astype(np.uint8), 8)[None].repeat(size[0], 0)
    labels[: size[0] // 8] = 255
    colours = np.array([*label_set.palette, *[(0, 0, 0)] * 256], np.uint8)[:256]
    for path, pixels in (
        (image_path, colours[labels]),
        (label_path, label_set.to_file_ids(labels)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return labels


def cityscapes_layout(root, label_set, splits=("train", "val"), count=2):
    """Cityscapes' folders, with the other files that lie beside the label maps."""
    for split in splits:
        for index in range(count):
            name = f"{split}/town{index}/town{index}_000000_{index:06d}"
            label = root / "gtFine" / f"{name}_gtFine_labelIds.png"
            save_pair(
                root / "leftImg8bit" / f"{name}_leftImg8bit.png",
                label,
                label_set,
                index,
            )
            for other in ("color", "instanceIds"):
                label.with_name(label.name.replace("labelIds", other)).touch()
    return root


def lip_layout(root, label_set, count=2):
    """LIP's folders; its images have all shapes."""
    for split in ("train", "val"):
        for index in range(count):
            save_pair(
                root / "TrainVal_images" / f"{split}_images" / f"{index}.jpg",
                root
                / "TrainVal_parsing_annotations"
                / f"{split}_segmentations"
                / f"{index}.png",
                label_set,
                index,
                (64 + 16 * index, 40),
            )
    return root


def pascal_context_layout(root, label_set, count=2):
    """PASCAL-Context's folders and lists."""
    lists = root / "ImageSets" / "SegmentationContext"
    lists.mkdir(parents=True)
    for split in ("train", "val"):
        names = [f"2008_{split}{index}" for index in range(count)]
        (lists / f"{split}.txt").write_text("\n".join(names) + "\n")
        for index, name in enumerate(names):
            save_pair(
                root / "JPEGImages" / f"{name}.jpg",
                root / "SegmentationClassContext" / f"{name}.png",
                label_set,
                index,
            )
    return root


def ade20k_layout(root, label_set, count=2):
    """The folders of ADEChallengeData2016."""
    for split in ("training", "validation"):
        for index in range(count):
            save_pair(
                root / "images" / split / f"ADE_{index:08d}.jpg",
                root / "annotations" / split / f"ADE_{index:08d}.png",
                label_set,
                index,
            )
    return root


def coco_stuff_layout(root, label_set, count=2):
    """The official code's folders of the 10k release."""
    for split in ("train", "val"):
        for index in range(count):
            name = f"COCO_train2014_{index:012d}"
            save_pair(
                root / split / "image" / f"{name}.jpg",
                root / split / "label" / f"{name}.png",
                label_set,
                index,
            )
    return root
