"""What is chosen of label maps whose values have no names."""

import cv2
import numpy as np
import pytest

from hrnet_tf.own.choices import Choices
from hrnet_tf.own.reading import read_data
from hrnet_tf.tasks.segmentation.own_classes import choose_labels


def told(folder, values):
    """The reason for the classes of label maps with these values."""
    values = np.asarray(values, np.uint8)
    for split in ("train", "val"):
        for part in ("", "annot"):
            (folder / f"{split}{part}").mkdir()
        picture = np.zeros((16, 16, 3), np.uint8)
        cv2.imwrite(str(folder / split / "a.png"), picture)
        labels = values[np.arange(256) % len(values)].reshape(16, 16)
        cv2.imwrite(str(folder / f"{split}annot" / "a.png"), labels)
    choices = Choices({})
    choose_labels(choices, read_data(folder, "segmentation"))
    return choices.reason("labels")


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (range(11), "camvid"),
        # Eleven is no class there.
        (range(12), "camvid"),
        ([*range(19), 255], "cityscapes_train_ids"),
        (range(34), "cityscapes"),
    ],
)
def test_values_of_a_known_set_name_its_option(tmp_path, values, name):
    said = told(tmp_path, values)
    assert "without names" in said
    assert f"--labels {name} names them" in said


@pytest.mark.parametrize("values", [(0, 255), (0, 1), (3, 5, 9)])
def test_other_values_name_none(tmp_path, values):
    assert "--labels" not in told(tmp_path, values)
