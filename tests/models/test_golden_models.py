"""Every model gives the official code's outputs for the same weights and input."""

import json

import keras
import numpy as np
import pytest
from draw_tensor import draw_tensor
from slow_params import cases

import hrnet_tf

CASES = {
    "pose_w32_256x192": ("HRNetPose", "hrnet_w32", {}),
    "pose_resnet50": ("SimpleBaselinePose", "resnet50", {}),
    "cls_w18_small_v1": ("HRNetClassifier", "hrnet_w18_small_v1", {}),
    "cls_w18_small_v2": ("HRNetClassifier", "hrnet_w18_small_v2", {}),
    "cls_w18": ("HRNetClassifier", "hrnet_w18", {}),
    "face_w18_wflw": ("HRNetLandmarks", "hrnet_w18", {}),
    "seg_v11_w18_small_v2": ("HRNetSegmenter", "hrnet_w18_small_v2", {}),
    # The plain network of the object-contextual branch: its published
    # configurations set ALIGN_CORNERS to False.
    "seg_w18_19classes": ("HRNetSegmenter", "hrnet_w18", {"momentum": 0.9}),
    "seg_ocr_w18_19classes": ("HRNetOCRSegmenter", "hrnet_w18", {}),
    "higher_hrnet_w32": ("HigherHRNetPose", "hrnet_w32", {}),
    "hrfpn_w18": ("HRNetFeaturePyramid", "hrnet_w18", {}),
}


def official_outputs(model, outputs):
    """Returns the outputs in the official order and form."""
    if isinstance(model, hrnet_tf.HigherHRNetPose):
        quarter = keras.ops.concatenate(
            [outputs["heatmaps_quarter"], outputs["tags"]], axis=-1
        )
        return [quarter, outputs["heatmaps_half"]]
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]


def read(golden, name):
    content = json.loads((golden / "models" / f"{name}.json").read_text())
    tensors = {n: draw_tensor(n, shape) for n, shape in content["state_dict"]}
    return content, tensors


QUICK = (
    "pose_w32_256x192",
    "seg_v11_w18_small_v2",
    "cls_w18_small_v1",
    "pose_resnet50",
)


@pytest.mark.parametrize("name", cases(list(CASES), QUICK))
def test_outputs_are_the_official_ones(golden, name):
    content, tensors = read(golden, name)
    class_name, preset, arguments = CASES[name]
    model = getattr(hrnet_tf, class_name).from_preset(
        preset, include_preprocessing=False, **arguments
    )
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert count == content["trainable_parameters"]
    report = hrnet_tf.load_torch_weights(model, tensors)
    assert report.num_assigned == len(model.weights)
    assert not report.missing

    rng = np.random.default_rng(content["input_seed"])
    images = rng.normal(0, 1, content["input_shape_nhwc"]).astype("float32")
    outputs = official_outputs(model, model(images, training=False))
    with np.load(golden / "models" / f"{name}.npz") as archive:
        expected = [archive[f"output_{i}"] for i in range(len(outputs))]
        assert len(archive.files) == len(outputs)
    for ours, theirs in zip(outputs, expected, strict=True):
        error = np.abs(np.array(ours) - theirs).max() / np.abs(theirs).max()
        # The goal is 1e-4; float32's rounding leaves about 1e-6.
        assert error < 1e-5, f"{name}: {error:.1e}"
