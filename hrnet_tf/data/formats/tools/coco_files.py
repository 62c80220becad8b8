"""The COCO files of a folder, with their splits."""

import dataclasses
from pathlib import Path

from hrnet_tf.data.formats.tools.marks import files_of
from hrnet_tf.data.formats.tools.splits import split_in, split_of

ROBOFLOW = "_annotations.coco.json"
# COCO's own names; of captions and detections there is nothing to learn here.
_PREFERRED = {
    "segmentation": ("instances", "keypoints", ""),
    "detection": ("instances", "keypoints", ""),
    None: ("keypoints", "instances", ""),
}
_OTHERS = ("captions", "panoptic", "stuff", "image_info")


@dataclasses.dataclass(frozen=True)
class CocoFile:
    """A json file of a data set.

    Attributes:
        path: `Path`.
        split: str or None.
    """

    path: Path
    split: str | None = None


def coco_files(path: Path, task: str | None = None) -> list:
    """Returns the files of annotations that a path names.

    Args:
        path: `Path` of a json, or of a folder with Roboflow's splits or with
            annotations/*.json.
        task: str. Which of COCO's own files are wanted; None: those of poses first.
    Returns:
        list of `CocoFile`, one for each split; empty for any other folder.
    """
    if not path.is_dir():
        return [CocoFile(path)]
    found = files_of(path, f"*/{ROBOFLOW}", ROBOFLOW, limit=20)
    if found:
        return [CocoFile(f, split_of(f.parent.name)) for f in sorted(found)]
    found = files_of(path, "annotations/*.json", limit=100)
    found = [f for f in found if not any(word in f.stem for word in _OTHERS)]
    for word in _PREFERRED.get(task, _PREFERRED[None]):
        chosen = sorted(file for file in found if word in file.stem)
        if chosen:
            return [CocoFile(file, split_in(file.stem)) for file in chosen]
    return []
