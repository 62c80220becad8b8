"""The fusion of flips, scales and windows, against the official code in NumPy."""

import math

import numpy as np
import pytest
from segmenters import bilinear, draw_image, make_segmenter, whole_logits

from hrnet_tf.data.label_sets import LabelSet
from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.tasks.segmentation import fusion as tta
from hrnet_tf.tasks.segmentation.fusion import FusedSegmenter
from hrnet_tf.tasks.segmentation.protocols import (
    SegmentationProtocol,
    load_protocol,
)

FLIP = [0, 2, 1, 3]


class Official:
    """The official multi-scale test, as its Python reads."""

    def __init__(self, network, flip, align, crop, stride, base, inside, whole_to):
        self.network, self.flip, self.align = network, flip, align
        self.crop, self.stride, self.base = crop, stride, base
        self.inside, self.whole_to = inside, whole_to

    def inference(self, image):
        size = image.shape[:2]
        pred = bilinear(self.network(image), size, self.align)
        if self.flip:
            other = bilinear(self.network(image[:, ::-1]), size, self.align)
            pred = 0.5 * (pred + other[:, ::-1][..., FLIP])
        return np.exp(pred)

    def pad(self, image):
        extra = [max(c - s, 0) for c, s in zip(self.crop, image.shape[:2], strict=True)]
        return np.pad(image, [(0, extra[0]), (0, extra[1]), (0, 0)])

    def scale(self, image, scale):
        long_size = int(self.base * scale + 0.5)
        h, w = image.shape[:2]
        if h > w:
            return bilinear(image, (long_size, int(w * long_size / h + 0.5)))
        return bilinear(image, (int(h * long_size / w + 0.5), long_size))

    def windows(self, new_img):
        new_h, new_w = new_img.shape[:2]
        (crop_h, crop_w), (stride_h, stride_w) = self.crop, self.stride
        rows = int(np.ceil(1.0 * (new_h - crop_h) / stride_h)) + 1
        cols = int(np.ceil(1.0 * (new_w - crop_w) / stride_w)) + 1
        preds, count = 0.0, np.zeros((new_h, new_w, 1))
        for r in range(rows):
            for c in range(cols):
                h0, w0 = r * stride_h, c * stride_w
                h1, w1 = min(h0 + crop_h, new_h), min(w0 + crop_w, new_w)
                if self.inside:
                    h0, w0 = max(h1 - crop_h, 0), max(w1 - crop_w, 0)
                piece = new_img[h0:h1, w0:w1]
                if not self.inside:
                    piece = self.pad(piece)
                pred = self.inference(piece)[: h1 - h0, : w1 - w0]
                placed = np.zeros((new_h, new_w, pred.shape[-1]))
                placed[h0:h1, w0:w1] = pred
                preds = preds + placed
                count[h0:h1, w0:w1] += 1
        return preds / count

    def multi_scale(self, image, scales):
        total = 0.0
        for scale in scales:
            new_img = self.scale(image, scale)
            height, width = new_img.shape[:2]
            if self.inside and scale <= self.whole_to:
                preds = self.inference(new_img)
            elif not self.inside and max(height, width) <= min(self.crop):
                preds = self.inference(self.pad(new_img))[:height, :width]
            else:
                padded = new_img if self.inside else self.pad(new_img)
                preds = self.windows(padded)[:height, :width]
            total = total + bilinear(preds, image.shape[:2], self.align)
        return total


@pytest.fixture(params=["segmenter", "aligned_segmenter"])
def model(request):
    return request.getfixturevalue(request.param)


def check(found, expected):
    np.testing.assert_allclose(found[0], expected, rtol=2e-4)


def test_cityscapes_rules(model, block_network):
    image = draw_image(40, 80)
    protocol = load_protocol(
        "cityscapes",
        scales=(0.5, 1.0, 1.25, 1.75),
        long_side=96,
        window=(48, 96),
        stride=(48, 96),
    )
    official = Official(
        block_network.by_hand,
        True,
        tta.aligns_corners(model),
        (48, 96),
        (48, 96),
        96,
        inside=True,
        whole_to=1.0,
    )
    found = FusedSegmenter(model, protocol, block_network).scores(image[None])
    check(found, official.multi_scale(image.astype(float), protocol.scales))


@pytest.mark.parametrize("size", [(40, 57), (61, 33)])
def test_pascal_context_rules(model, block_network, size):
    image = draw_image(*size)
    protocol = load_protocol("pascal_context", long_side=52, window=(48, 48))
    assert protocol.stride == (32, 32)
    official = Official(
        block_network.by_hand,
        True,
        tta.aligns_corners(model),
        (48, 48),
        (32, 32),
        52,
        inside=False,
        whole_to=0,
    )
    found = FusedSegmenter(model, protocol, block_network).scores(image[None])
    check(found, official.multi_scale(image.astype(float), protocol.scales))


@pytest.mark.parametrize("name", ["coco_stuff", "ade20k", "pascal_context_ocr"])
def test_short_side_rules(aligned_segmenter, block_network, name):
    image = draw_image(37, 50)
    protocol = load_protocol(
        name, short_side=52, long_side=52, window=(52, 52), scales=(0.5, 1.0, 1.5)
    )
    # 50 * 52 / 37 + 0.5 = 70.77; both sides go up to multiples of 8.
    prepared = np.round(bilinear(image.astype(float), (52, 70)))
    padded = np.empty((56, 72, 3))
    padded[:] = 124, 116, 104
    padded[:52, :70] = prepared
    official = Official(
        block_network.by_hand, True, True, (52, 52), (34, 34), 52, False, 0
    )
    expected = official.multi_scale(padded, protocol.scales)
    if name != "ade20k":
        expected = expected[:52, :70]
    found = FusedSegmenter(aligned_segmenter, protocol, block_network)
    check(found.scores(image[None]), bilinear(expected, (37, 50), True))
    labels = found.labels(image[None], (37, 50)).numpy()
    share = (labels[0] == bilinear(expected, (37, 50), True).argmax(-1)).mean()
    assert share > 0.999


