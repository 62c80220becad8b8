"""Files of annotation tools, read as examples."""

from collections.abc import Callable
from pathlib import Path

from hrnet_tf.data.formats.tools import (
    class_folders,
    coco,
    cvat,
    deepposekit,
    dlc,
    label_studio,
    labelme,
    mask_folders,
    official,
    sleap,
    supervisely,
    via,
    voc,
    yolo,
)
from hrnet_tf.data.formats.tools.base import LabelledData, ToolFormat
from hrnet_tf.data.formats.tools.unknown import unknown_text

# In the order in which they are tried: the more special ones first.
FORMATS: tuple = (
    coco.FORMAT,
    label_studio.FORMAT,
    cvat.FORMAT,
    sleap.FORMAT,
    dlc.FORMAT,
    deepposekit.FORMAT,
    yolo.FORMAT,
    labelme.FORMAT,
    via.FORMAT,
    supervisely.FORMAT,
    mask_folders.FORMAT,
    voc.FORMAT,
    class_folders.FORMAT,
    *official.FORMATS,
)


def find_format(
    path: str | Path, format: str | None = None, task: str | None = None
) -> ToolFormat:
    """Finds the format of a file or folder of annotations.

    Args:
        path: path of the file or folder.
        format: str. The name of one of `FORMATS`; None guesses by the content.
        task: str or None. What is to be learned: of several that fit, the first that
            has it is taken; where nothing fits, those that have it are told.
    Returns:
        `ToolFormat`.
    Raises:
        ValueError: if there is no such path or format, or the content is none of a
            known one.
    """
    path = Path(path)
    if format is not None:
        for known in FORMATS:
            if known.name == format:
                _check_folder(path, known)
                return known
        raise ValueError(
            f"There is no format {format!r}. Expected one of {_names()}, or none, to"
            " guess it by the content."
        )
    if not path.exists():
        raise ValueError(f"There is no file or folder {path}. Check the path.")
    useful = [known for known in FORMATS if task is None or task in known.tasks]
    # The others say what the file is, if it is none of these.
    for known in dict.fromkeys((*useful, *FORMATS)):
        if known.match(path).share == 1:
            return known
    raise ValueError(unknown_text(path, useful))


def read_labelled(
    path: str | Path,
    format: str | None = None,
    images: str | Path | None = None,
    task: str | None = None,
    work: str | Path | None = None,
    skip_bad: bool = False,
    progress: Callable | None = None,
) -> LabelledData:
    """Reads annotations of a tool as examples.

    Args:
        path: path of the annotation file, or of the folder that the tool exported.
        format: str. The name of one of `FORMATS`; None guesses by the content.
        images: path of the folder of images; None looks beside the annotations.
        task: str. What to learn, where the file serves several: "pose",
            "segmentation", "classification" or "detection"; None takes the format's
            first that the file has labels for.
        work: path of a folder for label maps, which polygons are painted into; needed
            for them alone.
        skip_bad: bool. Whether single bad examples are skipped and counted in one
            warning instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        `LabelledData`.
    Raises:
        ValueError: naming file, entry and field, for what cannot be read.
    """
    tool = find_format(path, format, task)
    if task is not None and task not in tool.tasks:
        raise ValueError(
            f"{path} is read as {tool.title}, which labels"
            f" {' or '.join(tool.tasks)}. Received: task={task!r}."
        )
    return tool.read(
        Path(path),
        images=None if images is None else Path(images),
        work=None if work is None else Path(work),
        task=task,
        skip_bad=skip_bad,
        progress=progress,
    )


def guess_task(path: str | Path, format: str | None = None) -> str:
    """Tells what a file or folder of annotations is for, without its images.

    Args:
        path, format: see `find_format`.
    Returns:
        str, see `LabelledData.task`: what `read_labelled` takes where none is named.
    Raises:
        ValueError: see `find_format`, and for a file without labels.
    """
    tool = find_format(path, format)
    return tool.tasks[0] if tool.guess is None else tool.guess(Path(path))


def _check_folder(path, known):
    """Refuses folders in which there is nothing of the format that was named."""
    if path.is_dir() and (match := known.match(path)).share == 0:
        raise ValueError(
            f"The folder {path} is not read as {known.name}: {match.difference}. Name"
            " the file or folder that the tool exported, or leave the format out, to"
            " guess it by the content."
        )


def _names():
    return ", ".join(known.name for known in FORMATS)
