"""COCO-style files of objects: boxes, classes, crowds and, if asked for, masks.

Any data set in the format of instances_train2017.json can be read; an `ObjectSet` says
which of its categories are wanted, and in which order.

Reference: https://cocodataset.org/#format-data; mmdetection, mmdet/datasets/coco.py.
"""

import collections
import functools
from pathlib import Path
from typing import Any

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.formats.checked_json import LARGEST, decode, field, read_lists
from hrnet_tf.data.formats.checks import finite_numbers
from hrnet_tf.data.formats.coco_entries import AnnotationEntry, checked_area
from hrnet_tf.data.formats.coco_reader import CocoReader
from hrnet_tf.data.formats.objects import (
    FoundObject,
    ObjectPicture,
    Objects,
    build_examples,
)
from hrnet_tf.data.formats.tools.coco_outlines import (
    OutlinedEntry,
    RunsEntry,
    checked_runs,
    classes_of,
    polygon_runs,
)
from hrnet_tf.data.object_sets import COCO_OBJECTS, ObjectSet
from hrnet_tf.typing import PathLike, Progress


def load_detection(
    annotation_file: PathLike,
    image_dir: PathLike,
    object_set: ObjectSet | None = None,
    masks: bool = False,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[DetectionExample]:
    """Loads the objects of a COCO-style file, and tells what it did in warnings.

    Categories are matched with the classes by their names, whatever their ids are;
    without names, by `ObjectSet.file_ids`. Images without objects stay. Each image file
    is checked to exist, to be complete and to have the annotated size.

    Args:
        annotation_file: path of a json with "images", "annotations" and "categories".
        image_dir: path of the folder which "file_name" is relative to.
        object_set: `ObjectSet` of the classes that are wanted; objects of others are
            left out and counted. None: the file's own, see `object_set_of`.
        masks: bool. Whether to read the outlines, which all objects then need to have.
        skip_bad: bool. Whether single bad examples are skipped and counted in one
            warning instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `DetectionExample`, in the order of the file's images.
    Raises:
        ValueError: naming file, image and value, see `read_objects`.
    """
    found = read_objects(
        annotation_file, image_dir, object_set, masks, skip_bad, progress
    )
    return found.told(annotation_file)


def read_objects(
    annotation_file: PathLike,
    image_dir: PathLike,
    object_set: ObjectSet | None = None,
    masks: bool = False,
    skip_bad: bool = False,
    progress: Progress | None = None,
    contents: dict[str, list[Any]] | None = None,
) -> Objects:
    """Reads a file as `load_detection`, and says what it did.

    Args:
        annotation_file, image_dir, object_set, masks, skip_bad, progress: see
            `load_detection`.
        contents: dict of the file's lists, see `read_contents`; None reads it.
    Returns:
        `Objects`.
    Raises:
        ValueError: for a file that is no such json, and, without `skip_bad`, for an
            absent or damaged image, another size, an unknown image or category, a box
            without area or outside its image, numbers that are not finite, a mask of
            another size, runs that cannot be read, and polygons of under three points.
    """
    path = Path(annotation_file)
    contents = read_contents(path) if contents is None else contents
    reader = CocoReader(path, contents, image_dir, skip_bad)
    names = category_names(path, contents, object_set)
    if object_set is None:
        object_set = object_set_of(path, contents)
    _check_any_known(path, names, object_set)
    entries: dict[Any, list] = collections.defaultdict(list)
    for position, entry in enumerate(contents["annotations"]):
        given = field(entry, "image_id")
        image_id = reader.number_of(given)
        if image_id not in reader.images:
            reader.bad.add(
                BadExample(
                    "dangling image id",
                    f"{path}: annotation {position} (from 0): there is no image"
                    f" {given!r} among the {len(reader.images)} images.",
                )
            )
        else:
            entries[image_id].append((position, entry))
    read = functools.partial(_read, path, reader, names, masks)
    pictures = (
        ObjectPicture(
            image.file_name,
            image_id,
            functools.partial(reader.finder.find, image.file_name),
            (image.height, image.width),
            functools.partial(read, image_id, entries.pop(image_id, ())),
        )
        for image_id, image in reader.images.items()
    )
    return build_examples(
        path,
        pictures,
        object_set,
        reader.bad,
        reader.left_out,
        progress,
        len(reader.images),
        may_be_corners=True,
    )


def object_set_of(path: PathLike, contents: dict | None = None) -> ObjectSet:
    """Returns the `ObjectSet` of a file's categories, in their order.

    Args:
        path: path of the file.
        contents: dict of its lists, read before, or None.
    Raises:
        ValueError: if it names no categories.
    """
    path = Path(path)
    classes = classes_of(path, contents or read_contents(path))
    if not classes:
        raise ValueError(
            f"{path} has no 'categories', so that nothing says what its objects are."
            " Pass the object set, with category_ids as the file numbers them."
        )
    names = tuple(dict.fromkeys(classes.values()))
    if names == COCO_OBJECTS.classes:
        return COCO_OBJECTS
    ids = {name: number for number, name in reversed(list(classes.items()))}
    numbers = tuple(ids[name] for name in names)
    usable = all(isinstance(n, int) and 0 <= n <= LARGEST for n in numbers)
    return ObjectSet(path.stem, names, numbers if usable else None)


def category_names(
    path: PathLike, contents: dict, object_set: ObjectSet | None = None
) -> dict[Any, str]:
    """Returns the class's name of each category id of a file.

    Args:
        path: path of the file, for messages.
        contents: dict of its lists.
        object_set: `ObjectSet`, whose ids count where the file names no categories.
    """
    names = classes_of(Path(path), contents)
    if not names and object_set is not None:
        names = dict(zip(object_set.file_ids, object_set.classes, strict=True))
    return names


def read_contents(path: PathLike) -> dict[str, list[Any]]:
    """Returns the lists of a file, see `checked_json.read_lists`."""
    return read_lists(path, ("images",), ("annotations", "categories"))


def _check_any_known(path, names, object_set):
    if not set(names.values()) & set(object_set.classes):
        raise ValueError(
            f"{path} has the categories {sorted(set(names.values()))[:8]}, of which"
            f" none is a class of the object set {object_set.name!r}:"
            f" {list(object_set.classes[:8])}. Pass another object set, or none, to"
            " take the file's own."
        )


def _read(path, reader, names, masks, image_id, entries, size):
    """Yields the `FoundObject`s of an image."""
    for position, entry in entries:
        where = f"{path}: annotation {position} (from 0) of image {image_id}"
        try:
            found = _found(where, position, entry, names, masks, size)
        except BadExample as error:
            reader.bad.add(error)
        else:
            yield found


def _found(where, position, entry, names, masks, size):
    annotation = decode(entry, OutlinedEntry if masks else AnnotationEntry, where)
    label = names.get(annotation.category_id)
    if label is None:
        raise BadExample(
            "unknown category",
            f"{where}: there is no category {annotation.category_id!r} among"
            f" {list(names)[:8]}.",
        )
    box = finite_numbers(where, {"bbox": annotation.bbox}, "bbox", (4,))
    number = annotation.id
    if not isinstance(number, int) or abs(number) > LARGEST:
        number = position + 1
    return FoundObject(
        where,
        label,
        box.tolist(),
        number,
        crowd=bool(annotation.iscrowd),
        area=checked_area(where, annotation.area) or None,
        runs=_runs(where, annotation.segmentation, size) if masks else None,
    )


def _runs(where, outline, size):
    """The runs of an outline, polygons or runs."""
    if isinstance(outline, dict):
        entry = decode(outline, RunsEntry, f"{where}: segmentation")
        try:
            return checked_runs(entry, size)
        except BadExample as error:
            raise BadExample(error.kind, f"{where}: {error}") from error
    if isinstance(outline, list) and outline:
        rings = outline if all(isinstance(r, list) for r in outline) else [outline]
        return polygon_runs(where, rings, size)
    raise BadExample(
        "no mask" if not outline else "wrong segmentation",
        f"{where}: segmentation is {outline!r:.80}; expected polygons or runs, as masks"
        " are learned.",
    )
