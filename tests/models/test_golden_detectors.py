"""Detectors give what the published code gives for the same weights, stage by stage."""

import json

import numpy as np
import pytest
from draw_tensor import draw_tensor
from slow_params import cases

import hrnet_tf
from hrnet_tf.layers.detection.anchors import base_anchors, make_anchors, make_points
from hrnet_tf.models.two_stage import LEVELS, MASK_BINS, STRIDES

CASES = {
    "faster_rcnn_w18": ("HRNetFasterRCNN", "hrnet_w18", {}),
    "mask_rcnn_w18": ("HRNetFasterRCNN", "hrnet_w18", {"with_masks": True}),
    "cascade_rcnn_w18": ("HRNetCascadeRCNN", "hrnet_w18", {}),
}
# Of the largest value of what is compared.
CLOSENESS = 1e-4


class Golden:
    """A network with the weights of a golden, and what the published code gave."""

    def __init__(self, folder, name):
        self.facts = json.loads((folder / f"{name}.json").read_text())
        with np.load(folder / f"{name}.npz") as archive:
            self.arrays = {key: archive[key] for key in archive}
        class_name, preset, arguments = CASES.get(name, ("HRNetFCOS", "hrnet_w32", {}))
        self.model = getattr(hrnet_tf, class_name).from_preset(
            preset, load_weights=False, include_preprocessing=False, **arguments
        )
        tensors = {n: draw_tensor(n, shape) for n, shape in self.facts["state_dict"]}
        self.report = hrnet_tf.load_torch_weights(self.model, tensors)
        self.errors = {}
        rng = np.random.default_rng(self.facts["input_seed"])
        shape = self.facts["input_shape_nhwc"]
        self.images = rng.normal(0, 1, shape).astype("float32")
        self.sizes = np.array([shape[1:3]], "float32")

    def compare(self, stage, ours, names, exact=False):
        """Asserts that a list of arrays is that of the golden."""
        worst = 0.0
        for array, name in zip(ours, names, strict=True):
            wanted = self.arrays[name]
            array = np.array(array)
            assert array.shape == wanted.shape, (name, array.shape, wanted.shape)
            error = np.abs(array - wanted).max() / np.abs(wanted).max()
            worst = max(worst, float(error))
            assert error <= (0 if exact else CLOSENESS), f"{name}: {error:.1e}"
        self.errors[stage] = worst


