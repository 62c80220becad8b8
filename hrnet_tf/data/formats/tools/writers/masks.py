"""Segmentations as folders of pictures and label maps, beside what the values mean."""

import shutil
from pathlib import Path

from hrnet_tf.data.formats.tools.writers.predicted import (
    found_in,
    put_pictures,
    segments_in,
)
from hrnet_tf.io import replacing, write_json


def write(predictions: dict, out: Path, images: Path | None = None) -> list:
    """See `ToolFormat.write`: images/, labels/ of the same names, and labels.json."""
    found = found_in(predictions, images)
    label_set = segments_in(found, "masks")
    put_pictures(found, out / "images")
    (out / "labels").mkdir(exist_ok=True)
    for picture in found.pictures:
        with replacing(out / "labels" / f"{Path(picture.name).stem}.png") as beside:
            shutil.copyfile(picture.labels, beside)
    write_json(out / "labels.json", label_set.to_dict())
    return [out, out / "labels.json"]
