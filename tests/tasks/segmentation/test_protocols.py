import pytest

from hrnet_tf.tasks.segmentation.protocols import (
    PROTOCOLS,
    SegmentationProtocol,
    load_protocol,
)


def test_the_table():
    assert set(PROTOCOLS) == {
        *("whole", "cityscapes", "lip", "ade20k", "coco_stuff"),
        *("pascal_context", "pascal_context_ocr"),
    }
    cityscapes = PROTOCOLS["cityscapes"]
    assert cityscapes.scales == (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
    assert cityscapes.window == cityscapes.stride == (1024, 2048)
    assert PROTOCOLS["pascal_context"].stride == (320, 320)
    assert PROTOCOLS["pascal_context_ocr"].stride == (346, 346)
    assert PROTOCOLS["coco_stuff"].scales[-1] == 2.0
    assert PROTOCOLS["lip"].resize_to == (473, 473)
    assert PROTOCOLS["lip"].flip
    assert PROTOCOLS["whole"] == SegmentationProtocol(pad_to_multiple=32)


def test_changes():
    changed = load_protocol("cityscapes", scales=[1], flip=None)
    assert changed.scales == (1.0,)
    assert changed.flip
    # A window of another size has a stride of its own.
    assert load_protocol("cityscapes", window=(300, 600)).stride == (200, 400)
    assert load_protocol("whole", window=(9, 9), stride=(5, 5)).stride == (5, 5)


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ({"scales": ()}, r"scales must be positive numbers. Received: scales=\(\)"),
        ({"scales": (1, -1)}, r"Received: scales=\(1\.0, -1\.0\)"),
        ({"window": (0, 9)}, r"window must be a pair.*Received: window=\(0, 9\)"),
        ({"resize_to": (9.5, 9)}, "resize_to must be a pair"),
        ({"stride": (9, 9)}, "A stride needs a window"),
        ({"window": (9, 9), "stride": (9, 10)}, "leave gaps"),
        ({"resize_to": (9, 9), "short_side": 9}, "either to a size or to a short side"),
    ],
)
def test_wrong_rules(rules, text):
    with pytest.raises(ValueError, match=text):
        SegmentationProtocol(**rules)


def test_an_unknown_name():
    with pytest.raises(ValueError, match=r"one of \('whole', .*Received: 'camvid'"):
        load_protocol("camvid")
