"""Classified images of TensorFlow Datasets, by names such as "tfds:beans".

Needs the extra "tfds".
"""

import dataclasses
from typing import Any

from hrnet_tf.extras import import_extra
from hrnet_tf.typing import PathLike, Tensor

PREFIX = "tfds:"


@dataclasses.dataclass(frozen=True, eq=False)
class TfdsImages:
    """A split of a data set, read from its TFRecord files.

    Attributes:
        name: str. The data set's name, configuration and version.
        split: str.
        shards: tuple of (path, number of records skipped, number taken).
        num_images: int.
        class_names: tuple of str.
    """

    name: str
    split: str
    shards: tuple
    num_images: int
    class_names: tuple
    _features: Any
    _keys: tuple

    def parse(self, record: Tensor) -> tuple[Tensor, Tensor]:
        """Reads a record; works eagerly and in `Dataset.map`.

        Args:
            record: scalar string tensor.
        Returns:
            The image's encoded bytes (scalar string) and label (scalar int64).
        """
        tfds = import_extra("tensorflow_datasets", self.name)
        image, label = self._keys
        decoders = {image: tfds.decode.SkipDecoding()}
        fields = self._features.deserialize_example(record, decoders=decoders)
        return fields[image], fields[label]


def is_tfds(name: PathLike) -> bool:
    """Whether a name is one of TensorFlow Datasets', such as "tfds:beans"."""
    return str(name).startswith(PREFIX)


def load_tfds(name: str, split: str, tfds_dir: PathLike | None = None) -> TfdsImages:
    """Opens a split of a data set; it is downloaded and prepared if it is not there.

    Args:
        name: str. "tfds:NAME", "tfds:NAME/CONFIG" or "tfds:NAME:VERSION".
        split: str, such as "train" or "train[:90%]"; "val" stands for the first of
            "validation", "val" and "test" that there is.
        tfds_dir: path of TensorFlow Datasets' folder, or None for its default.
    Returns:
        `TfdsImages`.
    Raises:
        ValueError: if there is no such data set or split, it cannot be downloaded, or
            its examples are no images with a class each.
        MissingExtra: if the extra "tfds" is not installed.
    """
    tfds = import_extra("tensorflow_datasets", str(name))
    bare = str(name).removeprefix(PREFIX)
    try:
        builder = tfds.builder(bare, data_dir=tfds_dir)
        builder.download_and_prepare()
    # The library raises errors of many types, its own among them.
    except Exception as error:
        raise ValueError(
            f"TensorFlow Datasets cannot provide {bare!r}"
            f" ({type(error).__name__}: {_first_line(error)}). Check"
            " the name, or prepare the data set with `tfds build` and pass its folder"
            " as tfds_dir."
        ) from error
    split = _existing_split(builder, bare, split)
    keys, class_names = _keys_of(builder, bare)
    instructions = builder.info.splits[split].file_instructions
    shards = tuple((str(i.filename), i.skip, i.take) for i in instructions)
    if not shards:
        raise ValueError(f"The split {split!r} of {bare!r} is empty.")
    if not str(shards[0][0]).rsplit("/", 1)[-1].count("tfrecord"):
        raise ValueError(
            f"The data set {bare!r} is stored as {shards[0][0]}; expected TFRecord"
            " files. Prepare it with `tfds build --file_format=tfrecord`."
        )
    return TfdsImages(
        name=builder.info.full_name,
        split=split,
        shards=shards,
        num_images=builder.info.splits[split].num_examples,
        class_names=class_names,
        _features=builder.info.features,
        _keys=keys,
    )


def _first_line(error):
    return (str(error).strip().splitlines() or ["no reason given"])[0]


def _existing_split(builder, name, split):
    splits = builder.info.splits
    choices = ("validation", "val", "test") if split == "val" else (split,)
    for choice in choices:
        if choice.split("[")[0] in splits:
            return choice
    raise ValueError(
        f"The data set {name!r} has no split {split!r}. It has: {', '.join(splits)}."
    )


def _keys_of(builder, name):
    """The keys of image and label, and the names of the classes."""
    tfds = import_extra("tensorflow_datasets", name)
    features, keys = builder.info.features, builder.info.supervised_keys
    keys = keys or ("image", "label")
    kinds = (tfds.features.Image, tfds.features.ClassLabel)
    if len(keys) != 2 or any(
        key not in features or not isinstance(features[key], kind)
        for key, kind in zip(keys, kinds, strict=True)
    ):
        raise ValueError(
            f"The data set {name!r} holds {dict(features)!r:.300}; expected an Image"
            f" and a ClassLabel (its supervised keys are {keys})."
        )
    label = features[keys[1]]
    return tuple(keys), tuple(label.int2str(i) for i in range(label.num_classes))
