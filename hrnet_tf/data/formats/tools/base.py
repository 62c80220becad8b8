"""What the readers of annotation tools' files have in common."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from hrnet_tf.data.left_out import LeftOut


@dataclasses.dataclass(frozen=True, eq=False)
class LabelledData:
    """What a tool's file holds, whichever tool wrote it.

    Attributes:
        task: str. "pose", "segmentation", "classification" or "detection". Face
            landmarks are poses here; the one who asks knows.
        format: str. The name of the `ToolFormat`.
        source: `Path` of the file or folder.
        examples: list of `PoseExample`, `SegmentationExample`,
            `ClassificationExample` or `DetectionExample`; the image files exist.
        names: tuple of str. The keypoints or classes, in the order of the examples.
        skeleton: tuple of pairs of names, the limbs that the file tells.
        flip_pairs: tuple of pairs of names, or None where the file does not tell.
        palette: tuple of `(red, green, blue)`, or () where the file tells none.
        groups: dict of image path to str: the video, subject or session that a picture
            is of; pictures of a group belong into one split. {} where nothing shows.
        splits: dict of image path to "train", "val" or "test"; {} where the file does
            not tell.
        left_out: `LeftOut`. What is not among the examples, and why.
        notes: tuple of str. Sentences that the user is to see, such as how a point
            that the tool calls hidden was read.
        reader: str. What read it: "hrnet_tf", or the library with its version.
        repeats: tuple of `RepeatedLabels`, of people that several people labelled.
        records: `Path` or None. The folder of records that alone holds the pictures;
            the paths of the examples then are names.
        category: str or None. What the file calls those whose keypoints it holds, such
            as "crab"; None where it calls them nothing, or several things.
    """

    task: str
    format: str
    source: Path
    examples: list
    names: tuple
    skeleton: tuple = ()
    flip_pairs: tuple | None = None
    palette: tuple = ()
    groups: dict = dataclasses.field(default_factory=dict)
    splits: dict = dataclasses.field(default_factory=dict)
    left_out: LeftOut = dataclasses.field(default_factory=LeftOut)
    notes: tuple = ()
    reader: str = "hrnet_tf"
    repeats: tuple = ()
    records: Path | None = None
    category: str | None = None


@dataclasses.dataclass(frozen=True)
class Match:
    """How far a file is what a format expects.

    Attributes:
        share: float, 0..1, of the format's marks that were found; 1 is this format.
        difference: str. The first mark that was not found, such as "it has no
            'categories'"; "" where share is 1.
    """

    share: float
    difference: str = ""


@dataclasses.dataclass(frozen=True)
class ToolFormat:
    """A format of an annotation tool.

    Attributes:
        name: str, for `--format`.
        title: str. What people call it.
        tasks: tuple of str, see `LabelledData.task`.
        match: `(path: Path) -> Match`, quick, of a file or folder; it never raises.
        read: `(path, images=None, work=None, task=None, skip_bad=False,
            progress=None) -> LabelledData`. `images` is the folder of the pictures
            where the file does not tell or its paths are another machine's; `work` a
            folder to write label maps into, where the file has polygons; `task` the
            one that is wanted where the file serves several.
        write: `(predictions, out, images=None) -> list of Path`, or None: writes
            predictions into the folder `out` so that the tool opens them, and returns
            what to open. `predictions` is what `hrnet predict` writes as
            predictions.json, as a dict, with "labels" as paths and, if they are to be
            others, "min_score", "min_person_score" and "annotate_every" (see
            `writers.predicted`);
            `images` the folder that its paths are relative to.
        extra: str or None. The extra of the package that brings its library.
        write_tasks: tuple of str. Those of the tasks whose predictions it writes.
        write_needs: tuple of str. Optional modules that `write` imports.
        guess: `(path) -> str`, what `read` takes for the task where none is given;
            None: the first of `tasks`. ValueError if the file cannot be read.
        told: str or None. The name of the task that such files are made for, where
            it is none of `tasks`.
    """

    name: str
    title: str
    tasks: tuple
    match: Callable
    read: Callable
    write: Callable | None = None
    extra: str | None = None
    write_tasks: tuple = ("pose",)
    write_needs: tuple = ()
    guess: Callable | None = None
    told: str | None = None
