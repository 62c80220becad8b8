"""`hrnet evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.evaluate_own import check_words, test_own
from hrnet_tf.cli.find_model import check_model
from hrnet_tf.cli.options import Debug
from hrnet_tf.cli.task_options import arguments_for, task_options

if TYPE_CHECKING:
    from hrnet_tf.tasks.base import Report, Task


ModelOption = Annotated[
    Path,
    typer.Option(
        metavar="MODEL",
        show_default=False,
        help="Model to test: a .keras file, such as the best.keras of `hrnet train`, or"
        " what `hrnet export` wrote, of any format. It says which task is tested.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR",
        show_default=False,
        help="Data of your own, as of `hrnet train TASK --data`: a description"
        " (data.yaml), a folder, or the file of an annotation tool. Or --images and"
        " the labels of them.",
    ),
]
ImagesOption = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Folder of the images: what file names in annotations and lists are"
        " relative to; of a data set in its own layout, its folder; of images in one"
        " folder a class, theirs; or tfds:NAME. With --data, where it does not tell.",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.json|DIR",
        help="File for the numbers (of one annotation file); or a folder, for plots and"
        " pictures as well.",
        show_default=False,
    ),
]


@common.command()
@task_options("evaluate")
def evaluate(
    model: ModelOption,
    given: dict,
    data: DataOption = None,
    images: ImagesOption = None,
    out: OutOption = None,
    debug: Debug = False,
) -> None:
    """Test a model on labelled images, as the official code does.

    The model's class decides the task, whose options are told below.

    Data that `hrnet train TASK --data` reads are tested in the same way: --data.

    Examples:
      hrnet evaluate --model runs/mice/best.keras --data data/mice
      hrnet evaluate --model runs/coco/best.keras --images data/coco/val2017 \\
          --annotations data/coco/annotations/person_keypoints_val2017.json
      hrnet evaluate --model runs/wflw/best.keras --images data/wflw/images \\
          --format wflw --annotations data/wflw/face_landmarks_wflw_test.csv
      hrnet evaluate --model runs/camvid/best.keras --images data/camvid/val \\
          --labels data/camvid/valannot --out runs/camvid/test
      hrnet evaluate --model runs/digits/best.keras --images data/digits/val
    """
    check_words(data, images, given)
    check_model(model)
    with common.spinner("loading the model"):
        from hrnet_tf.predict import read_model
        from hrnet_tf.tasks import task_of

        loaded = read_model(model)
    task = task_of(loaded, model)
    arguments = arguments_for(task, "evaluate", given, model)
    if data is not None:
        reports = test_own(task, loaded, model, data, images, out, arguments)
    else:
        reports = task.parts.test(
            loaded, images, common.progress, source=model, out=out, **arguments
        )
    for name, report in reports.items():
        common.show_report(report, title=name if len(reports) > 1 else str(model))
    if out is not None:
        save_reports(task, reports, out)


def save_reports(task: "Task", reports: "dict[str, Report]", out: Path) -> None:
    """Writes the reports of a test, as --out says.

    Args:
        task: `Task`.
        reports: dict of name to `Report`; a single one that is no file's is "report".
        out: Path of a .json file or of a folder.
    """
    if out.suffix == ".json" or "report" in reports:
        for report in reports.values():
            report.save(out)
        return
    for name, report in reports.items():
        report.save(out / f"{name}.json")
    if task.parts.plot_tests is not None:
        task.parts.plot_tests(reports, out)
