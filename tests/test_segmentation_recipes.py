"""The published segmentation recipes: their constants, and an epoch on drawn data."""

import math
import re

import numpy as np
import pytest
from label_layouts import (
    ade20k_layout,
    cityscapes_layout,
    coco_stuff_layout,
    lip_layout,
    pascal_context_layout,
)

from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.losses.segmentation import OHEMCrossEntropy, SegmentationCrossEntropy
from hrnet_tf.models.ocr_segmenter import HRNetOCRSegmenter
from hrnet_tf.models.segmenter import HRNetSegmenter
from hrnet_tf.tasks.segmentation.recipe import official_sgd
from hrnet_tf.training.recipe import load_recipe
from hrnet_tf.training.run import train

CASES = {
    "cityscapes_seg_w48": (cityscapes_layout, "cityscapes"),
    "cityscapes_seg_w18_small": (cityscapes_layout, "cityscapes"),
    "cityscapes_ocr_w48": (cityscapes_layout, "cityscapes"),
    "pascal_context_seg_w48": (pascal_context_layout, "pascal_context_59"),
    "lip_seg_w48": (lip_layout, "lip"),
    "ade20k_ocr_w48": (ade20k_layout, "ade20k"),
    "pascal_context_ocr_w48": (pascal_context_layout, "pascal_context_59"),
    "coco_stuff_ocr_w48": (coco_stuff_layout, "coco_stuff"),
}
# Those of the object-contextual branch whose heads learn faster (NONBACKBONE_MULT).
FASTER_HEADS = ("pascal_context_ocr_w48", "coco_stuff_ocr_w48")


def recipe(name, **arguments):
    return load_recipe(name, **arguments)


# They differ from another one in constants alone.
LIKE_ANOTHER = (
    "cityscapes_ocr_w48",
    "cityscapes_seg_w48",
    "cityscapes_seg_w18_small",
    "lip_seg_w48",
    "pascal_context_seg_w48",
    "pascal_context_ocr_w48",
    "coco_stuff_ocr_w48",
    "ade20k_ocr_w48",
)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in LIKE_ANOTHER else ())
        for name in CASES
    ],
)
def test_trains_tests_and_saves(name, tmp_path):
    layout, labels = CASES[name]
    label_set = load_label_set(labels)
    arguments = {
        "preset": "hrnet_test",
        "batch_size": 2,
        "epochs": 1,
        "data_dir": str(layout(tmp_path / "data", label_set)),
        "crop_size": (64, 96),
    }
    result = train(recipe(name, **arguments), tmp_path / "run")
    (row,) = result.history
    assert math.isfinite(row["loss"])
    assert row["score"] == row["mIoU"] and 0 <= row["mIoU"] <= 1
    assert (tmp_path / "run" / "best.keras").is_file()


# Crop, long side at scale 1, largest scale, L2, first learning rate, epochs, batch.
@pytest.mark.parametrize(
    "name, crop, base, largest, l2, rate, epochs, batch",
    [
        ("cityscapes_seg_w48", [512, 1024], 2048, 2.1, 5e-4, 1e-2, 484, 12),
        ("cityscapes_seg_w18_small", [512, 1024], 2048, 2.1, 5e-4, 1e-2, 484, 12),
        ("cityscapes_ocr_w48", [512, 1024], 2048, 2.1, 5e-4, 1e-2, 484, 12),
        ("pascal_context_seg_w48", [480, 480], 520, 2.1, 1e-4, 4e-3, 200, 16),
        ("lip_seg_w48", [473, 473], 473, 1.6, 5e-4, 7e-3, 150, 40),
        ("ade20k_ocr_w48", [520, 520], 520, 2.1, 1e-4, 2e-2, 120, 16),
        ("pascal_context_ocr_w48", [520, 520], 520, 2.1, 1e-4, 1e-3, 200, 16),
        ("coco_stuff_ocr_w48", [520, 520], 520, 2.1, 1e-4, 1e-3, 110, 16),
    ],
)
def test_official_constants(name, crop, base, largest, l2, rate, epochs, batch):
    found = recipe(name)
    assert found.name == name
    assert found.protocol["crop_size"] == crop
    views = found.augmentation
    assert (views.base_size, views.min_scale) == (base, 0.5)
    assert views.max_scale == largest
    assert views.flip_probability == 0.5
    assert views.brightness == views.contrast == 0
    assert (found.epochs, found.batch_size) == (epochs, batch)
    optimizer = found.optimizer(10)
    assert optimizer.l2 == l2
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, False)
    # A power of 0.9 of what is left of the run.
    schedule = optimizer._learning_rate
    np.testing.assert_allclose(schedule(0), rate, rtol=1e-6)
    half = float(schedule(5 * epochs))
    np.testing.assert_allclose(half, rate * 0.5**0.9, rtol=1e-5)
    resized = views.resize_to and list(views.resize_to)
    assert resized == ([473, 473] if name == "lip_seg_w48" else None)
    rules = found.protocol["test"]
    rules = rules if isinstance(rules, str) else rules["protocol"]
    data_set = name.split("_seg")[0].split("_ocr")[0]
    expected = {
        **dict.fromkeys(("cityscapes_seg_w48", "cityscapes_ocr_w48"), "whole"),
        "cityscapes_seg_w18_small": "whole",
        "pascal_context_ocr_w48": "pascal_context_ocr",
    }
    assert rules == expected.get(name, data_set)
    multipliers = list(optimizer.rate_multipliers.values())
    assert multipliers == ([10.0] if name in FASTER_HEADS else [])


