import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from hrnet_tf.data.augment.affine import box_regions, crop_matrix, decode_crop
from hrnet_tf.data.keypoint_sets import COCO
from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.models.pose import HRNetPose
from hrnet_tf.predict import Predictor

BOXES = [[10, 12, 50, 60], [61, 20, 40, 79.5], [-20, -15, 60, 60]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model as a .keras file and as a SavedModel with the flip test."""
    folder = tmp_path_factory.mktemp("models")
    keras.utils.set_random_seed(0)
    model = HRNetPose.from_preset(
        "hrnet_test",
        image_size=(96, 64),
        keypoint_set=COCO.to_dict(),
        kernel_initializer="he_normal",
    )
    model.save(folder / "pose.keras")
    export_saved_model(model, folder / "pose")
    export_saved_model(model, folder / "pose", version=2, flip_test=True)
    return folder


@pytest.fixture(scope="module")
def predictor(folder):
    return Predictor.load(folder / "pose.keras")


@pytest.fixture(scope="module")
def photo():
    small = np.random.default_rng(0).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((140, 100)))


@pytest.fixture(scope="module")
def jpeg(photo):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, "JPEG")
    return file.getvalue()


def assert_same(actual, expected):
    np.testing.assert_allclose(actual.xy, expected.xy, atol=1e-3)
    np.testing.assert_allclose(actual.scores, expected.scores, rtol=1e-4)


def test_predict_is_the_training_geometry_backwards(predictor, jpeg):
    found = predictor.predict(jpeg, BOXES)
    centers, sizes = box_regions(tf.constant(BOXES, tf.float32), 64 / 96)
    matrices = crop_matrix(centers, sizes[:, 0], tf.zeros(3), (96, 64))
    crops = tf.stack([decode_crop(jpeg, matrix, (96, 64)) for matrix in matrices])
    signatures = predictor.inference
    expected = signatures.crops(crops)
    np.testing.assert_allclose(found.scores, expected["scores"], rtol=1e-4)
    # Crop pixels, mapped back by the inverse of the crop's matrix.
    matrices = matrices.numpy().astype(np.float64)
    for n, matrix in enumerate(matrices):
        points = expected["keypoints"][n].numpy() - matrix[:, 2]
        points = np.linalg.solve(matrix[:, :2], points.T).T
        np.testing.assert_allclose(found.xy[n], points, atol=1e-3)
    assert found.keypoint_set == COCO
    assert found.box_scores.tolist() == [1, 1, 1]
    assert found.image_path is None


def test_a_batch_is_its_images_one_by_one(predictor, photo, jpeg, tmp_path):
    path = tmp_path / "person.jpg"
    path.write_bytes(jpeg)
    # More people than go through the network at a time, and images of several sizes.
    images = [path, photo[:50, :60], photo, jpeg]
    boxes = [BOXES * 3, None, [], BOXES * 4]
    scores = [np.linspace(0, 1, 9), None, None, np.linspace(1, 0, 12)]
    found = predictor.predict_batch(images, boxes, scores)
    assert [len(one) for one in found] == [9, 1, 0, 12]
    for one, *arguments in zip(found, images, boxes, scores, strict=True):
        alone = predictor.predict(*arguments)
        assert_same(one, alone)
        np.testing.assert_array_equal(one.boxes, alone.boxes)
        np.testing.assert_array_equal(one.box_scores, alone.box_scores)
        assert one.image_path == alone.image_path
    assert found[0].image_path == str(path)
    with pytest.raises(ValueError, match="Box 0 of the image lies outside"):
        predictor.predict_batch([photo, photo], [None, [[500, 0, 9, 9]]])
    nobody = predictor.predict_batch([photo, photo], [[], []])
    assert [one.xy.shape for one in nobody] == [(0, 17, 2)] * 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "convention",
    [*(pytest.param(c, marks=pytest.mark.slow) for c in ("dark", "face")), "udp"],
)
def test_saved_and_exported_models_keep_their_convention(convention, jpeg, tmp_path):
    keras.utils.set_random_seed(0)
    model = HRNetPose.from_preset(
        "hrnet_test",
        image_size=(96, 64),
        keypoint_set=COCO.to_dict(),
        kernel_initializer="he_normal",
        heatmap_convention=convention,
    )
    model.save(tmp_path / "pose.keras")
    version = export_saved_model(model, tmp_path / "pose")
    found = Predictor.load(tmp_path / "pose.keras").predict(jpeg, BOXES)
    assert_same(Predictor.load(tmp_path / "pose").predict(jpeg, BOXES), found)
    serving = tf.saved_model.load(str(version)).signatures["serving_default"]
    served = serving(
        image_bytes=tf.constant([jpeg]), boxes=tf.constant([BOXES], tf.float32)
    )
    np.testing.assert_allclose(served["keypoints"][0], found.xy, atol=2e-2)
    official = HRNetPose.from_config(
        {**model.get_config(), "heatmap_convention": "official"}
    )
    official.set_weights(model.get_weights())
    other = Predictor(official).predict(jpeg, BOXES)
    assert np.abs(other.xy - found.xy).max() > 0.1
    # Folders from before the convention was noted are official ones.
    description = version / "assets.extra" / "hrnet.json"
    fields = json.loads(description.read_text())
    assert fields.pop("heatmap_convention") == convention
    description.write_text(json.dumps(fields))
    old = Predictor.load(tmp_path / "pose")
    assert old.inference.codec.convention == "official"


def test_images_may_be_paths_bytes_or_arrays(predictor, photo, jpeg, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg)
    expected = predictor.predict(jpeg, BOXES)
    found = predictor.predict(path, BOXES)
    assert found.image_path == str(path)
    assert_same(found, expected)
    pixels = tf.io.decode_jpeg(jpeg, dct_method="INTEGER_ACCURATE").numpy()
    assert_same(predictor.predict(pixels, BOXES), expected)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    found = predictor.predict(str(tmp_path / "photo.png"), BOXES)
    assert_same(found, predictor.predict(photo, BOXES))
    Image.fromarray(photo).convert("L").save(tmp_path / "grey.png")
    assert len(predictor.predict(tmp_path / "grey.png")) == 1


def test_without_boxes_the_image_is_one_person(predictor, photo):
    found = predictor.predict(photo)
    assert found.boxes.tolist() == [[0, 0, 140, 100]]
    assert_same(found, predictor.predict(photo, [[0, 0, 140, 100]]))


def test_any_number_of_boxes(predictor, photo):
    assert predictor.predict(photo, []).xy.shape == (0, 17, 2)
    many = np.tile(np.float32(BOXES), (7, 1))
    found = predictor.predict(photo, many, box_scores=np.linspace(0, 1, 21))
    expected = predictor.predict(photo, BOXES)
    assert found.box_scores[-1] == 1
    np.testing.assert_allclose(found.xy, np.tile(expected.xy, (7, 1, 1)), atol=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(("version", "flip_test"), [("pose/1", False), ("pose", True)])
def test_an_exported_model_predicts_the_same(
    folder, predictor, jpeg, version, flip_test
):
    exported = Predictor.load(folder / version)
    found = exported.predict(jpeg, BOXES)
    assert found.keypoint_set == COCO
    assert_same(found, predictor.predict(jpeg, BOXES, flip_test=flip_test))
    assert_same(found, exported.predict(jpeg, BOXES, flip_test=flip_test))
    with pytest.raises(ValueError, match=rf"exported with flip_test={flip_test}, "):
        exported.predict(jpeg, BOXES, flip_test=not flip_test)


def test_the_served_signature_predicts_the_same(folder, predictor, jpeg):
    loaded = tf.saved_model.load(str(folder / "pose/1"))
    served = loaded.signatures["serving_default"](
        image_bytes=tf.constant([jpeg]), boxes=tf.constant([BOXES], tf.float32)
    )
    found = predictor.predict(jpeg, BOXES)
    np.testing.assert_allclose(served["keypoints"][0], found.xy, atol=1e-3)
    np.testing.assert_allclose(served["scores"][0], found.scores, rtol=1e-4)


@pytest.mark.parametrize(
    ("boxes", "text"),
    [
        ([1, 2, 3, 4], r"shape \[N, 4\].* Received the shape \(4,\)"),
        ([[1, 2, 3]], r"Received the shape \(1, 3\)"),
        ([["a", "b", "c", "d"]], "cannot be read as numbers"),
        ([BOXES[0], [1, np.nan, 3, 4]], "Box 1 of .* not finite or too large.*nan"),
        ([[-1e30, -1e30, 2e30, 2e30]], "not finite or too large"),
        ([[5, 5, 0, 10]], r"has no area. Received: \[5.0, 5.0, 0.0, 10.0\]"),
        ([[5, 5, 1e-9, 1e-9]], "has no area"),
        ([BOXES[0], [140, 5, 9, 9]], "Box 1 of the image lies outside .* 140 x 100"),
        ([[-9, 5, 9, 9]], "lies outside"),
    ],
)
def test_wrong_boxes_are_named(predictor, photo, boxes, text):
    with pytest.raises(ValueError, match=text):
        predictor.predict(photo, boxes)


@pytest.mark.parametrize("box_scores", [[1, 1], [1, 1, np.nan], 1.0])
def test_wrong_box_scores_are_named(predictor, photo, box_scores):
    with pytest.raises(ValueError, match="box_scores must be 3 finite numbers"):
        predictor.predict(photo, BOXES, box_scores)


def test_wrong_images_are_named(predictor, photo, jpeg, tmp_path):
    with pytest.raises(ValueError, match=r"no image file .*absent\.jpg"):
        predictor.predict(tmp_path / "absent.jpg")
    Image.fromarray(photo).save(tmp_path / "cut.png")
    for name, content in (
        ("cut.jpg", jpeg[:-30]),
        ("cut.png", (tmp_path / "cut.png").read_bytes()[:-30]),
        ("empty.jpg", b""),
        ("text.jpg", b"This is no image."),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} \(\d+ bytes\) is no complete"):
            predictor.predict(tmp_path / name)
    for array in (photo.astype("float32"), photo[..., 0], photo[:0], None):
        with pytest.raises(ValueError, match="Expected an image: a path"):
            predictor.predict(array)


def test_wrong_models_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"no model file .*absent\.keras"):
        Predictor.load(tmp_path / "absent.keras")
    with pytest.raises(ValueError, match="There is no folder .*absent"):
        Predictor.load(tmp_path / "absent")
    path = tmp_path / "backbone.keras"
    HRNetBackbone.from_preset("hrnet_test").save(path)
    with pytest.raises(
        ValueError, match=r"backbone\.keras: This is a HRNetBackbone, which is no"
    ):
        Predictor.load(path)


def test_a_diverged_model_is_noticed(photo):
    model = HRNetPose.from_preset("hrnet_test", image_size=(64, 64))
    model.get_layer("head").bias.assign(np.full(17, np.nan))
    with pytest.raises(ValueError, match="A diverged model predicts such values"):
        Predictor(model).predict(photo)


def test_a_frozen_model_finds_the_same(folder, predictor, jpeg):
    frozen = Predictor.load(folder / "pose.keras", frozen=True)
    for boxes in (BOXES, None, []):
        assert_same(frozen.predict(jpeg, boxes), predictor.predict(jpeg, boxes))
