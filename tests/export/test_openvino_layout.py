"""OpenVINO files resize, pad and choose labels with the channels first."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from segmenters import draw_image, make_segmenter

from hrnet_tf.export import load_exported
from hrnet_tf.export.openvino import export_openvino
from hrnet_tf.export.openvino_layout import channels_first
from hrnet_tf.tasks.segmentation.inference import SegmentationInference

openvino = pytest.importorskip("openvino")


def test_labels_are_chosen_over_the_first_axis_and_stay_the_same(tmp_path):
    model = make_segmenter()
    path = export_openvino(
        model, tmp_path / "shapes.xml", "float32", image_size=(32, 64)
    )
    graph = openvino.Core().read_model(str(path)).get_ops()
    kinds = {op.get_type_name(): op for op in graph}
    assert kinds["TopK"].get_attributes()["axis"] == 1
    assert kinds["Softmax"].get_attributes()["axis"] == 1
    # That of the picture alone is left.
    counts = Counter(op.get_type_name() for op in graph)
    assert counts["Transpose"] == 1 and counts["Interpolate"] > 1
    # The picture is filled up to the network's steps; what is inside pads itself.
    padded = [op.output(0) for op in graph if op.get_type_name() == "Pad"]
    readers = [one.get_node() for out in padded for one in out.get_target_inputs()]
    assert "Convolution" not in [node.get_type_name() for node in readers]
    image = draw_image(32, 64)[None]
    found = load_exported(path).signature("images")(images=image)
    expected = SegmentationInference(model).images(tf.constant(image))
    assert found["labels"].shape == (1, 32, 64)
    assert (found["labels"] == expected["labels"].numpy()).mean() > 0.999
    np.testing.assert_allclose(found["confidence"], expected["confidence"], atol=1e-5)


def small_graph(fill=0.0, also_read=False):
    """A graph as it comes from TensorFlow: enlarged with the channels last, padded."""
    operations = pytest.importorskip("openvino.opset13")
    draw = np.random.default_rng(0)
    maps = operations.parameter([1, 3, 4, 5], np.float32, name="maps")
    last = operations.transpose(maps, np.array([0, 2, 3, 1]))
    large = operations.interpolate(
        last, np.array([8, 10]), "nearest", "sizes", axes=np.array([1, 2])
    )
    first = operations.transpose(large, np.array([0, 3, 1, 2]))
    border = np.array([0, 0, 1, 1])
    padded = operations.pad(first, border, border, "constant", np.float32(fill))
    kernels = [draw.normal(size=(2, 3, 3, 3)).astype(np.float32) for _ in range(2)]
    found = [
        operations.convolution(padded, k, [2, 2], [0, 0], [0, 0], [1, 1])
        for k in kernels
    ]
    found += [operations.relu(large)] if also_read else []
    return openvino.Model(found, [maps])


def results(model):
    """What a graph gives, and how many operations of a kind it has."""
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    maps = np.random.default_rng(1).normal(size=(1, 3, 4, 5)).astype(np.float32)
    found = [value.copy() for value in compiled([maps]).values()]
    return found, Counter(op.get_type_name() for op in model.get_ops())


@pytest.mark.parametrize("fill, also_read", [(0.0, False), (1.0, False), (0.0, True)])
def test_results_stay_and_what_others_need_stays(fill, also_read):
    expected, before = results(small_graph(fill, also_read))
    assert (before["Transpose"], before["Pad"]) == (2, 1)
    model = small_graph(fill, also_read)
    channels_first(model)
    found, after = results(model)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert after["Transpose"] == (2 if also_read else 0)
    # Convolutions add nothing but zeros.
    assert after["Pad"] == (1 if fill else 0)
