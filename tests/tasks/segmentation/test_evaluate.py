import json

import numpy as np
import pytest
from PIL import Image
from segmenters import LABELS, draw_image, make_segmenter, whole_logits

from hrnet_tf.data.schema import SegmentationExample
from hrnet_tf.metrics import miou
from hrnet_tf.tasks.segmentation import evaluate as segmentation
from hrnet_tf.tasks.segmentation.picture import sheet

SIZES = [(40, 48), (40, 48), (33, 50), (40, 48), (40, 48), (40, 48)]


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """Six pairs of two sizes; some labels are palette files, some pixels ignored."""
    folder, rng = tmp_path_factory.mktemp("shapes"), np.random.default_rng(0)
    made = []
    for i, size in enumerate(SIZES):
        values = np.array([7, 11, 12, 23, 0, 255], np.uint8)
        # The last class occurs nowhere.
        label = values[rng.choice([0, 1, 2, 4, 5], size)]
        picture = Image.fromarray(label)
        if i % 2:
            picture.putpalette(rng.integers(0, 256, 768).tolist())
        picture.save(folder / f"{i}_label.png")
        Image.fromarray(draw_image(*size, i)).save(folder / f"{i}.png")
        pair = folder / f"{i}.png", folder / f"{i}_label.png"
        made.append(SegmentationExample(*map(str, pair)))
    return made


def classes(example):
    return LABELS.lookup()[np.asarray(Image.open(example.label_path))]


def numbers_by_hand(examples, predict):
    matrix = sum(
        miou.confusion_matrix(
            classes(example), predict(np.asarray(Image.open(example.image_path))), 4
        )
        for example in examples
    )
    return matrix


def test_equals_a_direct_computation(segmenter, block_network, examples):
    def predict(image):
        return whole_logits(block_network.by_hand, image).argmax(-1)

    ticks, seen = [], []
    report = segmentation.evaluate(
        segmenter,
        examples,
        batch_size=2,
        infer=block_network,
        progress=lambda *tick: ticks.append(tick),
        on_labels=lambda example, labels: seen.append((example, labels)),
    )
    matrix = numbers_by_hand(examples, predict)
    np.testing.assert_array_equal(report.confusion, matrix)
    expected = miou.scores(matrix)
    assert report.numbers == {
        "mIoU": expected.mean_iou,
        "mIoU_present": expected.mean_iou_present,
        "pixel_accuracy": expected.pixel_accuracy,
        "mean_accuracy": expected.mean_accuracy,
    }
    assert report.main_number == expected.mean_iou
    assert report.num_images == 6
    # Neighbours of one size are run together, two at most.
    assert ticks == [(2, 6), (3, 6), (5, 6), (6, 6)]
    assert [example for example, _ in seen] == examples
    assert [labels.shape for _, labels in seen] == SIZES
    assert report.classes["left"]["iou"] == pytest.approx(expected.iou[1])
    assert report.classes["left"]["labelled_pixels"] == matrix[1].sum()
    assert report.classes["left"]["predicted_pixels"] == matrix[:, 1].sum()


def test_a_real_model_and_the_rules(segmenter, examples):
    def network(pixels):
        return segmenter(pixels[None].astype("float32"), training=False)[0].numpy()

    def predict(image):
        return whole_logits(network, image, flip=True).argmax(-1)

    report = segmentation.evaluate(segmenter, examples[1:3], flip=True)
    matrix = numbers_by_hand(examples[1:3], predict)
    # Ties between classes may be decided by the last digit.
    assert np.abs(report.confusion - matrix).sum() <= 4
    assert report.protocol["flip"] is True
    assert report.protocol["scales"] == (1.0,)


def test_protocols_by_name(segmenter, block_network, examples):
    report = segmentation.evaluate(
        segmenter,
        examples[:1],
        "cityscapes",
        scales=(0.125, 0.25),
        window=(150, 600),
        infer=block_network,
    )
    assert report.protocol["long_side"] == 2048
    assert report.protocol["stride"] == (100, 400)
    assert report.confusion.sum() == (classes(examples[0]) != 255).sum()


def test_the_report_as_json(segmenter, block_network, examples, tmp_path):
    report = segmentation.evaluate(segmenter, examples, infer=block_network)
    report.save(tmp_path / "report.json")
    saved = json.loads((tmp_path / "report.json").read_text())
    assert set(saved) == {"numbers", "images_per_second", *report.facts}
    assert saved["protocol"]["scales"] == [1.0]
    assert saved["num_images"] == len(examples)
    assert saved["numbers"] == report.numbers
    assert saved["confusion"] == report.confusion.tolist()
    assert list(saved["classes"]) == ["ground", "left", "right", "sky"]


def test_classes_that_occur_nowhere_are_named(segmenter, examples):
    def ground(images):
        logits = np.zeros((len(images), 10, 12, 4), np.float32)
        logits[..., 0] = 1
        return logits

    report = segmentation.evaluate(segmenter, examples[:2], infer=ground)
    assert report.absent == ("sky",)
    share = report.classes["ground"]["iou"]
    assert report.main_number == pytest.approx(share / 4)
    assert report.numbers["mIoU_present"] == pytest.approx(share / 3)


def test_models_of_one_size_take_any(segmenter, examples):
    fixed = make_segmenter(image_size=(64, 64))
    found = segmentation.evaluate(fixed, examples[2:4])
    expected = segmentation.evaluate(segmenter, examples[2:4])
    np.testing.assert_array_equal(found.confusion, expected.confusion)


def test_a_sheet_of_comparisons(segmenter, block_network, examples):
    drawn = sheet(segmenter, block_network, examples[:3])
    assert drawn.dtype == np.uint8
    # Two in a row, three pictures each.
    assert drawn.shape[1] == 2 * 720 + 3 * 8


def test_bad_files_are_named(segmenter, block_network, examples, tmp_path):
    def run(image, label):
        pair = SegmentationExample(str(image), str(label))
        segmentation.evaluate(segmenter, [examples[0], pair], infer=block_network)

    good = examples[1]
    absent = tmp_path / "absent.png"
    with pytest.raises(ValueError, match="There is no image file .*absent.png"):
        run(absent, good.label_path)
    with pytest.raises(ValueError, match="There is no label map .*absent.png"):
        run(good.image_path, absent)
    cut = tmp_path / "cut.png"
    content = open(good.image_path, "rb").read()
    cut.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"cut.png \(\d+ bytes\) is no complete"):
        run(cut, good.label_path)
    with pytest.raises(ValueError, match="has 50x33 pixels .*has 48x40"):
        run(good.image_path, examples[2].label_path)
    unknown = tmp_path / "unknown.png"
    Image.fromarray(np.full((40, 48), 9, np.uint8)).save(unknown)
    with pytest.raises(ValueError, match="unknown.png holds the value 9"):
        run(good.image_path, unknown)


def test_what_cannot_be_tested(segmenter, examples):
    with pytest.raises(ValueError, match="There are no images to test on"):
        segmentation.evaluate(segmenter, [])
    with pytest.raises(ValueError, match="does not say which classes it predicts"):
        segmentation.evaluate(make_segmenter(label_set=None), examples)
