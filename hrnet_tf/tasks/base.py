"""What a task is, and what its parts hand to each other."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hrnet_tf.io import write_json
from hrnet_tf.typing import PathLike
from hrnet_tf.words import count_text  # noqa: F401

if TYPE_CHECKING:
    import numpy as np


# The names of classes, a line each, beside exported graphs.
NAMES_FILE = "class_names.txt"
# The commands that tasks may add options to.
COMMANDS = ("train", "check", "evaluate", "predict", "export", "records")


@dataclasses.dataclass(frozen=True)
class Option:
    """An option that a task adds to a command.

    Options of the same name in several tasks are one option of the command; what they
    say in `help` stands there one after another.

    Attributes:
        name: str. The argument that it becomes.
        type: what is read: bool, int, float, str, Path, list[Path], or a tuple of str,
            one of which is to be given.
        help: str.
        flags: str or None. Its own spelling, such as "--list" or
            "--flip-test/--no-flip-test"; None makes it of the name.
        metavar: str or None.
        default: str or None. What holds where it is left out, in words.
        min, max: number or None.
        read: function from what was given to the argument's value, or None.
        required: bool.
        only: tuple of str or None. The formats that it is for, of those a command
            writes.
        is_model: bool. The path of a model, of which the command makes an `Inference`.
        official: tuple of str. Of the values to choose from, those that are not for
            data of the user's own alone.
    """

    name: str
    type: Any
    help: str
    flags: str | None = None
    metavar: str | None = None
    default: str | None = None
    min: float | None = None
    max: float | None = None
    read: Callable | None = None
    required: bool = False
    only: tuple[str, ...] | None = None
    is_model: bool = False
    official: tuple = ()

    @property
    def flag(self) -> str:
        """str: how it is written on the command line."""
        given = self.flags or f"--{self.name.replace('_', '-')}"
        return given.partition("/")[0]


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of a report.

    Attributes:
        columns: tuple of str.
        rows: tuple of tuples of str.
        bold: int or None. The row that matters most.
        title: str or None.
        texts: tuple of int. Columns of texts; the others are numbers.
        section: int or None. The row above which there is a line.
    """

    columns: tuple
    rows: tuple
    bold: int | None = None
    title: str | None = None
    texts: tuple = (0,)
    section: int | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """The outcome of an evaluation, of any task.

    What a task knows beside the numbers is in `facts`, and can be read as attributes of
    the report too.

    Attributes:
        numbers: dict of name to float.
        main_name: str. The one of the numbers to watch.
        images_per_second: float. Reading, network and decoding.
        facts: dict of json values and arrays.
        lower_is_better: bool. True where the main number is an error, in 0..1.
        shown: tuple of `Table` and str, what a person is told.
        plots: dict of a file's name to a function that writes it to a path.
    """

    numbers: dict
    main_name: str
    images_per_second: float
    facts: dict = dataclasses.field(default_factory=dict)
    lower_is_better: bool = False
    shown: tuple = ()
    plots: dict = dataclasses.field(default_factory=dict)

    @property
    def main_number(self) -> float:
        """float: what ranks checkpoints, the larger the better.

        Of an error it is 1 minus it, and negative for errors above 1.
        """
        number = self.numbers[self.main_name]
        return 1.0 - number if self.lower_is_better else number

    def __getattr__(self, name):
        facts = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        raise AttributeError(f"The report has no {name!r}, only {', '.join(facts)}.")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for json; numbers without anything to count are None."""
        return _plain(
            {
                "numbers": self.numbers,
                **self.facts,
                "images_per_second": self.images_per_second,
            }
        )

    def save(self, path: PathLike) -> None:
        """Writes `to_dict` as a .json file; or a folder with report.json and plots.

        Args:
            path: str or path; a folder unless it ends in .json.
        """
        path = Path(path)
        if path.suffix == ".json":
            write_json(path, self.to_dict())
            return
        write_json(path / "report.json", self.to_dict())
        for name, draw in self.plots.items():
            draw(path / name)


def _plain(value):
    """Lists, dicts, numbers and None of what may hold arrays and NaN."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and math.isnan(value) else value


class Inference(Protocol):
    """From images to results: crops, network, decoding, pixels of the image.

    Each task has one, which evaluation, prediction and every export go through.

    Attributes:
        model: the model whose weights the graphs hold, or an `Exported`. Where graphs
            hold several, there is `models`, a list of them.
        signatures: dict of name to `tf.function` with an `input_signature`; the first,
            "serving_default", takes image files. For the TensorFlow backend.
        portable: str. The signature that files for runtimes without TensorFlow hold:
            it takes pixels. ValueError if they cannot run it.
        description: dict of json values; "task" is the task's name.
        assets: dict of a file's name to its text, beside the graph.
        header: dict of json values that all results have in common.
        per_image: tuple of str. Arguments of `run` that are lists, of one for each
            image.
        built_in: tuple of str. Options that are part of an exported graph.
    """

    model: Any
    signatures: dict
    portable: str
    description: dict
    assets: dict
    header: dict
    per_image: tuple
    built_in: tuple

    def run(
        self,
        images: "Sequence[np.ndarray]",
        names: Sequence[str | None] | None = None,
        **arguments: Any,
    ) -> list:
        """Returns the results of images, uint8 arrays `[H, W, 3]`, in their order.

        Args:
            images: list of arrays.
            names: list of the images' paths, or of None.
            **arguments: what the task knows of images: of each, in lists.
        """