def count(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize("name", cases(list(CASES), ("faster_rcnn_w18",)))
def test_two_stages(golden, name):
    case = Golden(golden / "detection", name)
    model, arrays = case.model, case.arrays
    assert count(model) == case.facts["trainable_parameters"]
    assert case.report.num_assigned == len(model.weights)
    assert not case.report.missing and not case.report.unused
    outputs = model(case.images, training=False)
    case.compare(
        "pyramid",
        [outputs[level][:, :8, :8, ::8] for level in LEVELS],
        [f"pyramid_{i}" for i in range(5)],
    )
    for part, ours in (("cls", "scores"), ("reg", "deltas")):
        case.compare(
            f"rpn {ours}",
            [outputs[f"rpn_{ours}_{level}"][:, :12, :12] for level in LEVELS],
            [f"rpn_{part}_{i}" for i in range(5)],
        )
    for i, (level, stride) in enumerate(zip(LEVELS, STRIDES, strict=True)):
        anchors = make_anchors(outputs[level].shape[1:3], stride, model.rules)
        anchors = np.array(anchors).reshape(-1, 4)
        ends = np.concatenate([anchors[:12], anchors[-6:]])
        base = base_anchors(stride, model.rules)
        case.compare(
            "anchors", [base, ends], [f"base_anchors_{i}", f"anchors_first_last_{i}"]
        )
    boxes, scores = model.proposals(outputs, case.sizes)
    assert np.isfinite(scores).sum() == case.facts["proposals"]
    assert not np.array(boxes)[0, case.facts["proposals"] :].any()
    case.compare("proposals", [boxes[0, :50]], ["proposal_boxes"])
    case.compare("proposals' scores", [scores[0, :50]], ["proposal_scores"])
    rois = np.array(boxes)[:, case.facts["roi_indices_in_proposals"]]
    case.compare("regions", [rois[0]], ["roi_boxes"])
    compare_regions(case, outputs)
    found = {k: np.array(v)[0] for k, v in model.detect(case.images).items()}
    compare_detections(case, found)
    if model.with_masks:
        mask_boxes = arrays["mask_boxes"][None]
        features = model.region_features(outputs, mask_boxes, MASK_BINS)
        case.compare("mask features", [features[0, ..., ::32]], ["mask_roi_features"])
        logits = model.mask_logits(outputs, mask_boxes)[0]
        labels = found["classes"][:2]
        logits = [np.array(logits)[i, ..., label] for i, label in enumerate(labels)]
        case.compare("mask logits", [np.stack(logits)], ["mask_logits_of_label"])
        case.compare("masks", [found["mask_logits"][:2]], ["mask_logits_of_label"])
    report(name, case.errors)


def compare_regions(case, outputs):
    model, arrays = case.model, case.arrays
    for title, step in (("roi", 4), ("hard_roi", 16)):
        rois = arrays[f"{title}_boxes"][None]
        features = model.region_features(outputs, rois)
        case.compare(
            f"{title} features", [features[0, ..., ::step]], [f"{title}_features"]
        )
    rois = arrays["roi_boxes"][None]
    stages = len(model.box_heads)
    for stage in range(stages):
        ending = f"_{stage}" if stages > 1 else ""
        logits, deltas = model.box_outputs(outputs, rois, stage)
        case.compare(f"classes{ending}", [logits[0]], [f"class_scores{ending}"])
        flat = np.array(deltas)[0].reshape(len(rois[0]), -1)
        case.compare(f"deltas{ending}", [flat], [f"deltas{ending}"])
        if stage < stages - 1:
            rois = model.refine(rois, deltas, case.sizes, stage)[:, :, 0]
            case.compare(f"boxes{ending}", [rois[0]], [f"roi_boxes_{stage + 1}"])


def compare_detections(case, found):
    """Boxes in the network's pixels, and in those of a smaller picture."""
    assert found["num_detections"] == case.facts["detections"]
    order = golden_order(case, found)
    boxes, scores, classes = (found[k][order] for k in ("boxes", "scores", "classes"))
    case.compare("boxes", [boxes], ["boxes"])
    case.compare("scores", [scores], ["scores"])
    np.testing.assert_array_equal(classes, case.arrays["labels"])
    factor = np.array(case.facts["meta_rescaled"]["scale_factor"] * 2)
    case.compare("rescaled boxes", [boxes / factor], ["boxes_rescaled"])
    case.compare("rescaled scores", [scores], ["scores_rescaled"])
    np.testing.assert_array_equal(classes, case.arrays["labels_rescaled"])


def golden_order(case, found):
    """The best detections' indices, where rounding alone decides as in the golden.

    Scores nearer to each other than the closeness asked of them come in an order that
    the processor's instructions choose: there each takes the place of its box.
    """
    wanted = case.arrays["scores"]
    near = CLOSENESS * wanted.max()
    order, begin = [], 0
    for end in range(1, len(wanted) + 1):
        if end == len(wanted) or wanted[end - 1] - wanted[end] > near:
            left = list(range(begin, end))
            for box in case.arrays["boxes"][begin:end]:
                distance = np.abs(found["boxes"][left] - box).max(-1)
                order.append(left.pop(int(distance.argmin())))
            begin = end
    return order


@pytest.mark.slow
def test_one_stage(golden):
    case = Golden(golden / "detection", "fcos_w32")
    model = case.model
    assert count(model) == case.facts["trainable_parameters"]
    assert case.report.num_assigned == len(model.weights)
    outputs = model(case.images, training=False)
    names = model.level_names
    case.compare(
        "pyramid",
        [outputs[level][:, :8, :8, ::8] for level in names],
        [f"pyramid_{i}" for i in range(5)],
    )
    for part, ours, step in (
        ("cls", "class_logits", 4),
        ("reg", "boxes", 1),
        ("centerness", "centerness", 1),
    ):
        case.compare(
            f"outputs {ours}",
            [outputs[f"{ours}_{level}"][:, :8, :8, ::step] for level in names],
            [f"{part}_{i}" for i in range(5)],
        )
    for i, (level, stride) in enumerate(zip(names, model.level_strides, strict=True)):
        points = make_points(outputs[level].shape[1:3], stride)
        points = np.array(points).reshape(-1, 2)
        wanted = case.arrays[f"points_first_last_{i}"]
        first = len(wanted) - 3
        ends = np.concatenate([points[:first], points[-3:]])
        np.testing.assert_array_equal(ends, wanted)
    found = {k: np.array(v)[0] for k, v in model.detect(case.images).items()}
    compare_detections(case, found)
    report("fcos_w32", case.errors)


def report(name, errors):
    print(f"\n{name}: largest error of each stage, of its largest value")
    for stage, error in errors.items():
        print(f"  {stage}: {error:.1e}")
