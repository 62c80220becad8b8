"""Folders of images and of masks, and PASCAL VOC's SegmentationClass.

Masks may be of class numbers (grey or palette PNGs), or of colours that a list tells.
"""

import dataclasses
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import image_size
from hrnet_tf.data.formats.label_folder import IMAGE_SUFFIXES, files_by_name
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.label_maps import write_label_map
from hrnet_tf.data.formats.tools.marks import match_of
from hrnet_tf.data.formats.tools.mask_classes import (
    Classes,
    declared_classes,
    found_classes,
    read_mask,
)
from hrnet_tf.data.formats.tools.splits import SPLITS, split_of
from hrnet_tf.data.formats.tools.writers.masks import write
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.schema import SegmentationExample
from hrnet_tf.typing import Progress

_VOC = ("JPEGImages", "SegmentationClass")
_IMAGES = ("images", "image", "imgs", "img", "jpegimages", "leftimg8bit")
_MASKS = ("masks", "mask", "labels", "label", "annotations", "segmentationclass", "gt")
_ENDS = ("_mask", "_masks", "_label", "_labels", "-mask", "-label", "_segmentation")


@dataclasses.dataclass(frozen=True)
class Pair:
    """A folder of images with one of masks.

    Attributes:
        images: `Path`.
        masks: `Path`.
        split: str or None.
    """

    images: Path
    masks: Path
    split: str | None = None


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    found = pairs_of(path)
    return match_of(
        (path.is_dir(), "it is no folder"),
        (bool(found), "it holds no folder of images beside one of masks"),
    )


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    pairs = pairs_of(path)
    if images is not None and pairs:
        pairs = [dataclasses.replace(pair, images=images) for pair in pairs]
    if not pairs:
        raise ValueError(
            f"{path} holds no folder of images beside one of masks, such as images and"
            " masks, or JPEGImages and SegmentationClass."
        )
    bad, left_out = BadExamples(path, skip_bad), LeftOut()
    splits = _listed_splits(path)
    found = []
    for pair in pairs:
        for image, mask in _partners(pair, bad, left_out):
            found.append((image, mask, splits.get(image.stem, pair.split)))
    if splits:
        for image, _, _ in found:
            if image.stem not in splits:
                left_out.add("pictures in no list of ImageSets", image.name)
        found = [entry for entry in found if entry[0].stem in splits]
    return _labelled(path, found, work, bad, left_out, progress)


def pairs_of(path: Path) -> list:
    """Returns the `Pair`s of folders that a folder holds; [] for anything else."""
    folders = {folder.name: folder for folder in _folders(path)}
    # VOC's boxes may have a SegmentationClass with nothing in it.
    if all(name in folders for name in _VOC) and _has_masks(folders[_VOC[1]]):
        return [Pair(*(folders[name] for name in _VOC))]
    pairs = []
    # SegNet's layout: train and trainannot.
    for name, folder in folders.items():
        split = split_of(name)
        annotated = folders.get(f"{name}annot")
        if split and annotated:
            pairs.append(Pair(folder, annotated, split))
        elif split:
            pairs += [
                dataclasses.replace(pair, split=split) for pair in _beside(folder)
            ]
    return pairs or _beside(path)


def _beside(path):
    """Pairs of folders called images and masks, with splits in them or not."""
    folders = {folder.name.casefold(): folder for folder in _folders(path)}
    images = next((folders[name] for name in _IMAGES if name in folders), None)
    masks = next((folders[name] for name in _MASKS if name in folders), None)
    if images is None or masks is None or not _has_masks(masks):
        return []
    inner = [folder for folder in _folders(images) if split_of(folder.name)]
    return [
        Pair(folder, masks / folder.name, split_of(folder.name))
        for folder in inner
        if (masks / folder.name).is_dir()
    ] or [Pair(images, masks)]


def _has_masks(folder):
    try:
        return any(True for _ in folder.glob("*.png")) or any(
            True for _ in folder.glob("*/*.png")
        )
    except OSError:
        return False