@dataclasses.dataclass(frozen=True)
class OwnData:
    """How a task trains on data of the user's own, without a recipe.

    Attributes:
        reads: str. What it trains on: "pose", "segmentation", "classification" or
            "detection", see `LabelledData.task`.
        choose: `(data: UserData, machine: Machine, given: dict) -> tuple of Choice`:
            all settings that `recipe` takes beside where the data are. `given` are
            those that the user gave, which win. ValueError if one is unknown.
        recipe: `(data, images, format, split, work, loaded=None, **settings) ->
            Recipe`. `data`, `images` and `format` are as the user gave them, `split` is
            the path of the file that divides them, `work` the folder of label maps that
            are drawn from polygons; `loaded` is the `UserData` where they are read
            already.
        check: `(data: UserData, settings: dict) -> list of Finding`, of what needs no
            pixels; with `deep=True` also of what the pictures show.
        facts: `(data: UserData, settings: dict) -> dict of title to Table`, for people
            who look at their data; with `deep=True` also of what label maps hold.
        draw: `(example, settings: dict) -> uint8 [H, W, 3]`, a picture with its labels.
        test: `(model, data: LabelledData, progress, source, out, **options) -> Report`:
            tests a model on labelled examples. It says in a warning how they were
            fitted to the model; ValueError if they are of other names. `out` is as of
            `Parts.test`; its options are those of the command that do not say where
            the labels are.
        fit: `(data: UserData, settings: dict) -> UserData` with the names of the
            settings, which `check`, `facts` and `draw` then get; or None where they
            take data as they are read.
        has_records: bool. Whether `recipe` also trains on records of such data, see
            `hrnet_tf.own.records`.
    """

    reads: str
    choose: Callable
    recipe: Callable
    check: Callable
    facts: Callable
    draw: Callable
    test: Callable
    fit: Callable | None = None
    has_records: bool = False


@dataclasses.dataclass(frozen=True)
class Parts:
    """What of a task needs TensorFlow.

    Attributes:
        models: tuple of the model classes that the task takes.
        inference: `(model or Exported, **options) -> Inference`.
        evaluate: `(model, examples, **options) -> Report`.
        test: `(model, images, progress, source, out, **options) -> dict of name to
            Report`: loads labelled files, evaluates a model on them, and writes what is
            not in the reports into the folder `out`, if that is one. `progress` makes
            of a description and a unit the context of a callable (done, total);
            `source` is the path of the model.
        recipe: the function that makes its recipes from a few constants.
        stream: `(examples, ...) -> Stream` of its examples.
        formats: dict of name to the loader of a data format.
        draw: `(image, result, video=False, **options) -> uint8 [H, W, 3]`.
        summary: `(rows, noun, **options of draw) -> str`: what was found, of the
            results' dicts.
        table: `(rows) -> Table` that `hrnet predict` prints too, or None.
        inputs: `(paths, **options) -> dict of path to arguments of Inference.run`, what
            is known of images before; or None.
        finder: `(load, **options) -> (image) -> arguments of Inference.run`, or None
            where the options name none: makes what finds out in an image what has to be
            known of it, such as boxes; `load` makes a `Predictor` of a path. Or None.
        track: `(inference, **options) -> (result, seconds) -> result`: makes what gives
            identities to the results of a video's frames, in their order; or None.
        check_known: `(image, name, **known) -> dict`: what is known of an image as
            arrays; ValueError if it is wrong. None where nothing is.
        files: dict of an ending, such as "_labels.png", to `(result, path)` that writes
            such a file beside a picture.
        records: `(images, out, progress, write, **options) -> (records, facts)`: writes
            a data set as records; or None.
        plot_tests: `(dict of name to Report, folder)` that draws several tests
            together, or None.
        own_data: `OwnData`, or None where the task trains by recipes alone.
    """

    models: tuple
    inference: Callable
    evaluate: Callable
    test: Callable
    recipe: Callable
    stream: Callable
    draw: Callable
    summary: Callable
    formats: dict = dataclasses.field(default_factory=dict)
    table: Callable | None = None
    inputs: Callable | None = None
    finder: Callable | None = None
    track: Callable | None = None
    check_known: Callable | None = None
    files: dict = dataclasses.field(default_factory=dict)
    records: Callable | None = None
    plot_tests: Callable | None = None
    own_data: OwnData | None = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    """How networks of a task are compared, where nothing else is said.

    Attributes:
        recipe: str. The recipe that trains them all.
        systems: tuple of str, presets of the task's models.
        draw: `(folder, progress) -> None` that draws a small data set of the recipe's
            layout, if it is not there yet; or None.
    """

    recipe: str
    systems: tuple
    draw: Callable | None = None


@dataclasses.dataclass(frozen=True)
class Task:
    """Everything there is of a task; the commands ask it and name none.

    Attributes:
        name: str, also that of the task in exported models.
        title: str. What people call it.
        noun: pair of str, one and many of what is found.
        verb: str. What prediction is doing, for progress bars.
        suffix: str. Ends the names of predictions' pictures.
        load: `() -> Parts`, called when first needed: tasks are listed without
            TensorFlow.
        carries: tuple of str. Arguments of its models that it reads: names, sets.
        options: dict of a command's name to a tuple of `Option`.
        comparison: `Comparison`, or None where networks are not compared.
    """

    name: str
    title: str
    noun: tuple
    verb: str
    suffix: str
    load: Callable
    carries: tuple = ()
    options: dict = dataclasses.field(default_factory=dict)
    comparison: Comparison | None = None

    def __post_init__(self):
        unknown = set(self.options) - set(COMMANDS)
        if unknown:
            raise ValueError(
                f"The task {self.name!r} has options for {', '.join(sorted(unknown))}."
                f" Expected commands of {', '.join(COMMANDS)}."
            )

    @functools.cached_property
    def parts(self) -> Parts:
        """`Parts`, what needs TensorFlow."""
        return self.load()
