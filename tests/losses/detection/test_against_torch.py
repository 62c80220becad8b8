"""Targets and losses are torchvision's and mmdetection's, where these are installed."""

import sys
import types

import detection_cases as cases
import numpy as np
import pytest

from hrnet_tf.losses.detection import points, proposals, regions, rules
from hrnet_tf.losses.detection.matching import MatchRule, match
from hrnet_tf.losses.detection.overlap import overlap

pytestmark = pytest.mark.slow
NUM_CLASSES = 4
THEIR_NAMES = {"class_loss": "cls", "box_loss": "bbox", "centerness_loss": "centerness"}
# All boxes are taken.
ALL = {"anchor_samples": 4000, "anchor_beta": 1 / 9}


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("torchvision", reason="torchvision is not installed")
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def mmdet(torch):
    """mmdetection without its compiled operations, which targets do not need."""
    pytest.importorskip("mmdet", reason="mmdetection is not installed")

    class Anything(types.ModuleType):
        __path__ = []

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return type(name, (), {})

    parts = ("nms", "roi_align", "carafe", "merge_cells", "modulated_deform_conv")
    for name in ("mmcv.ops", *(f"mmcv.ops.{part}" for part in parts)):
        sys.modules.setdefault(name, Anything(name))
    from mmcv.cnn.bricks import transformer

    transformer.MultiScaleDeformableAttention = object
    import mmdet.models

    return mmdet.models


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def truths(rng):
    return cases.make_truths(rng, mask_size=112)


@pytest.fixture
def apart(truths):
    """Objects with room between them: torchvision leaves a box that is forced with the
    object that it overlaps most."""
    boxes = [(4, 4, 28, 22), (40, 6, 58, 30), (66, 30, 92, 60), (6, 34, 30, 62)]
    boxes = np.float32([*boxes, (70, 2, 92, 20), (0, 0, 0, 0)])
    return truths._replace(boxes=np.stack([boxes, boxes]))


def objects(torch, truths, b):
    """Boxes and classes of one image, without padding."""
    present = np.asarray(truths.present)[b]
    boxes = np.asarray(truths.boxes)[b][present]
    classes = np.asarray(truths.classes)[b][present]
    return torch.tensor(boxes), torch.tensor(classes).long()


def everything(size):
    """Keys that leave the order as it is."""
    return np.linspace(0.9, 0.1, size, dtype=np.float32)[None].repeat(2, 0)


