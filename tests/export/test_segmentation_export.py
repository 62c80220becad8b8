import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from segmenters import LABELS, bilinear, draw_image, make_segmenter, whole_logits

from hrnet_tf.export import load_exported
from hrnet_tf.export.litert import export_litert
from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.tasks import make_inference
from hrnet_tf.tasks.segmentation.inference import SegmentationInference


@pytest.fixture(scope="module")
def model():
    # Images of any size are served, whatever size it was trained with.
    return make_segmenter(image_size=(64, 64))


@pytest.fixture(scope="module")
def directory(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("models") / "shapes"
    export_saved_model(model, directory)
    return directory


@pytest.fixture(scope="module")
def serve(directory):
    loaded = tf.saved_model.load(str(directory / "1"))

    def call(signature, **inputs):
        found = loaded.signatures[signature](**inputs)
        return {name: value.numpy() for name, value in found.items()}

    return call


def encode(pixels, kind):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def logits_by_hand():
    free = make_segmenter()

    def network(pixels):
        return free(pixels[None].astype("float32"), training=False)[0].numpy()

    return lambda image, flip=False: whole_logits(network, image, flip=flip)


def check_labels(labels, logits):
    """Equal but for ties that the last digit decides."""
    assert labels.dtype == np.uint8
    chosen = np.take_along_axis(logits, labels[..., None].astype(int), -1)
    np.testing.assert_allclose(chosen[..., 0], logits.max(-1), atol=1e-3)


def test_files_of_different_kinds_and_sizes(serve):
    images = [draw_image(40, 56), draw_image(33, 70, 1)]
    contents = [encode(images[0], "PNG"), encode(images[1], "JPEG")]
    found = serve("serving_default", image_bytes=tf.constant(contents))
    assert set(found) == {"labels", "sizes", "png_bytes"}
    assert found["sizes"].tolist() == [[40, 56], [33, 70]]
    assert found["labels"].shape == (2, 40, 70)
    values = np.array([7, 11, 12, 23])
    for i, (height, width) in enumerate(found["sizes"]):
        labels = found["labels"][i]
        assert (labels[height:] == 255).all()
        assert (labels[:, width:] == 255).all()
        alone = serve("serving_default", image_bytes=tf.constant(contents[i : i + 1]))
        np.testing.assert_array_equal(labels[:height, :width], alone["labels"][0])
        # The PNG holds the values of the label set's files.
        with Image.open(io.BytesIO(found["png_bytes"][i])) as file:
            assert file.mode == "L"
            np.testing.assert_array_equal(
                np.asarray(file), values[labels[:height, :width]]
            )


def test_files_give_what_the_model_says(serve, logits_by_hand):
    image = draw_image(40, 56)
    contents = tf.constant([encode(image, "PNG")])
    found = serve("serving_default", image_bytes=contents)
    check_labels(found["labels"][0], logits_by_hand(image))


def test_images(serve, logits_by_hand):
    images = np.stack([draw_image(48, 40, seed) for seed in range(2)])
    found = serve("images", images=tf.constant(images))
    for i, image in enumerate(images):
        logits = logits_by_hand(image)
        check_labels(found["labels"][i], logits)
        powers = np.exp(logits - logits.max(-1, keepdims=True))
        expected = powers.max(-1) / powers.sum(-1)
        np.testing.assert_allclose(found["confidence"][i], expected, atol=1e-4)


def test_no_image_at_all(serve):
    found = serve("images", images=tf.zeros((0, 32, 40, 3), tf.uint8))
    assert found["labels"].shape == found["confidence"].shape == (0, 32, 40)
    found = serve("serving_default", image_bytes=tf.constant([], tf.string))
    assert found["labels"].shape[0] == len(found["png_bytes"]) == 0


@pytest.mark.slow
def test_flip_test_averages_with_the_mirrored_image(model, logits_by_hand):
    signatures = SegmentationInference(model, flip_test=True)
    image = draw_image(32, 48)
    logits = logits_by_hand(image, flip=True)
    found = signatures.images(tf.constant(image[None]))
    check_labels(found["labels"][0].numpy(), logits)
    assert signatures.description["flip_test"] is True


def test_the_folder(directory):
    extra = directory / "1" / "assets.extra"
    names = (extra / "class_names.txt").read_text().splitlines()
    assert names == ["ground", "left", "right", "sky"]
    saved = json.loads(json.dumps(LABELS.to_dict()))
    assert json.loads((extra / "label_set.json").read_text()) == saved
    description = json.loads((extra / "hrnet.json").read_text())
    assert description["task"] == "segmentation"
    assert description["num_classes"] == 4
    assert description["label_set"] == saved
    assert description["flip_test"] is False
    loaded = tf.saved_model.load(str(directory / "1"))
    path = Path(loaded.classes.asset_path.numpy().decode())
    assert path == directory / "1" / "assets" / "classes.txt"
    assert path.read_text("utf-8").splitlines() == names


def test_it_is_loaded_by_its_task(directory):
    loaded = load_exported(directory)
    assert loaded.path == directory / "1"
    assert loaded.description["task"] == "segmentation"
    inference = make_inference(loaded)
    assert inference.label_set == LABELS
    assert inference.flip_test is False
    found = loaded.signature("images")(images=tf.constant(draw_image(32, 32)[None]))
    assert found["labels"].shape == (1, 32, 32)


@pytest.mark.slow
def test_object_contextual_models_and_no_label_set(tmp_path):
    model = make_segmenter(ocr=True, label_set=None)
    export_saved_model(model, tmp_path / "ocr")
    loaded = load_exported(tmp_path / "ocr")
    assert loaded.description["label_set"] is None
    assert not (tmp_path / "ocr/1/assets.extra/class_names.txt").exists()
    assert not (tmp_path / "ocr/1/assets/classes.txt").exists()
    image = draw_image(32, 64)
    found = loaded.signature("images")(images=image[None])["labels"][0]
    outputs = model(image[None].astype("float32"), training=False)
    check_labels(found, bilinear(outputs["main"][0].numpy(), (32, 64), True))


@pytest.mark.parametrize("ocr", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_litert(tmp_path, ocr):
    model = make_segmenter(dtype="mixed_bfloat16", ocr=ocr)
    path = export_litert(
        model, tmp_path / "shapes.tflite", flip_test=True, image_size=(32, 64)
    )
    interpreter = Interpreter(str(path))
    runner = interpreter.get_signature_runner("images")
    image = draw_image(32, 64)[None]
    found = runner(images=image)
    expected = SegmentationInference(make_segmenter(ocr=ocr), flip_test=True)
    expected = expected.images(tf.constant(image))
    assert found["labels"].dtype == np.uint8
    assert (found["labels"] == expected["labels"].numpy()).mean() > 0.999
    np.testing.assert_allclose(found["confidence"], expected["confidence"], atol=1e-5)
    operations = {op["op_name"] for op in interpreter._get_ops_details()}
    assert not any(name.startswith(("Flex", "CUSTOM")) for name in operations)


def test_what_litert_cannot_do(pose_model, tmp_path):
    with pytest.raises(ValueError, match=r"image_size=\(32, 64\) for a HRNetPose"):
        export_litert(pose_model, tmp_path / "a.tflite", image_size=(32, 64))
    with pytest.raises(ValueError, match=r"made for any. Pass `image_size`"):
        export_litert(make_segmenter(), tmp_path / "shapes.tflite")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported(tmp_path):
    with pytest.raises(ValueError, match="has include_preprocessing=False"):
        SegmentationInference(make_segmenter(include_preprocessing=False))
    with pytest.raises(ValueError, match="has label_set=None"):
        export_saved_model(make_segmenter(label_set=None), tmp_path, flip_test=True)
    with pytest.raises(ValueError, match="Received: HRNetBackbone"):
        SegmentationInference(HRNetBackbone.from_preset("hrnet_test"))
    with pytest.raises(ValueError, match="crop_fraction=0.9 for a HRNetSegmenter"):
        export_saved_model(make_segmenter(), tmp_path, crop_fraction=0.9)
    assert not list(tmp_path.iterdir())


def test_a_damaged_description(directory, tmp_path):
    shutil.copytree(directory / "1", tmp_path / "1")
    path = tmp_path / "1/assets.extra/hrnet.json"
    good = json.loads(path.read_text())
    for content in ({**good, "task": "poetry"}, {"task": "segmentation"}):
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=r"hrnet\.json is absent or damaged"):
            load_exported(tmp_path)
