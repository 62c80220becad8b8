"""Recipes of segmentation, from drawn data to a report."""

import json
import math
import re
from functools import partial

import keras
import numpy as np
import pytest
from drawn_labels import draw_labels

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import label_folder
from hrnet_tf.losses.lovasz import LovaszCrossEntropy
from hrnet_tf.losses.segmentation import SegmentationCrossEntropy
from hrnet_tf.models.loading import inference_function, load_model
from hrnet_tf.optimizers import schedules
from hrnet_tf.tasks.segmentation.recipe import (
    log_weights,
    official_sgd,
    poly_muon,
    segmentation_recipe,
)
from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe import load_recipe
from hrnet_tf.training.run import train


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw_labels(tmp_path_factory.mktemp("labels"))


def make(folder, **changes):
    def load(split, label_set):
        return label_folder.load_segmentation(folder / split, folder / f"{split}annot")

    settings = {"preset": "hrnet_test", "batch_size": 2, "epochs": 1}
    arguments = {
        "name": "shapes",
        "settings": settings,
        "labels": folder / "labels.json",
        "load_train": partial(load, "train"),
        "load_val": partial(load, "val"),
        "crop_size": (32, 64),
        "augmentation": SegmentationAugmentation(base_size=96),
        "optimizer": official_sgd,
    }
    return segmentation_recipe(**{**arguments, **changes})


@pytest.mark.slow
@pytest.mark.parametrize("ocr", [pytest.param(False, marks=pytest.mark.slow), True])
def test_trains_tests_and_saves(folder, tmp_path, ocr):
    result = train(make(folder, ocr=ocr, ohem=ocr), tmp_path / "run")
    row = result.history[-1]
    assert math.isfinite(row["loss"]) and 0 <= row["mIoU"] <= 1
    assert row["score"] == row["mIoU"]
    model = load_model(tmp_path / "run" / "best.keras")
    assert model.arguments["label_set"]["classes"] == ["ground", "square", "disc"]


@pytest.mark.slow
def test_weighs_the_auxiliary_output_by_0_4(folder):
    recipe = make(folder, ocr=True)
    keras.utils.set_random_seed(0)
    model = recipe.model()
    model.compile("sgd", recipe.loss(), loss_weights=recipe.loss_weights)
    images, labels = next(iter(recipe.train_data(0, 0)[0]))
    total, *parts = model.test_on_batch(images, labels)
    found = model(images, training=False)
    losses = {key: float(recipe.loss()[key](labels[key], found[key])) for key in found}
    expected = 0.4 * losses["aux"] + losses["main"]
    np.testing.assert_allclose(total, expected, rtol=1e-5)


def test_class_weights_are_those_asked_for(folder):
    assert make(folder).loss().class_weights is None
    assert make(folder, class_weights=(1, 2, 3)).loss().class_weights == (1, 2, 3)
    found = make(folder, class_weights="log").loss().class_weights
    assert len(found) == 3 and found[0] < found[1]
    np.testing.assert_allclose(
        log_weights([3, 1, 0]), [1 / math.log(1.1 + x) for x in (0.75, 0.25, 0.0)]
    )


def test_learning_rate_falls_to_zero():
    schedule = schedules.polynomial_decay(0.1, epochs=4, steps_per_epoch=5)
    rates = [float(schedule(step)) for step in (0, 10, 20)]
    np.testing.assert_allclose(rates, [0.1, 0.1 * 0.5**0.9, 0.0], atol=1e-8)


def test_muon_leaves_the_first_and_the_last_convolution_to_adamw(folder):
    variables = make(folder).model().trainable_variables
    optimizer = poly_muon(10, 1)
    optimizer.build(variables)
    left = [
        variable.path
        for variable, velocity in zip(variables, optimizer.adam_velocities, strict=True)
        if velocity is not None and len(variable.shape) == 4
    ]
    assert left == ["stem_conv1/conv/kernel", "head/kernel"]


@pytest.mark.parametrize("ocr", [False, True])
def test_lovasz_is_of_the_main_output(folder, ocr):
    loss = make(folder, ocr=ocr, lovasz=0.5, class_weights=(1, 2, 3)).loss()
    if ocr:
        assert type(loss["aux"]) is SegmentationCrossEntropy
        loss = loss["main"]
        assert loss.interpolation == "bilinear_align_corners"
    assert isinstance(loss, LovaszCrossEntropy)
    assert (loss.lovasz_weight, loss.class_weights) == (0.5, (1, 2, 3))


def test_lovasz_of_hard_pixels_is_refused(folder):
    with pytest.raises(ValueError, match="Pass ohem or lovasz, not both"):
        make(folder, ohem=True, lovasz=1.0)


@pytest.mark.slow
def test_camvid_recipe_trains(folder, tmp_path):
    path = "recipes/camvid_seg_w18_small.py"
    labels = str(folder / "labels.json")
    recipe = load_recipe(
        path,
        preset="hrnet_test",
        batch_size=2,
        epochs=1,
        data_dir=str(folder),
        labels=labels,
    )
    assert math.isfinite(train(recipe, tmp_path / "run").history[-1]["mIoU"])


def test_names_the_image_that_is_damaged_in_the_middle(tmp_path):
    folder = draw_labels(tmp_path)
    image = folder / "train" / "1.png"
    content = bytearray(image.read_bytes())
    content[2000:2400] = bytes(400)
    image.write_bytes(content)
    with pytest.raises(ValueError, match=r"train/1.png .* no complete JPEG or PNG"):
        train(make(folder), tmp_path / "run")


def test_another_label_set_is_another_run(folder, tmp_path):
    first = make(folder)
    other = json.loads((folder / "labels.json").read_text())
    other["classes"] = other["classes"][::-1]
    (tmp_path / "labels.json").write_text(json.dumps(other))
    second = make(folder, labels=tmp_path / "labels.json")
    found, other = (Identity.of(r, r.model(), seed=0) for r in (first, second))
    assert found.differences(found.to_json()) == ""
    text = r"classes of the data's label_set \(\['ground'.* there, \['disc'.* now\)"
    assert re.search(text, other.differences(found.to_json()))


def test_heads_of_object_context_start_as_pytorch_does(folder):
    keras.utils.set_random_seed(0)
    model = make(folder, ocr=True).model()
    kernel = model.get_layer("ocr_conv").conv.kernel
    limit = 1 / math.sqrt(math.prod(kernel.shape[:3]))
    found = abs(np.asarray(kernel)).max()
    assert 0.98 * limit < found <= limit
    body = np.asarray(model.backbone.trainable_variables[0])
    assert abs(body).max() < 0.01
    copy = type(model).from_config(model.get_config())
    assert copy.get_config() == model.get_config()


def test_a_diverged_model_is_no_segmenter(folder):
    recipe = make(folder)
    model = recipe.model()
    model.get_layer("head").bias.assign([np.nan] * 3)
    with pytest.raises(ValueError, match="not finite: its training diverged"):
        recipe.evaluate(model, inference_function(model))