def _folders(path):
    try:
        return sorted(p for p in path.iterdir() if p.is_dir())
    except (OSError, ValueError):
        return []


def _listed_splits(path):
    """Splits of VOC's ImageSets/Segmentation, by a picture's name."""
    splits: dict = {}
    for name, split in SPLITS.items():
        file = path / "ImageSets" / "Segmentation" / f"{name}.txt"
        # trainval is both of the others.
        if name == "trainval" or not file.is_file():
            continue
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{file} is no list of names: {error}.") from error
        splits.update(
            (Path(line.strip()).stem, split) for line in lines if line.strip()
        )
    return splits


def _partners(pair, bad, left_out):
    """Yields the image and the mask of each name."""
    masks = {}
    for name, files in files_by_name(pair.masks, (".png",), "**/*").items():
        end = next((end for end in _ENDS if name.casefold().endswith(end)), "")
        masks[name[: len(name) - len(end)]] = files[0]
    images = files_by_name(pair.images, IMAGE_SUFFIXES, "**/*")
    for name, files in images.items():
        if name not in masks:
            left_out.add("pictures without a mask", str(files[0]), split=pair.split)
        elif len(files) > 1:
            bad.add(
                BadExample(
                    "ambiguous name",
                    f"{files[0]} and {files[1].name} have the same name, so it is"
                    f" unclear which one belongs to {masks[name]}. Rename one.",
                )
            )
        else:
            yield files[0], masks[name]
    for name in masks:
        if name not in images:
            left_out.add("masks without a picture", str(masks[name]), split=pair.split)


def _labelled(path, found, work, bad, left_out, progress):
    """Checks masks, finds their classes, and writes those of other numbers anew."""
    good, values, all_plain = [], np.zeros(256, np.int64), True
    declared = declared_classes(path)
    for done, (image, mask, split) in enumerate(found, 1):
        try:
            numbers, plain = read_mask(mask, declared)
            all_plain = all_plain and plain
            height, width = image_size(image)
            if numbers.shape != (height, width):
                raise BadExample(
                    "label of another size",
                    f"The mask {mask} has {numbers.shape[1]}x{numbers.shape[0]} pixels"
                    f" (width x height), but its image {image} has {width}x{height}.",
                )
        except BadExample as error:
            bad.add(error)
        else:
            good.append((image, mask, split))
            values += np.bincount(numbers.ravel(), minlength=256)
        if progress is not None:
            progress(done, len(found))
    if not good:
        raise ValueError(
            f"{path} holds no picture with a mask; left out:"
            f" {left_out.describe() or 'none'}; bad: {bad.describe() or 'none'}."
        )
    bad.warn()
    classes = found_classes(path, declared, values)
    examples = _examples(path, good, classes, all_plain, work)
    return LabelledData(
        task="segmentation",
        format="masks",
        source=path,
        examples=examples,
        names=classes.names,
        palette=classes.palette,
        splits={str(image): split for image, _, split in good if split},
        left_out=left_out,
        notes=classes.notes,
    )


def _examples(path, good, classes: Classes, all_plain, work):
    if all_plain and classes.is_plain:
        return [SegmentationExample(str(image), str(mask)) for image, mask, _ in good]
    if work is None:
        raise ValueError(
            f"The masks in {path} are to be written anew with the numbers 0 to"
            f" {len(classes.names) - 1} of their classes: pass `work`, a folder for"
            " them."
            f" {' '.join(classes.notes)}"
        )
    examples = []
    for number, (image, mask, _) in enumerate(good):
        numbers = classes.table[read_mask(mask, classes)[0]]
        place = work / "labels" / f"{number:06d}_{mask.stem}.png"
        write_label_map(place, numbers)
        examples.append(SegmentationExample(str(image), str(place)))
    return examples


FORMAT = ToolFormat(
    name="masks",
    title="folders of images and masks",
    tasks=("segmentation",),
    match=match,
    read=read,
    write=write,
    write_tasks=("segmentation",),
)