class TestTorchvision:
    def test_overlaps(self, torch, rng):
        from torchvision.ops import box_iou, generalized_box_iou_loss

        a, b = (cases.draw_boxes(rng, (50,)) for _ in range(2))
        expected = box_iou(torch.tensor(a), torch.tensor(b))
        np.testing.assert_allclose(overlap(a[:, None], b), expected, atol=1e-6)
        middle = np.tile([[48.0, 32.0]], (50, 1)).astype(np.float32)
        around = [np.abs(x - np.tile(middle, 2)) + 0.1 for x in (a, b)]
        boxes = [
            torch.tensor(np.concatenate([middle - d[:, :2], middle + d[:, 2:]], 1))
            for d in around
        ]
        expected = generalized_box_iou_loss(*boxes)
        found = points.box_costs(*around, "giou")
        np.testing.assert_allclose(found, expected, atol=1e-5)

    @pytest.mark.parametrize("forced", [False, True])
    def test_matcher(self, torch, rng, apart, forced):
        from torchvision.models.detection._utils import Matcher

        truths = apart
        anchors = np.concatenate(cases.make_anchors())
        # torchvision forces the best of an object however small.
        rule = MatchRule(0.7, 0.3, 1e-6 if forced else None)
        found = match(anchors[None], truths.boxes, truths.present, rule)
        for b in range(2):
            ious = overlap(objects(torch, truths, b)[0].numpy()[:, None], anchors)
            matches = Matcher(0.7, 0.3, forced)(torch.tensor(ious.numpy())).numpy()
            labels = np.where(matches >= 0, 1, np.where(matches == -1, 0, -1))
            np.testing.assert_array_equal(found.labels[b], labels)
            positive = labels == 1
            assert positive.sum() > 2 or not forced
            np.testing.assert_array_equal(
                found.indices.numpy()[b][positive], matches[positive]
            )

    def test_proposal_losses(self, torch, rng, apart):
        from torchvision.models.detection.rpn import RegionProposalNetwork

        truths = apart
        anchors = np.concatenate(cases.make_anchors())
        scores = rng.normal(0, 3, (2, len(anchors))).astype(np.float32)
        deltas = rng.normal(0, 0.3, (2, len(anchors), 4)).astype(np.float32)
        network = RegionProposalNetwork(
            *(None, None, 0.7, 0.3, 4000, 0.5, {}, {}, 0.7), 0.0
        )
        targets = [{"boxes": objects(torch, truths, b)[0]} for b in range(2)]
        both = [torch.tensor(anchors)] * 2
        labels, matched = network.assign_targets_to_anchors(both, targets)
        wanted = network.box_coder.encode(matched, both)
        expected = network.compute_loss(
            torch.tensor(scores).reshape(-1, 1),
            torch.tensor(deltas).reshape(-1, 4),
            labels,
            wanted,
        )
        rule = rules.TwoStageRule(anchor_match=MatchRule(0.7, 0.3, 1e-6), **ALL)
        found = proposals.proposal_losses(
            *(scores, deltas, anchors, np.ones(scores.shape, bool), truths, rule),
            *(cases.encode, everything(len(anchors))),
        )
        found = list(cases.means(found).values())
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_region_losses(self, torch, rng, truths):
        from torchvision.models.detection import _utils, roi_heads

        boxes = cases.draw_boxes(rng, (2, 300))
        chosen = regions.draw_regions(
            *(boxes, np.ones((2, 300), bool), truths, MatchRule(0.5, 0.5)),
            *(700, 0.5, NUM_CLASSES, everything),
        )
        heads = roi_heads.RoIHeads(
            *(None, None, None, 0.5, 0.5, 700, 0.5, None, 0.05, 0.5, 100)
        )
        heads.box_coder = _utils.BoxCoder((1.0, 1.0, 1.0, 1.0))
        targets = []
        for b in range(2):
            found, classes = objects(torch, truths, b)
            targets.append({"boxes": found, "labels": classes + 1})
        taken, _, labels, wanted = heads.select_training_samples(
            [torch.tensor(x) for x in boxes], targets
        )
        # torchvision puts objects' boxes last, and the background first.
        logits = rng.normal(size=(2, 700, NUM_CLASSES + 1)).astype(np.float32)
        deltas = rng.normal(size=(2, 700, NUM_CLASSES, 4)).astype(np.float32)
        theirs = {"logits": [], "deltas": []}
        for b in range(2):
            mine = np.asarray(chosen.boxes)[b]
            same = (taken[b].numpy()[:, None] == mine).all(-1)
            assert same.any(1).all()
            assert np.asarray(chosen.valid)[b].sum() == len(taken[b])
            place = same.argmax(1)
            their_classes = (labels[b].numpy() - 1) % (NUM_CLASSES + 1)
            np.testing.assert_array_equal(
                np.asarray(chosen.classes)[b][place], their_classes
            )
            theirs["logits"].append(np.roll(logits[b][place], 1, axis=-1))
            theirs["deltas"].append(np.pad(deltas[b][place], [(0, 0), (1, 0), (0, 0)]))
        expected = roi_heads.fastrcnn_loss(
            torch.tensor(np.concatenate(theirs["logits"])),
            torch.tensor(np.concatenate(theirs["deltas"])).flatten(1),
            labels,
            wanted,
        )
        found = regions.region_losses(
            logits, deltas, chosen, truths, 1 / 9, cases.encode
        )
        found = list(cases.means(found).values())
        np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_mask_targets(self, torch, rng, truths):
        from torchvision.ops import roi_align

        indices = rng.integers(0, 3, (2, 20)).astype(np.int32)
        owners = np.take_along_axis(np.asarray(truths.boxes), indices[..., None], 1)
        boxes = owners + rng.normal(0, 3, owners.shape).astype(np.float32)
        found = regions.mask_targets(boxes, indices, truths, 28).numpy()
        for b in range(2):
            for box, owner, mask in zip(boxes[b], owners[b], found[b], strict=True):
                # The picture in which the mask's cells are pixels, and a border.
                number = np.flatnonzero((np.asarray(truths.boxes)[b] == owner).all(1))
                whole = np.pad(np.asarray(truths.masks)[b, number[0]], 112)
                spans = np.tile(owner[2:] - owner[:2], 2)
                region = (box - np.tile(owner[:2], 2)) / spans * 112 + 112
                expected = roi_align(
                    torch.tensor(whole, dtype=torch.float32)[None, None],
                    torch.tensor(np.r_[0, region])[None].float(),
                    *((28, 28), 1.0, 2, True),
                )[0, 0].numpy()
                clear = abs(expected - 0.5) > 1e-4
                np.testing.assert_array_equal((expected >= 0.5)[clear], mask[clear])

    def test_focal_loss(self, torch, rng):
        from torchvision.ops import sigmoid_focal_loss

        logits = rng.normal(0, 20, (2, 50, NUM_CLASSES)).astype(np.float32)
        classes = rng.integers(-1, NUM_CLASSES, (2, 50)).astype(np.int32)
        labels = np.eye(NUM_CLASSES + 1, dtype=np.float32)[classes][..., :-1]
        expected = sigmoid_focal_loss(
            torch.tensor(logits), torch.tensor(labels), 0.25, 2.0, "sum"
        )
        found = points.focal_sum(logits, classes, 0.25, 2.0)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def instances(torch, **tensors):
    from mmengine.structures import InstanceData

    return InstanceData(**tensors)


