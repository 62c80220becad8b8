import numpy as np

from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.tasks.detection.checks import check_objects

FRUIT = ObjectSet("fruit", ("apple", "pear"))


def picture(crowd):
    count = len(crowd)
    return DetectionExample(
        image_path="a.png",
        image_id=1,
        height=40,
        width=60,
        boxes=np.tile(np.array([[5, 5, 25, 25]], np.float32), (count, 1)),
        classes=np.arange(count, dtype=np.int32) % 2,
        crowd=np.array(crowd, bool),
    )


def test_crowds_alone_are_told_from_no_objects():
    # Without training pictures none is looked for in both parts.
    (finding,) = check_objects([], [picture([True, True])], FRUIT)
    assert finding.level == "error"
    assert "object to learn: its 2 boxes are crowds" in finding.text
    assert "iscrowd" in finding.advice
    (finding,) = check_objects([], [picture([])], FRUIT)
    assert finding.text == "No picture of the validation data has an object."
    assert not check_objects([], [picture([False, False, True])], FRUIT)