@pytest.mark.parametrize("model_class", [HRNetSegmenter, HRNetOCRSegmenter])
def test_faster_heads_are_all_but_the_backbone(model_class):
    model = model_class.from_preset("hrnet_test", num_classes=3)
    optimizer = official_sgd(10, 1, head_multiplier=10.0)
    ((pattern, _),) = optimizer.rate_multipliers.items()
    body = {id(v) for v in model.backbone.trainable_variables}
    for variable in model.trainable_variables:
        assert bool(re.search(pattern, variable.path)) == (id(variable) not in body)
    optimizer.build(model.trainable_variables)


def test_losses():
    weights = load_label_set("cityscapes").class_weights
    plain = recipe("cityscapes_seg_w48").loss()
    assert type(plain) is SegmentationCrossEntropy
    assert plain.class_weights == weights and plain.interpolation == "bilinear"
    both = recipe("cityscapes_ocr_w48").loss()
    assert [type(loss) for loss in both.values()] == [SegmentationCrossEntropy] * 2
    assert both["main"].class_weights == both["aux"].class_weights == weights
    hard = recipe("ade20k_ocr_w48")
    assert hard.loss_weights == {"aux": 0.4, "main": 1.0}
    losses = hard.loss()
    assert type(losses["aux"]) is SegmentationCrossEntropy
    assert type(losses["main"]) is OHEMCrossEntropy
    assert losses["main"].class_weights is None
    # 131072 pixels for each of four GPUs with four images.
    main = losses["main"]
    assert (main.threshold, 16 * main.min_kept_per_image) == (0.9, 4 * 131072)
    assert type(recipe("coco_stuff_ocr_w48").loss()["main"]) is OHEMCrossEntropy
    both = recipe("pascal_context_ocr_w48").loss()
    assert [type(loss) for loss in both.values()] == [SegmentationCrossEntropy] * 2
    assert recipe("lip_seg_w48").loss().class_weights is None


def test_presets_and_label_sets():
    recipes = {name: recipe(name) for name in CASES}
    settings = {name: found.settings for name, found in recipes.items()}
    small = settings.pop("cityscapes_seg_w18_small")
    assert small["preset"] == "hrnet_w18_small_v1"
    assert {s["preset"] for s in settings.values()} == {"hrnet_w48"}
    label_set = recipes["pascal_context_seg_w48"].data["label_set"]
    assert (label_set["name"], len(label_set["classes"])) == ("pascal_context_59", 59)
    other = recipe("pascal_context_seg_w48", labels="pascal_context_60")
    label_set = other.data["label_set"]
    assert (label_set["name"], len(label_set["classes"])) == ("pascal_context_60", 60)


def test_a_bad_label_map_stops_the_run_or_is_skipped(tmp_path):
    label_set = load_label_set("lip")
    root = lip_layout(tmp_path / "data", label_set, count=3)
    bad = root / "TrainVal_parsing_annotations/train_segmentations/1.png"
    bad.write_bytes(b"")
    arguments = {"preset": "hrnet_test", "batch_size": 2, "data_dir": str(root)}
    with pytest.raises(ValueError, match=r"train_segmentations/1\.png is no PNG"):
        recipe("lip_seg_w48", **arguments).train_data(0, 0)
    with pytest.warns(UserWarning, match="skipped 1 bad example"):
        steps = recipe("lip_seg_w48", **arguments, skip_bad=True).train_data(0, 0)[1]
    assert steps == 1
