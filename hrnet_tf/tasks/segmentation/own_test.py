"""Testing a segmenter on label maps of the user's own data."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.label_set import IGNORE_LABEL, LabelSet
from hrnet_tf.data.sides import listed
from hrnet_tf.tasks.segmentation.evaluate import evaluate
from hrnet_tf.tasks.segmentation.labelled import checked_label_set, folder_for
from hrnet_tf.tasks.segmentation.picture import Comparisons
from hrnet_tf.tasks.segmentation.protocols import load_protocol
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tools.base import LabelledData
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


def test_own(
    model: "HRNetModel",
    data: "LabelledData",
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    label_set: PathLike | None = None,
    protocol: str = "whole",
    scales: Sequence[float] | None = None,
    flip_test: bool | None = None,
    batch_size: int = 8,
    pictures: int = 12,
    save_labels: bool = False,
    skip_bad: bool = False,
) -> "Report":
    """Tests a segmenter on the user's own data, as training tests it.

    Args:
        model, progress, source, out, label_set, protocol, scales, flip_test,
            batch_size, pictures, save_labels, skip_bad: see `labelled.test_files`.
        data: `LabelledData` of label maps.
    Returns:
        `Report`.
    Raises:
        ValueError: if the classes are not the model's, or a label map is bad.
    """
    load_protocol(protocol, scales=scales, flip=flip_test)
    known = fitted(checked_label_set(model, source, label_set), data, source)
    # The values of these files.
    model.arguments["label_set"] = known.to_dict()
    folder = folder_for(out, save_labels)
    with progress("checking labels", "images") as tick:
        examples = check_labels(data.examples, known, skip_bad, tick)[0]
    writer = None
    if folder is not None:
        writer = Comparisons(folder, known, pictures, save_labels, len(examples))
    with progress("segmenting", "images") as tick:
        return evaluate(
            model,
            examples,
            protocol=protocol,
            scales=scales,
            flip=flip_test,
            batch_size=batch_size,
            progress=tick,
            on_labels=writer,
        )


def fitted(label_set: LabelSet, data: "LabelledData", source: PathLike) -> LabelSet:
    """Returns a label set with the values that its classes have in data's label maps.

    Args:
        label_set: `LabelSet`.
        data: `LabelledData`. Where it names classes, they have the values 0, 1, 2, ...
        source: path of the model, or what else the label set is of, for messages.
    Raises:
        ValueError: if the data have classes that the set has not.
    """
    if not data.names:
        return label_set
    values = {name: value for value, name in enumerate(data.names)}
    others = [name for name in values if name not in label_set.classes]
    if others:
        raise ValueError(
            f"{data.source} has the classes {listed(others)}, which {source} has not"
            f" ({listed(label_set.classes)}). Name the same classes, or use data with"
            " them."
        )
    free = (v for v in range(len(values), IGNORE_LABEL) if v not in values.values())
    ids = tuple(values[n] if n in values else next(free) for n in label_set.classes)
    return dataclasses.replace(label_set, label_ids=ids, ignored_ids=(IGNORE_LABEL,))
