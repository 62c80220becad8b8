"""The embedded data set: pictures of drawn, articulated people, with all labels.

It stands in for COCO, and for data sets of body parts, wherever nothing can be
downloaded: demo, tests, first trials of a recipe. One seed gives the same bytes
with the same versions of numpy and pillow.
"""

import json
import pathlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.synthetic.body import PART_NAMES
from hrnet_tf.io import replacing
from hrnet_tf.typing import PathLike

__all__ = ["PART_NAMES", "generate_people"]

# Counted up when the same parameters begin to give other pictures.
GENERATOR_VERSION = 2
MIN_SIDE = 96
# Image ids of a split count from here, so a longer data set keeps its ids.
FIRST_IDS = {"train": 1, "val": 1_000_001}
MAX_IMAGES = 1_000_000
# An annotation id is ten times the image id plus the number of the person.
IDS_PER_IMAGE = 10


def generate_people(
    output_dir: PathLike,
    num_train: int,
    num_val: int,
    image_size: tuple[int, int] = (240, 320),
    seed: int = 0,
    progress: Callable[[int], Any] | None = None,
    most_people: int = 4,
) -> Path:
    """Draws a data set of people in the layout of COCO.

    Every picture depends on the seed, the split and its own index only, so the
    first pictures of a larger data set are those of a smaller one. Written are

    - `train2017/*.jpg`, `val2017/*.jpg`: one to four people in every picture, or to
      six;
    - `annotations/person_keypoints_{train,val}2017.json`: official fields, 17
      keypoints with visibility 2 (seen), 1 (behind a body or a thing) or 0
      (outside the picture, `x = y = 0`), box, area and RLE of the visible pixels;
    - `part_masks/{train,val}2017/*.png`: uint8, indices into `PART_NAMES`;
    - `instance_masks/{train,val}2017/*.png`: uint8, 0 or `annotation id % 10`;
    - `dataset.json`: the parameters.

    The data set is drawn beside `output_dir` and renamed when it is complete; one
    that is already there with the same parameters is returned at once.

    Args:
        output_dir: path; must not exist, be empty, or hold this very data set.
        num_train: int, training pictures, 1..1,000,000 (about 2.2 people each).
        num_val: int, validation pictures, 1..1,000,000.
        image_size: (height, width) in pixels, both at least 96. People are 0.25
            to 0.92 of the height tall when they stand.
        seed: int, 0 or more.
        progress: None or a function called with the number of pictures done.
        most_people: int, 4 or 6. With 6 there are 3.2 people in a picture on average.
    Returns:
        pathlib.Path of the data set.
    Raises:
        ValueError: for bad parameters, or when `output_dir` holds something else.
    """
    parameters = _check_parameters(num_train, num_val, image_size, seed, most_people)
    output_dir = pathlib.Path(output_dir)
    if _already_there(output_dir, parameters):
        return output_dir
    with replacing(output_dir) as beside:
        done = 0
        for split, count in (("train", num_train), ("val", num_val)):
            draw = (image_size, seed, most_people)
            done = _write_split(beside, split, count, draw, done, progress)
        (beside / "dataset.json").write_text(json.dumps(parameters, indent=1) + "\n")
    return output_dir


def _check_parameters(num_train, num_val, image_size, seed, most_people):
    """Returns the contents of dataset.json, or raises ValueError."""
    for name, count in (("num_train", num_train), ("num_val", num_val)):
        if not _is_int(count) or not 1 <= count <= MAX_IMAGES:
            raise ValueError(
                f"{name} must be a number of pictures from 1 to {MAX_IMAGES}."
                f" Received: {name}={count!r}."
            )
    size = tuple(image_size) if isinstance(image_size, (tuple, list)) else ()
    if len(size) != 2 or not all(_is_int(side) and side >= MIN_SIDE for side in size):
        raise ValueError(
            f"image_size must be (height, width), both at least {MIN_SIDE} pixels,"
            " or faces and hands would be smaller than a pixel."
            f" Received: image_size={image_size!r}."
        )
    if not _is_int(seed) or seed < 0:
        raise ValueError(f"seed must be an int of 0 or more. Received: seed={seed!r}.")
    if most_people not in (4, 6):
        raise ValueError(
            f"most_people must be 4 or 6. Received: most_people={most_people!r}."
        )
    # Data sets of four were written before there were others.
    more = {} if most_people == 4 else {"most_people": most_people}
    return {
        "generator": "hrnet_tf.data.synthetic.generate_people",
        "version": GENERATOR_VERSION,
        "num_train": int(num_train),
        "num_val": int(num_val),
        "image_size": [int(side) for side in size],
        "seed": int(seed),
        **more,
    }


