"""A detector inside pose models: found people, and exports that take photos alone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import hrnet_tf
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.predict import Predictor
from hrnet_tf.tasks.pose.inference import PoseInference

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="graphs of TensorFlow"
)
# x, y, width, height of what is drawn bright.
BOX = (20, 10, 30, 40)
SURENESS = 0.75


class BrightSpot:
    """Finds what is brighter than 99, and twice what is nothing; with a variable."""

    max_detections = 3
    object_set = ObjectSet("spots", ("dark", "person"))
    description = {"task": "detection", "max_detections": 3}

    def __init__(self):
        layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        self.model = keras.Sequential([keras.Input((1,)), layer], name="spots")

    def images(self, images):
        def one(pixels):
            at = tf.cast(tf.where(pixels[..., 0] > 99), tf.float32)
            low, high = tf.reduce_min(at, 0), tf.reduce_max(at, 0) + 1
            return tf.concat([low[::-1], high[::-1]], 0)

        boxes = tf.map_fn(one, images, fn_output_signature=tf.float32)
        count = tf.shape(images)[0]
        # The second is of another class, the third unsure; the order is not by score.
        scores = tf.tile([[0.9, 0.1, SURENESS]], [count, 1])
        return {
            "boxes": tf.tile(boxes[:, None], [1, 3, 1]),
            "scores": scores * self.model(tf.ones((1, 1))),
            "classes": tf.tile([[0, 1, 1]], [count, 1]),
        }


@pytest.fixture(scope="module")
def model():
    return hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", load_weights=False, image_size=(64, 64), num_keypoints=3
    )


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    x, y, width, height = BOX
    pixels = np.zeros((80, 100, 3), np.uint8)
    pixels[y : y + height, x : x + width] = 200
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    path.write_bytes(tf.io.encode_png(pixels).numpy())
    return path


def test_people_are_found_where_no_boxes_are_given(model, photo):
    found = Predictor(model, detector=BrightSpot()).predict(photo)
    np.testing.assert_allclose(found.boxes, [BOX])
    np.testing.assert_allclose(found.box_scores, [SURENESS])
    known = Predictor(model).predict(photo, [BOX])
    np.testing.assert_allclose(found.xy, known.xy, atol=1e-4)
    told = Predictor(model, detector=BrightSpot()).predict(photo, [(1, 2, 30, 40)])
    assert told.boxes.tolist() == [[1, 2, 30, 40]]
    nobody = Predictor(model, detector=BrightSpot(), min_box_score=0.8)
    assert len(nobody.predict(photo)) == 0
    dark = Predictor(model, detector=BrightSpot(), detect_class="dark")
    np.testing.assert_allclose(dark.predict(photo).box_scores, [0.9])


@pytest.mark.slow
def test_an_export_holds_both(model, photo, tmp_path):
    folder = export_saved_model(model, tmp_path / "pair", detector=BrightSpot())
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    content = photo.read_bytes()
    outputs = served(image_bytes=tf.constant([content, content]))
    known = Predictor(model).predict(photo, [BOX])
    for i in range(2):
        np.testing.assert_allclose(outputs["boxes"][i, 0], BOX)
        np.testing.assert_allclose(outputs["keypoints"][i, 0], known.xy[0], atol=1e-3)
        np.testing.assert_allclose(outputs["box_scores"][i], [SURENESS, 0, 0])
        assert not np.any(outputs["boxes"][i, 1:])
        assert not np.any(outputs["scores"][i, 1:])
    again = Predictor.load(tmp_path / "pair")
    found = again.predict(photo)
    np.testing.assert_allclose(found.boxes, [BOX])
    np.testing.assert_allclose(found.xy, known.xy, atol=1e-3)
    assert again.predict(photo, [(1, 2, 30, 40)]).boxes.tolist() == [[1, 2, 30, 40]]
    with pytest.raises(ValueError, match="exported with min_box_score=0.3"):
        Predictor.load(tmp_path / "pair", min_box_score=0.5)
    with pytest.raises(ValueError, match="made part of it when it is"):
        Predictor.load(tmp_path / "pair", detector=BrightSpot())


def test_needs_a_detector(model):
    with pytest.raises(ValueError, match="Received a model of pose; expected one of"):
        Predictor(model, detector=PoseInference(model))
    with pytest.raises(ValueError, match="Received no detector"):
        Predictor(model, detect_class="person")
    with pytest.raises(ValueError, match="does not find `detect_class=cat`"):
        Predictor(model, detector=BrightSpot(), detect_class="cat")
