"""The Stacked Hourglass against both PyTorch versions of the paper's network."""

import json
import re

import numpy as np
import pytest
from draw_tensor import draw_tensor
from slow_params import cases

import hrnet_tf
from hrnet_tf.models import counting

# The golden file, and the channels of the residual blocks before the first hourglass.
STEMS = {"princeton": (128, 128, 256), "bearpaw": (128, 256, 256)}
NAMES = (
    "princeton_2",
    "princeton_1",
    "princeton_8",
    "bearpaw_1",
    "bearpaw_2",
    "bearpaw_8",
)
LEAVES = {
    "weight": "kernel",
    "bias": "bias",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def princeton_layer(name, count):
    """Our path of a layer of the authors' code, without what a layer does not run."""
    name = re.sub(r"\.conv$", "", re.sub(r"\.conv\.conv$", ".conv", name))
    name = re.sub(r"^pre\.0(\.bn)?$", lambda m: f"stem_conv/{_part(m)}", name)
    for k, place in enumerate((1, 3, 4)):
        name = re.sub(rf"^pre\.{place}\.", f"stem_block{k}/", name)
    match = re.match(r"hgs\.(\d+)\.0((?:\.(?:up1|low\d))+)\.", name)
    if match:
        steps = match[2].strip(".").split(".")
        level = sum(step == "low2" for step in steps[:-1])
        where = {"up1": "branch", "low1": "down", "low3": "up"}.get(steps[-1])
        part = f"{where}{level}" if where else "middle"
        name = f"stack{match[1]}_hourglass/{part}/{name[match.end() :]}"
    name = re.sub(r"^features\.(\d+)\.0\.", r"stack\1_block/", name)
    name = re.sub(
        r"^features\.(\d+)\.1(\.bn)?$", lambda m: f"stack{m[1]}_conv/{_part(m)}", name
    )
    name = re.sub(r"^outs\.(\d+)$", lambda m: head(int(m[1]), count), name)
    name = re.sub(r"^merge_features\.(\d+)$", r"stack\1_merge_features", name)
    name = re.sub(r"^merge_preds\.(\d+)$", r"stack\1_merge_heatmaps", name)
    return re.sub(r"/bn(\d)$", r"/norm\1", name).replace("skip_layer", "projection")


def bearpaw_layer(name, count):
    """Our path of a layer of pytorch-pose."""
    name = re.sub(r"^conv1$", "stem_conv/conv", name)
    name = re.sub(r"^bn1$", "stem_conv/norm", name)
    for k in range(3):
        name = re.sub(rf"^layer{k + 1}\.0\.", f"stem_block{k}/", name)
    match = re.match(r"hg\.(\d+)\.hg\.(\d)\.(\d)\.0\.", name)
    if match:
        level = 3 - int(match[2])
        part = ("branch", "down", "up")[int(match[3])] if match[3] != "3" else "middle"
        part += "" if part == "middle" else str(level)
        name = f"stack{match[1]}_hourglass/{part}/{name[match.end() :]}"
    name = re.sub(r"^res\.(\d+)\.0\.", r"stack\1_block/", name)
    name = re.sub(r"^fc\.(\d+)\.0$", r"stack\1_conv/conv", name)
    name = re.sub(r"^fc\.(\d+)\.1$", r"stack\1_conv/norm", name)
    name = re.sub(r"^score\.(\d+)$", lambda m: head(int(m[1]), count), name)
    name = re.sub(r"^fc_\.(\d+)$", r"stack\1_merge_features", name)
    name = re.sub(r"^score_\.(\d+)$", r"stack\1_merge_heatmaps", name)
    return re.sub(r"/bn(\d)$", r"/norm\1", name).replace("downsample.0", "projection")


def head(k, count):
    return "head" if k == count - 1 else f"stack{k}_head"


def _part(match):
    return "norm" if match[match.lastindex or 0].endswith(".bn") else "conv"


def fill(model, content, layer):
    """Draws the weights of a model by the names of the other code; counts them."""
    variables = {variable.path: variable for variable in model.variables}
    filled = set()
    for name, shape in content["state_dict"]:
        stem, _, leaf = name.rpartition(".")
        place = layer(stem, content["stacks"])
        names = [LEAVES.get(leaf)]
        if "norm" in place.rpartition("/")[2]:
            names = [{"weight": "gamma", "bias": "beta"}.get(leaf, names[0])]
        variable = variables.get(f"{place}/{names[0]}")
        if variable is None:
            # Counters, and shortcuts that the authors' code holds and does not use.
            assert leaf == "num_batches_tracked" or "skip_layer" in name, name
            continue
        array = draw_tensor(name, shape)
        axes = (2, 3, 1, 0) if array.ndim == 4 else (0,)
        variable.assign(array.transpose(axes))
        filled.add(variable.path)
    assert filled == set(variables)


@pytest.mark.parametrize("name", cases(NAMES, ()))
def test_outputs_are_those_of_the_other_code(golden, name):
    path = golden / "comparison" / f"newell_{name}"
    content = json.loads(path.with_suffix(".json").read_text())
    whose, count = name.split("_")
    model = hrnet_tf.StackedHourglassPose.from_preset(
        f"hourglass_{count}",
        load_weights=False,
        stem_filters=STEMS[whose],
        image_size=tuple(content["input_shape_nhwc"][1:3]),
        include_preprocessing=False,
    )
    parameters = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert parameters == content["parameters_of_layers_that_run"]
    fill(model, content, princeton_layer if whose == "princeton" else bearpaw_layer)
    rng = np.random.default_rng(content["input_seed"])
    images = rng.normal(0, 1, content["input_shape_nhwc"]).astype("float32")
    outputs = model(images, training=False)
    outputs = list(outputs.values()) if isinstance(outputs, dict) else [outputs]
    with np.load(path.with_suffix(".npz")) as archive:
        # Of eight stacks the last alone is kept; of all the largest values.
        assert f"output_{len(outputs) - 1}" in archive.files
        for name, wanted in archive.items():
            found = np.array(outputs[int(name.removeprefix("output_"))])
            error = np.abs(found[..., [0, 5, 16]] - wanted).max()
            assert error < 1e-4 * np.abs(wanted).max()
    largest = [float(np.abs(found).max()) for found in outputs]
    np.testing.assert_allclose(largest, content["max_abs"], rtol=1e-4)


def test_counts_are_those_of_the_other_code(golden):
    for count in (1, 2, 8):
        path = golden / "comparison" / f"newell_princeton_{count}.json"
        content = json.loads(path.read_text())
        size = tuple(content["macs_input_hw"])
        preset = f"hourglass_{count}"
        found = counting.count_parameters("StackedHourglassPose", preset)
        assert found == content["parameters_of_layers_that_run"]
        found = counting.count_macs("StackedHourglassPose", preset, size)
        assert found == content["macs"]
    # The paper says 25.1 million of eight stacks.
    assert content["parameters_of_layers_that_run"] == 25437960


@pytest.mark.slow
def test_a_saved_model_loads_equal(tmp_path):
    model = hrnet_tf.StackedHourglassPose(
        num_keypoints=3,
        image_size=(32, 64),
        num_stacks=2,
        depth=1,
        stem_filters=(8, 8, 16),
    )
    model.save(tmp_path / "model.keras")
    loaded = hrnet_tf.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(0).uniform(0, 255, (1, 32, 64, 3))
    found, wanted = loaded(images), model(images)
    assert list(found) == ["stack0", "main"]
    assert found["main"].shape == (1, 8, 16, 3)
    for name in found:
        np.testing.assert_array_equal(found[name], wanted[name])
    assert loaded.get_config() == model.get_config()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"image_size": (128, 96)}, r"depth 4 .* by 64\. .*\(128, 96\)"),
        ({"image_size": None}, "image_size=None"),
        ({"num_stacks": 0}, "num_stacks=0"),
    ],
)
def test_errors_say_what_arrived(arguments, text):
    with pytest.raises(ValueError, match=text):
        hrnet_tf.StackedHourglassPose(**arguments)
