"""Descriptions of segmentation's label sets: classes, colours and file values.

A data set of one's own needs no code change, only a descriptor for `load_label_set`: a
json file such as

    {"name": "orchard", "classes": ["ground", "tree", "apple"],
     "palette": [[90, 70, 50], [0, 130, 0], [220, 20, 20]], "ignored_ids": [255]}

or a Python file that defines `LABELS`, such a dict or a `LabelSet`. In memory a label
map holds 0..C-1, and `IGNORE_LABEL` where a pixel counts for nothing; a `LabelSet`
translates the values of its files.
"""

from typing import TYPE_CHECKING

from hrnet_tf.data.descriptors import load_descriptor
from hrnet_tf.data.label_set import IGNORE_LABEL, LabelSet
from hrnet_tf.data.label_tables import LABEL_SETS
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


__all__ = [
    "IGNORE_LABEL",
    "LABEL_SETS",
    "LabelSet",
    "load_label_set",
    "model_label_set",
]


def load_label_set(name_or_path: PathLike | LabelSet) -> LabelSet:
    """Returns a label set by its name, or from a descriptor file.

    A .py descriptor is executed, like a recipe: load only files you trust.

    Args:
        name_or_path: str or path. A key of `label_tables.LABEL_SETS`, or a .json or
            .py file as the module's documentation describes ("name" may be left out
            there: the file's stem is taken). A `LabelSet` is returned as it is.
    Raises:
        ValueError: if there is no such set or file, or its description is wrong.
    """
    return load_descriptor(name_or_path, LabelSet, LABEL_SETS)


def model_label_set(model: "HRNetModel") -> LabelSet | None:
    """Returns the `LabelSet` that a model carries, or None.

    Args:
        model: `HRNetModel`, such as `HRNetSegmenter`.
    """
    fields = model.arguments.get("label_set")
    return None if fields is None else LabelSet.from_dict(dict(fields))
