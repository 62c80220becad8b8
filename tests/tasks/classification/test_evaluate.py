"""The classification test against plain NumPy."""

import json

import numpy as np
import pytest
from drawn_shapes import CLASSES, draw_data_set

from hrnet_tf import HRNetClassifier, HRNetPose
from hrnet_tf.data.augment.classification import center_crop
from hrnet_tf.data.formats.image_folder import load_split
from hrnet_tf.io import read_image
from hrnet_tf.tasks.classification import evaluate as evaluation
from hrnet_tf.tasks.classification.inference import at_image_size, checked_image_size


@pytest.fixture(scope="module")
def model():
    return HRNetClassifier.from_preset(
        "hrnet_test", num_classes=3, image_size=(32, 32), class_names=CLASSES
    )


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = draw_data_set(tmp_path_factory.mktemp("shapes"), 1, 3)
    return load_split(folder, "val", CLASSES)


def scores(model, examples, size, crop_fraction):
    crops = [
        center_crop(read_image(example.image_path)[0], size, crop_fraction)
        for example in examples
    ]
    return np.asarray(model(np.stack(crops).astype("float32")))


def test_numbers_are_numpys(model, examples):
    found, steps = [], []

    def infer(images):
        found.append(np.asarray(model(np.asarray(images, "float32"))))
        return found[-1]

    report = evaluation.evaluate(
        model,
        examples,
        batch_size=4,
        infer=infer,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(4, 9), (8, 9), (9, 9)]
    expected = scores(model, examples, (32, 32), 0.875)
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-5)
    labels = np.array([example.label for example in examples])
    hits = expected.argmax(1) == labels
    assert report.numbers == {"top1": pytest.approx(hits.mean(), abs=1e-6), "top5": 1.0}
    assert report.main_number == report.numbers["top1"]
    np.testing.assert_allclose(report.per_class, hits.reshape(3, 3).mean(1))
    assert report.confusion.sum() == report.num_images == 9


def test_other_sizes_and_crops(model, examples):
    larger = at_image_size(model, (64, 64))
    assert at_image_size(model, (32, 32)) is model
    assert at_image_size(model, None) is model
    report = evaluation.evaluate(larger, examples, crop_fraction=1.0)
    assert report.image_size == (64, 64) and report.crop_fraction == 1.0
    expected = scores(larger, examples, (64, 64), 1.0).argmax(1)
    found = np.bincount(expected, minlength=3)
    np.testing.assert_array_equal(report.confusion.sum(0), found)


def test_crops_are_cut_as_the_model_says(model, examples):
    config = {**model.get_config(), "crop_fraction": 0.7}
    wider = type(model).from_config(config)
    wider.set_weights(model.get_weights())
    expected = scores(model, examples, (32, 32), 0.7)
    found = []

    def infer(images):
        found.append(np.asarray(wider(np.asarray(images, "float32"))))
        return found[-1]

    report = evaluation.evaluate(wider, examples, infer=infer)
    assert report.crop_fraction == 0.7
    np.testing.assert_allclose(np.concatenate(found), expected, atol=1e-5)
    # At another size too.
    assert at_image_size(wider, (64, 64)).arguments["crop_fraction"] == 0.7


def test_report_file(model, examples, tmp_path):
    report = evaluation.evaluate(model, examples[:3])
    report.save(tmp_path / "report.json")
    fields = json.loads((tmp_path / "report.json").read_text())
    assert fields["numbers"] == report.numbers
    assert fields["confusion"] == report.confusion.tolist()
    assert fields["per_class"][1:] == [None, None]
    assert fields["class_names"] == list(CLASSES)
    assert fields["image_size"] == [32, 32] and fields["num_images"] == 3


def test_damaged_image_is_named(model, examples, tmp_path):
    path = tmp_path / "damaged.jpg"
    with open(examples[0].image_path, "rb") as file:
        content = file.read()
    # The end is there, so that only decoding finds it.
    path.write_bytes(content[:400] + b"\0" * 20 + content[-2:])
    bad = [*examples[:2], type(examples[0])(str(path), 0)]
    with pytest.raises(ValueError, match=r"damaged.jpg cannot be decoded: .*Replace"):
        evaluation.evaluate(model, bad)


def test_models_that_do_not_classify():
    pose = HRNetPose.from_preset("hrnet_test", num_keypoints=3, image_size=(32, 32))
    with pytest.raises(ValueError, match=r"include_top=True. Received: HRNetPose\."):
        checked_image_size(pose)
    options = {"num_classes": 3, "image_size": (32, 32)}
    bare = HRNetClassifier.from_preset("hrnet_test", include_top=False, **options)
    with pytest.raises(ValueError, match="HRNetClassifier with include_top=False"):
        checked_image_size(bare)
    raw = HRNetClassifier.from_preset(
        "hrnet_test", include_preprocessing=False, **options
    )
    with pytest.raises(ValueError, match="include_preprocessing=False, but images"):
        checked_image_size(raw)


def test_any_size_is_tested_at_the_published_one():
    model = HRNetClassifier.from_preset("hrnet_test", num_classes=3, image_size=None)
    assert checked_image_size(model) == (224, 224)


@pytest.mark.parametrize("crop_fraction", [0, 1.2])
def test_bad_crop_fraction(model, examples, crop_fraction):
    with pytest.raises(ValueError, match=r"crop_fraction must be in \(0, 1\]"):
        evaluation.evaluate(model, examples, crop_fraction=crop_fraction)
