"""Segmenters' OpenVINO files choose labels with the channels first."""

import numpy as np
import pytest
import tensorflow as tf
from segmenters import draw_image, make_segmenter

from hrnet_tf.export import load_exported
from hrnet_tf.export.openvino import export_openvino
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
    image = draw_image(32, 64)[None]
    found = load_exported(path).signature("images")(images=image)
    expected = SegmentationInference(model).images(tf.constant(image))
    assert found["labels"].shape == (1, 32, 64)
    assert (found["labels"] == expected["labels"].numpy()).mean() > 0.999
    np.testing.assert_allclose(found["confidence"], expected["confidence"], atol=1e-5)
