"""What is written for labelme, YOLO and as masks is read again."""

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures
from PIL import Image
from predictions import NAMES, largest_difference, predict_people

from hrnet_tf.data.formats.tools import find_format, read_labelled
from hrnet_tf.data.label_set import LabelSet


@pytest.mark.parametrize("tool", ["labelme", "yolo"])
def test_people(tmp_path, tool):
    predictions = predict_people(tmp_path, video=False) | {"annotate_every": 1}
    out = tmp_path / "out"
    (known,) = {find_format(out, tool)}
    known.write(predictions, out)
    assert find_format(out) is known
    data = read_labelled(out)
    assert largest_difference(predictions, data) < 1e-3
    assert set(data.names) <= set(NAMES)
    wanted = [p["box"] for row in predictions["images"] for p in row["people"]]
    found = np.concatenate([example.boxes for example in data.examples])
    np.testing.assert_allclose(np.sort(found, 0), np.sort(wanted, 0), atol=2e-3)


@pytest.mark.parametrize("tool, share", [("labelme", 0.99), ("masks", 1)])
def test_segments(tmp_path, tool, share):
    label_set = LabelSet("fruit", ("background", "leaf", "apple"), label_ids=(0, 7, 9))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    numbers = np.where(np.hypot(x - 15, y - 15) < 9, 7, 0).astype(np.uint8)
    numbers[12:20, 14:24] = 9
    draw_pictures(tmp_path, "a.png")
    Image.fromarray(numbers).save(tmp_path / "a_labels.png")
    row = {"image_path": str(tmp_path / "a.png")}
    row["labels"] = str(tmp_path / "a_labels.png")
    out = tmp_path / "out"
    content = {"model": "m.keras", "label_set": label_set.to_dict(), "images": [row]}
    find_format(out, tool).write(content, out)
    data = read_labelled(out, work=tmp_path / "work")
    assert data.format == tool
    (example,) = data.examples
    found = np.array(data.names)[np.asarray(Image.open(example.label_path))]
    wanted = np.select([numbers == 7, numbers == 9], ["leaf", "apple"], "background")
    assert (found == wanted).mean() >= share