class TestMmdetection:
    @pytest.mark.parametrize(
        "rule",
        [
            MatchRule(0.7, 0.3, 0.3),
            MatchRule(0.5, 0.5),
            MatchRule(0.6, 0.6, 0.6),
            MatchRule(0.5, 0.4, 0.1, crowd_share=0.4),
        ],
    )
    def test_assigner(self, torch, mmdet, rng, rule):
        from mmdet.models.task_modules.assigners import MaxIoUAssigner

        labels = cases.make_labels(rng, (20, 25), rows=30)
        crowd = labels["crowd"]
        crowd[:, 3:6] = True
        truths = cases.read_labels(labels)
        boxes = cases.draw_boxes(rng, (2, 500))
        # Whole numbers, of which several overlap an object alike.
        boxes = np.round(boxes / 4) * 4
        found = match(boxes, truths.boxes, truths.present, rule, crowd=truths.crowd)
        assigner = MaxIoUAssigner(
            rule.positive,
            rule.negative,
            min_pos_iou=rule.forced or 0.0,
            match_low_quality=rule.forced is not None,
            ignore_iof_thr=-1 if rule.crowd_share is None else rule.crowd_share,
        )
        for b in range(2):
            places = np.flatnonzero(np.asarray(truths.present)[b])
            there, classes = objects(torch, truths, b)
            regions_of_many = torch.tensor(labels["boxes"][b][crowd[b]])
            result = assigner.assign(
                instances(torch, priors=torch.tensor(boxes[b])),
                instances(torch, bboxes=there, labels=classes),
                instances(torch, bboxes=regions_of_many),
            ).gt_inds.numpy()
            np.testing.assert_array_equal(found.labels[b], np.sign(result))
            positive = result > 0
            assert positive.sum() > 5
            np.testing.assert_array_equal(
                found.indices.numpy()[b][positive], places[result[positive] - 1]
            )

    @pytest.mark.parametrize("center_radius", [None, 1.5])
    @pytest.mark.parametrize("counts", [(3, 5), (0, 4), (0, 0)])
    def test_point_losses(self, torch, mmdet, rng, center_radius, counts):
        strides = cases.STRIDES
        limits = ((-1.0, 24.0), (24.0, 1e8))
        head = mmdet.FCOSHead(
            *(NUM_CLASSES, 8),
            strides=strides,
            feat_channels=32,
            regress_ranges=limits,
            center_sampling=center_radius is not None,
            center_sample_radius=center_radius or 1.5,
        )
        truths = cases.make_truths(rng, counts)
        shapes = [[side // s for side in cases.IMAGE_SIZE] for s in strides]
        outputs = [
            [rng.normal(size=(2, *s, NUM_CLASSES)).astype(np.float32) for s in shapes],
            [rng.uniform(1, 40, (2, *s, 4)).astype(np.float32) for s in shapes],
            [rng.normal(size=(2, *s, 1)).astype(np.float32) for s in shapes],
        ]
        theirs = [
            [torch.tensor(x).permute(0, 3, 1, 2) for x in levels] for levels in outputs
        ]
        given = []
        for b in range(2):
            boxes, classes = objects(torch, truths, b)
            given.append(instances(torch, bboxes=boxes, labels=classes))
        expected = head.loss_by_feat(*theirs, given, [{}, {}])
        places = head.prior_generator.grid_priors(shapes, torch.float32, "cpu")
        sizes = [len(x) for x in places]
        rule = rules.PointRule(center_radius=center_radius)
        targets = points.point_targets(
            np.concatenate([x.numpy() for x in places]),
            np.repeat(np.float32(limits), sizes, axis=0),
            np.repeat(np.float32(strides), sizes),
            truths,
            rule,
        )
        flat = [
            np.concatenate([x.reshape(2, -1, x.shape[-1]) for x in levels], axis=1)
            for levels in outputs
        ]
        found = cases.means(
            points.point_losses(flat[0], flat[1], flat[2][..., 0], targets, rule)
        )
        if any(counts):
            assert (np.asarray(targets.classes) >= 0).sum() > 3
            names = ("class_loss", "box_loss", "centerness_loss")
        else:
            # Theirs adds up the boxes there, for the graph.
            assert found["box_loss"] == found["centerness_loss"] == 0
            names = ("class_loss",)
        for name in names:
            wanted = expected[f"loss_{THEIR_NAMES[name]}"]
            np.testing.assert_allclose(found[name], wanted, rtol=2e-5, err_msg=name)
