"""Anchors, box coding, RoIAlign and suppression against torchvision's.

They need torchvision beside PyTorch, which the extra "bench" installs.
"""

import numpy as np
import pytest

from hrnet_tf.layers.detection.anchors import make_anchors
from hrnet_tf.layers.detection.box_coding import clip_boxes, decode_boxes, encode_boxes
from hrnet_tf.layers.detection.convention import CONVENTIONS
from hrnet_tf.layers.detection.nms import suppress, suppress_flat
from hrnet_tf.layers.detection.roi_align import roi_align

pytestmark = pytest.mark.slow
REASON = "torchvision is not installed here (pip install torch torchvision)"
MMDET, OFFICIAL = CONVENTIONS["mmdet"], CONVENTIONS["official"]


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason=REASON)


@pytest.fixture(scope="module")
def ops():
    return pytest.importorskip("torchvision.ops", reason=REASON)


def draw_boxes(rng, *shape, spread=400.0, grid=None):
    """Boxes inside, outside and across the border, thin, empty and reversed ones."""
    corners = rng.uniform(-60, spread, (*shape, 2))
    sizes = np.exp(rng.uniform(-2, 6, (*shape, 2)))
    boxes = np.concatenate([corners, corners + sizes], -1)
    if grid:
        boxes = np.round(boxes / grid) * grid
    boxes[..., :4, :] = [
        [0, 0, 0, 0],
        [10, 10, 10, 300],
        [90, 80, 20, 10],
        [-900, -900, -700, -800],
    ]
    return boxes.astype("float32")


@pytest.mark.parametrize("rules", [MMDET, OFFICIAL], ids=["mmdet", "official"])
def test_roi_align(torch, ops, rules):
    rng = np.random.default_rng(0)
    level = rng.normal(size=(2, 50, 66, 8)).astype("float32")
    boxes = draw_boxes(rng, 2, 200)
    if not rules.aligned:
        # torchvision makes smaller ones a cell wide, which the published code does not.
        sizes = np.maximum(boxes[..., 2:] - boxes[..., :2], 8)
        boxes = np.concatenate([boxes[..., :2], boxes[..., :2] + sizes], -1)
    whole = boxes + np.array([0, 0, rules.extent, rules.extent], "float32")
    for size in (7, 14):
        ours = np.array(roi_align([level], boxes, [8], size, rules))
        theirs = ops.roi_align(
            torch.from_numpy(level).permute(0, 3, 1, 2),
            [torch.from_numpy(x) for x in whole],
            size,
            1 / 8,
            rules.samples or 0,
            rules.aligned,
        )
        theirs = theirs.permute(0, 2, 3, 1).numpy().reshape(ours.shape)
        error = np.abs(ours - theirs).max()
        print(f"RoIAlign, {rules.name}, {size} bins: {error:.1e}")
        assert error < 5e-5


@pytest.mark.parametrize("overlap", [0.1, 0.3, 0.5, 0.6, 0.7, 0.9])
def test_suppression(torch, ops, overlap):
    rng = np.random.default_rng(1)
    # Whole numbers, for overlaps at the very threshold; few scores, for ties.
    boxes = draw_boxes(rng, 1500, grid=5)[4:]
    tens = np.array([[0, 0, 10, 10], [0, 0, 10, 10 * overlap]]) + 2000
    boxes = np.concatenate([boxes, tens]).astype("float32")
    scores = rng.integers(1, 20, len(boxes)).astype("float32") / 20
    indices, valid = suppress(boxes[None], scores[None], overlap, len(boxes))
    ours = np.array(indices)[np.array(valid)]
    theirs = ops.nms(torch.from_numpy(boxes), torch.from_numpy(scores), overlap)
    np.testing.assert_array_equal(ours, theirs.numpy())


@pytest.mark.parametrize("class_offsets", [True, False])
def test_suppression_by_class(torch, ops, class_offsets):
    rng = np.random.default_rng(2)
    boxes = draw_boxes(rng, 1000, grid=4)[4:]
    # Classes that are suppressed one by one leave equal scores in no order.
    scores = rng.permutation(len(boxes)).astype("float32")
    classes = rng.integers(0, 5, len(boxes)).astype("int32")
    rules = MMDET if class_offsets else OFFICIAL
    kept = suppress_flat(boxes[None], scores[None], classes[None], 5, 0.5, 996, rules)
    ours = np.array(kept.scores)[np.array(kept.valid)]
    whole = boxes + np.array([0, 0, rules.extent, rules.extent], "float32")
    theirs = ops.batched_nms(
        *map(torch.from_numpy, (whole, scores, classes)), iou_threshold=0.5
    )
    np.testing.assert_array_equal(ours, scores[theirs.numpy()])


def test_box_coding(torch):
    detection = pytest.importorskip("torchvision.models.detection", reason=REASON)
    rng = np.random.default_rng(3)
    boxes = np.abs(draw_boxes(rng, 500))[4:]
    boxes[:, 2:] += boxes[:, :2] + 1
    goals = np.roll(boxes, 1, 0)
    coder = detection._utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
    stds = (0.1, 0.1, 0.2, 0.2)
    ours = np.array(encode_boxes(boxes, goals, MMDET, stds))
    theirs = coder.encode_single(torch.from_numpy(goals), torch.from_numpy(boxes))
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-4)
    # torchvision's limit of sizes is the same on one side, and none on the other.
    deltas = rng.normal(0, 1.5, (496, 4)).astype("float32")
    ours = np.array(decode_boxes(boxes, deltas, MMDET, stds))
    theirs = coder.decode_single(torch.from_numpy(deltas), torch.from_numpy(boxes))
    np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-3)


def test_clipping(torch, ops):
    boxes = draw_boxes(np.random.default_rng(4), 300)
    ours = clip_boxes(boxes, np.array([[200, 310]], "float32"), MMDET)
    theirs = ops.clip_boxes_to_image(torch.from_numpy(boxes), (200, 310))
    np.testing.assert_array_equal(ours, theirs.numpy())


def test_anchors(torch):
    """torchvision rounds its base anchors; between cells it goes as we do."""
    utils = pytest.importorskip(
        "torchvision.models.detection.anchor_utils", reason=REASON
    )
    image_list = pytest.importorskip("torchvision.models.detection.image_list")
    generator = utils.AnchorGenerator(((64,),), ((0.5, 1.0, 2.0),))
    images = image_list.ImageList(torch.zeros(1, 3, 104, 160), [(104, 160)])
    (theirs,) = generator(images, [torch.zeros(1, 4, 13, 20)])
    ours = np.array(make_anchors((13, 20), 8, MMDET)).reshape(-1, 4)
    assert np.abs(ours - theirs.numpy()).max() <= 0.5
    np.testing.assert_array_equal(np.array(theirs)[1::3], ours[1::3])