def _is_int(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _already_there(output_dir, parameters):
    """Whether this data set exists; raises ValueError if another thing does."""
    if not output_dir.exists():
        return False
    advice = "Choose another output_dir, or remove that one."
    if not output_dir.is_dir():
        raise ValueError(f"output_dir is a file: {output_dir}. {advice}")
    description = output_dir / "dataset.json"
    if not description.exists():
        if any(output_dir.iterdir()):
            raise ValueError(
                f"output_dir is not empty and has no dataset.json: {output_dir}."
                f" {advice}"
            )
        return False
    try:
        found = json.loads(description.read_text())
    except ValueError as error:
        raise ValueError(
            f"Not a JSON file: {description} ({error}). {advice}"
        ) from None
    if found != parameters:
        found = found if isinstance(found, dict) else {"contents": found}
        other = {
            name: found.get(name)
            for name in {**parameters, **found}
            if found.get(name) != parameters.get(name)
        }
        wanted = {name: parameters.get(name) for name in other}
        raise ValueError(
            f"{output_dir} holds a data set with other parameters: {other}, asked"
            f" for: {wanted}. {advice}"
        )
    return True


def _write_split(root, split, count, draw, done, progress):
    """Draws and writes one split; returns the number of pictures done so far."""
    folders = {
        "image": root / f"{split}2017",
        "parts": root / "part_masks" / f"{split}2017",
        "instances": root / "instance_masks" / f"{split}2017",
    }
    for folder in folders.values():
        folder.mkdir(parents=True)
    images, annotations = [], []
    for index in range(count):
        image, people = _write_picture(folders, split, index, *draw)
        images.append(image)
        annotations.extend(people)
        done += 1
        if progress is not None:
            progress(done)
    document = {
        "info": {"description": "Drawn people of hrnet_tf", "version": "1.0"},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [_category()],
    }
    path = root / "annotations" / f"person_keypoints_{split}2017.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return done


def _category():
    """Returns the official category with its skeleton of 1-based numbers."""
    from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS

    coco = KEYPOINT_SETS["coco"]
    return {
        "supercategory": "person",
        "id": 1,
        "name": "person",
        "keypoints": list(coco.names),
        "skeleton": [[coco.index(a) + 1, coco.index(b) + 1] for a, b in coco.skeleton],
    }


def _write_picture(folders, split, index, image_size, seed, most_people):
    """Draws one picture; returns its image entry and its annotations."""
    from PIL import Image

    from hrnet_tf.data.synthetic.scene import draw_scene

    image_id = FIRST_IDS[split] + index
    rng = np.random.default_rng([seed, image_id])
    scene = draw_scene(rng, image_size, most_people)
    people = [
        person
        for number, keypoints in enumerate(scene.keypoints, start=1)
        if (person := _annotation(scene.instances, number, keypoints, image_id))
    ]
    name = f"{image_id:012d}"
    Image.fromarray(scene.image).save(folders["image"] / f"{name}.jpg", quality=92)
    for key, labels in (("parts", scene.parts), ("instances", scene.instances)):
        path = folders[key] / f"{name}.png"
        Image.fromarray(labels).save(path, compress_level=3)
    height, width = image_size
    image = {
        "id": image_id,
        "file_name": f"{name}.jpg",
        "height": int(height),
        "width": int(width),
        "license": 0,
    }
    return image, people


def _annotation(instances, number, keypoints, image_id):
    """Returns the annotation of one person, or None if no pixel is visible."""
    from pycocotools import mask as coco_mask

    from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS

    mask = instances == number
    if not mask.any():
        return None
    code = coco_mask.encode(np.asfortranarray(mask, np.uint8))
    flat = [value for name in KEYPOINT_SETS["coco"].names for value in keypoints[name]]
    return {
        "id": image_id * IDS_PER_IMAGE + number,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "bbox": [float(value) for value in coco_mask.toBbox(code)],
        "area": float(mask.sum()),
        "segmentation": {
            "size": [int(side) for side in code["size"]],
            "counts": code["counts"].decode("ascii"),
        },
        "keypoints": flat,
        "num_keypoints": sum(visibility > 0 for visibility in flat[2::3]),
    }
