"""Files of labelled faces, and testing a model on them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats import faces
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks.landmarks.evaluate import evaluate
from hrnet_tf.tasks.pose.labelled import checked_keypoint_set
from hrnet_tf.tasks.pose.own_test import in_order
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tools.base import LabelledData
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


def test_files(
    model: "HRNetModel",
    images: PathLike,
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    annotations: Sequence[PathLike] = (),
    format: str = "coco",
    keypoints: PathLike | None = None,
    reference: Sequence[Any] | str | None = None,
    flip_test: bool | None = None,
    integer_pixels: bool = False,
    batch_size: int = 32,
    skip_bad: bool = False,
) -> "dict[str, Report]":
    """Tests a model on one or several annotation files.

    Args:
        model: `HRNetLandmarks`.
        images: path of the image folder; for "cofw" that which images are written to.
        progress: `(description, unit)` to a context of a callable (done, total).
        source: path the model came from, for messages.
        out: path of what will be written, or None.
        annotations: list of paths of annotation files, such as the official subsets of
            WFLW's test set.
        format: str, one of `faces.FORMATS`.
        keypoints: name or descriptor file of the landmarks; None takes the model's.
        reference: two landmarks, names or indices, or "A,B"; None takes the keypoint
            set's.
        flip_test, integer_pixels, batch_size: see `evaluate.evaluate`.
        skip_bad: bool. Warns of bad faces instead of raising.
    Returns:
        dict of `Report`, by the annotation files' names without ending.
    Raises:
        ValueError: for annotations that do not fit the model, see `faces.load_faces`.
    """
    keypoint_set = checked_keypoint_set(model, source, keypoints)
    files = [Path(file) for file in annotations]
    _check_files(files, source, out)
    reference = _pair(reference)
    infer = inference_function(model)
    reports = {}
    for file in files:
        with progress("checking images", "images") as tick:
            examples = faces.load_faces(
                file, images, keypoint_set, format, skip_bad, tick
            )
        with progress("finding landmarks", "faces") as tick:
            reports[file.stem] = evaluate(
                model,
                examples,
                reference=reference,
                flip_test=flip_test,
                integer_pixels=integer_pixels,
                batch_size=batch_size,
                infer=infer,
                progress=tick,
            )
    return reports


def test_own(
    model: "HRNetModel",
    data: "LabelledData",
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    keypoints: PathLike | None = None,
    reference: Sequence[Any] | str | None = None,
    flip_test: bool | None = None,
    integer_pixels: bool = False,
    batch_size: int = 32,
) -> "Report":
    """Tests a model on the user's own data, as training tests it.

    Args:
        model, progress, source, keypoints, reference, flip_test, integer_pixels,
            batch_size: see `test_files`.
        data: `LabelledData` of faces.
        out: not used.
    Returns:
        `Report`.
    Raises:
        ValueError: if the landmarks are not the model's, or errors have no unit.
    """
    keypoint_set = checked_keypoint_set(model, source, keypoints)
    examples = in_order(data, keypoint_set, source)
    with progress("finding landmarks", "faces") as tick:
        return evaluate(
            model,
            examples,
            reference=_pair(reference),
            flip_test=flip_test,
            integer_pixels=integer_pixels,
            batch_size=batch_size,
            progress=tick,
        )


def _check_files(files, source, out):
    """Raises ValueError, before all the work, for files that cannot be told apart."""
    if not files:
        raise ValueError(
            f"`annotations` is missing: {source} is tested on annotated faces. Pass"
            " their file."
        )
    stems = [file.stem for file in files]
    if len(set(stems)) < len(stems):
        raise ValueError(
            "Expected annotation files of different names. Received:"
            f" {', '.join(map(str, files))}."
        )
    if out is not None and Path(out).suffix == ".json" and len(files) > 1:
        raise ValueError(
            f"`out` {out} is one file, but there are {len(files)} annotation files."
            " Pass a folder."
        )


def _pair(reference):
    """Two landmarks of "A,B"; what looks like an index is one."""
    if not isinstance(reference, str):
        return reference
    names = [name.strip() for name in reference.split(",")]
    if len(names) != 2:
        raise ValueError(
            "`reference` names two landmarks, such as right_pupil,left_pupil or 16,17."
            f" Received: {reference!r}."
        )
    return tuple(int(name) if name.isdecimal() else name for name in names)