def test_lip_rules(segmenter, block_network):
    image = draw_image(60, 44)
    protocol = load_protocol("lip", resize_to=(49, 53))
    warped = np.round(bilinear(image.astype(float), (49, 53)))
    official = Official(block_network.by_hand, True, False, None, None, 1, False, 0)
    found = FusedSegmenter(segmenter, protocol, block_network)
    expected = bilinear(official.inference(warped), (60, 44))
    scores = found.scores(image[None])[0].numpy()
    # Where a warped pixel lies between two grey levels, float32 may round it otherwise.
    np.testing.assert_allclose(scores, expected, rtol=2e-3)
    assert np.isclose(scores, expected, rtol=2e-4).mean() > 0.99
    # Without the swap of the sides the result would be another.
    assert (expected[..., 1] != expected[..., 2]).all()


def test_whole_images_are_not_exponentiated(model, block_network):
    images = np.stack([draw_image(30, 41, seed) for seed in range(3)])
    found = FusedSegmenter(model, None, block_network)
    align = tta.aligns_corners(model)
    logits = np.stack([whole_logits(block_network.by_hand, i, align) for i in images])
    np.testing.assert_allclose(found.logits(images), logits, atol=1e-5)
    assert (found.labels(images).numpy() == logits.argmax(-1)).mean() > 0.999
    labels, shares = found.predict(images)
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    probabilities = powers.max(-1) / powers.sum(-1)
    np.testing.assert_allclose(shares, probabilities, rtol=1e-4)
    np.testing.assert_array_equal(labels, found.labels(images))


def test_a_real_network_at_two_scales(segmenter):
    image = draw_image(48, 64)
    protocol = SegmentationProtocol(scales=(1.0, 1.5), flip=True)
    found = FusedSegmenter(segmenter, protocol).scores(image[None])

    def network(pixels):
        return segmenter(pixels[None], training=False).numpy()[0]

    official = Official(network, True, False, None, None, 64, True, 9)
    check(found, official.multi_scale(image.astype(float), (1.0, 1.5)))


def test_the_main_output_of_object_contextual_networks():
    model = make_segmenter(ocr=True)
    image = draw_image(32, 64)[None]
    found = FusedSegmenter(model).logits(image)
    expected = bilinear(model(image, training=False)["main"].numpy()[0], (32, 64), True)
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


def test_huge_logits_stay_finite(segmenter):
    protocol = SegmentationProtocol(scales=(0.5, 1.0))

    def network(images):
        cells = [math.ceil(side / 4) for side in images.shape[1:3]]
        return np.full((1, *cells, 4), [1e4, -1e4, 0, 1], np.float32)

    labels, shares = FusedSegmenter(segmenter, protocol, network).predict(
        draw_image(32, 32)[None]
    )
    assert not labels.numpy().any()
    assert np.isfinite(shares).all()


def test_spans():
    assert tta.spans(100, 48, 32, False) == [(0, 48), (32, 80), (64, 100)]
    assert tta.spans(100, 48, 48, True) == [(0, 48), (48, 96), (52, 100)]
    assert tta.spans(30, 48, 32, True) == [(0, 30)]
    assert tta.spans(48, 48, 32, False) == [(0, 48)]


@pytest.mark.parametrize(
    ("size", "scale", "long_side", "expected"),
    [
        ((1024, 2048), 0.75, 2048, (768, 1536)),
        ((375, 500), 1.0, 520, (390, 520)),
        ((500, 375), 1.25, 520, (650, 488)),
        ((33, 21), 0.5, None, (17, 11)),
    ],
)
def test_scaled_size(size, scale, long_side, expected):
    assert tta.scaled_size(size, scale, long_side) == expected


def test_a_network_of_one_size():
    model = make_segmenter(image_size=(32, 64))
    with pytest.raises(ValueError, match=r"images of 32x64 px .*Received: 48x64"):
        FusedSegmenter(model).labels(draw_image(48, 64)[None])
    free = tta.at_image_size(model)
    assert tta.at_image_size(free) is free
    image = draw_image(32, 64)[None]
    np.testing.assert_allclose(
        FusedSegmenter(free).logits(image), FusedSegmenter(model).logits(image), 1e-4
    )
    assert FusedSegmenter(free).labels(draw_image(48, 64)[None]).shape == (1, 48, 64)


def test_wrong_models():
    with pytest.raises(ValueError, match="Received: HRNetBackbone, which gives no map"):
        FusedSegmenter(HRNetBackbone.from_preset("hrnet_test"))
    with pytest.raises(ValueError, match="has include_preprocessing=False"):
        FusedSegmenter(make_segmenter(include_preprocessing=False))
    unnamed = make_segmenter(label_set=None)
    FusedSegmenter(unnamed)
    with pytest.raises(ValueError, match="has label_set=None. Build it with"):
        FusedSegmenter(unnamed, SegmentationProtocol(flip=True))


def test_classes_that_have_no_side_stay():
    names = LabelSet("plain", ("a", "b", "c", "d")).to_dict()
    assert tta.flip_indices(make_segmenter(label_set=names)) == (0, 1, 2, 3)
