"""What is taken over from the weights of another network, and what is said of it."""

import functools
import json

import numpy as np
import pytest
from draw_tensor import draw_tensor
from safetensors.numpy import save_file

import hrnet_tf
from hrnet_tf.export.graphs import save_functions
from hrnet_tf.weights import download, transfer
from hrnet_tf.weights.export_torch import export_torch_state_dict
from hrnet_tf.weights.exported import EXTRA, MODEL_FILE, describe_model
from hrnet_tf.weights.kinds import KINDS, kind_of
from hrnet_tf.weights.sources import Source
from hrnet_tf.weights.transfer import start_from

FIVE = ("nose", "left_hand", "right_hand", "left_foot", "right_foot")
THREE = ("right_hand", "tail", "nose")
# Of which rows of THREE come from which of FIVE.
PAIRS = [(0, 2), (2, 0)]
CLASSES = ("nose", "road", "tree", "right_hand")
CLASS_PAIRS = [(0, 3), (2, 0)]


def keypoints(names):
    return {"num_keypoints": len(names), "keypoint_set": {"name": "x", "names": names}}


def labels(names):
    return {"num_classes": len(names), "label_set": {"name": "x", "classes": names}}


@functools.cache
def build(kind, *names):
    """A model whose outputs have these names; one object for the same arguments."""
    arguments = {"num_classes": len(names), "class_names": names}
    if kind in ("HRNetPose", "HRNetLandmarks"):
        arguments = keypoints(names)
    elif kind != "HRNetClassifier":
        arguments = labels(names)
    if "Segmenter" not in kind:
        # One of the two sizes, so that weights meet the other one too.
        arguments["image_size"] = (96, 64) if names == FIVE else (64, 64)
    return getattr(hrnet_tf, kind).from_preset("hrnet_test", **arguments)


def drawn(kind, count):
    """Official tensors of such a model with so many outputs, drawn by their names."""
    model = build(kind, *THREE)
    sized = KINDS[kind_of(model)].sized
    shapes = {n: a.shape for n, a in export_torch_state_dict(model).items()}
    return {
        name: draw_tensor(
            name, (count, *shape[1:]) if name.rpartition(".")[0] in sized else shape
        )
        for name, shape in shapes.items()
    }


def fresh(kind, *names):
    """Such a model, all of whose weights are 9."""
    model = build(kind, *names)
    for variable in model.weights:
        variable.assign(np.full(variable.shape, 9))
    return model


def check(model, source, pairs, sized, head=(), rows=()):
    """Checks every tensor of a model that was started from a source's tensors.

    Args:
        model: the model.
        source: dict of tensors.
        pairs: list of (row of the model, row of the source) of `sized`.
        sized: beginnings of the names of tensors with a row for each output.
        head: beginnings of the names of tensors that stay as they were.
        rows: the same, of the body.
    """
    for name, array in export_torch_state_dict(model).items():
        expected = np.full_like(array, 9)
        if name.startswith(sized):
            for ours, theirs in pairs:
                expected[ours] = source[name][theirs]
        elif not name.startswith((*head, *rows)):
            expected = source[name]
        np.testing.assert_array_equal(array, expected, err_msg=name)


@pytest.fixture
def five(tmp_path):
    """The descriptor file of FIVE."""
    path = tmp_path / "five.json"
    path.write_text(json.dumps({"names": FIVE}))
    return str(path)


class TestNames:
    def test_keypoints_of_a_keras_file(self, tmp_path):
        tensors = drawn("HRNetPose", 5)
        model = fresh("HRNetPose", *FIVE)
        hrnet_tf.load_torch_weights(model, tensors)
        model.save(tmp_path / "five.keras")
        model = fresh("HRNetPose", *THREE)
        report = start_from(model, tmp_path / "five.keras")
        check(model, tensors, PAIRS, "final_layer")
        assert report.carried == ("right_hand", "nose")
        assert report.fresh == ("tail",)
        assert report.layout == "HRNetPose of this package"
        assert report.num_body == len(model.weights) - 2
        assert (
            "head: 2 of 3 keypoints carried over by name: right_hand, nose; fresh: tail"
        ) in str(report)

    def test_plain_checkpoints_must_say_what_their_outputs_are(self, five):
        tensors = drawn("HRNetPose", 5)
        model = fresh("HRNetPose", *FIVE)
        report = start_from(model, tensors)
        check(model, tensors, [], "final_layer")
        assert report.carried == () and report.fresh == FIVE
        assert "do not say what their 5 keypoints are: state it" in report.head
        assert "or 'same' if they are this model's" in report.head
        report = start_from(model, (tensors, "same"))
        check(model, tensors, [(i, i) for i in range(5)], "final_layer")
        assert report.carried == FIVE and "fresh" not in report.head
        model = fresh("HRNetPose", *THREE)
        assert "'same'" not in start_from(model, tensors).head
        start_from(model, (tensors, five))
        check(model, tensors, PAIRS, "final_layer")

    def test_names_that_do_not_fit(self, five):
        tensors = drawn("HRNetPose", 3)
        model = fresh("HRNetPose", *FIVE)
        for names, count in ((five, 5), ("same", 5), ("coco", 17)):
            with pytest.raises(ValueError) as caught:
                start_from(model, (tensors, names))
            assert (
                f"The head of a mapping has 3 keypoints, but their names, as stated"
                f" ({names}), are {count}. Name all of them, in their order."
            ) in str(caught.value)
        check(model, {}, [], "", rows=("",))

    def test_no_name_in_common(self):
        source = (drawn("HRNetPose", 3), "mpii")
        with pytest.raises(ValueError, match="are 16"):
            start_from(fresh("HRNetPose", *THREE), source)
        tensors = drawn("HRNetPose", 16)
        report = start_from(fresh("HRNetPose", *THREE), (tensors, "mpii"))
        assert "fresh; none of its keypoints is among the weights' right_an" in str(
            report
        )
        assert "left_shoulder" not in report.head and "and 4 more" in report.head

    def test_published_weights_imply_their_names(self, tmp_path, monkeypatch):
        tensors = drawn("HRNetPose", 17)
        save_file(tensors, tmp_path / "coco.safetensors")
        asked = []

        def fetch(entry):
            asked.append(entry.name)
            return tmp_path / "coco.safetensors"

        monkeypatch.setattr(download, "fetch_weights", fetch)
        model = fresh("HRNetPose", *THREE)
        report = start_from(model, "hrnet_w32_coco_256x192")
        check(model, tensors, [(2, 0)], "final_layer")
        assert asked == ["hrnet_w32_coco_256x192"]
        assert report.source == "the published weights hrnet_w32_coco_256x192"
        assert report.fresh == ("right_hand", "tail")

    def test_published_segmentation_networks(self):
        from hrnet_tf.weights.outputs import output_names, published_arguments
        from hrnet_tf.weights.registry import names, published

        found = {
            name: output_names("segmenter", published_arguments(published(name)))
            for name in names()
            if published(name).model.endswith("Segmenter")
        }
        assert found["hrnet_w18_ocr_cityscapes_512x1024_40k"][:2] == (
            "road",
            "sidewalk",
        )
        assert found["hrnet_w48_pascal_context_480x480_40k"][0] == "background"
        assert found["hrnet_w48_pascal_context_59_480x480_40k"][0] == "aeroplane"
        assert found["hrnet_w18_ade20k_512x512_80k"][0] == "wall"
        assert found["hrnet_w48_potsdam_512x512_80k"] is None


class TestTasks:
    def test_classes_of_segmentation(self, tmp_path):
        path = tmp_path / "labels.json"
        path.write_text(json.dumps({"classes": CLASSES}))
        tensors = drawn("HRNetSegmenter", 4)
        model = fresh("HRNetSegmenter", *THREE)
        report = start_from(model, (tensors, str(path)))
        check(model, tensors, CLASS_PAIRS, "last_layer.3")
        assert report.fresh == ("tail",)
        # What comes before the last layer does not depend on the classes.
        start_from(fresh("HRNetSegmenter", *THREE), tensors)
        check(model, tensors, [], "last_layer.3")

    def test_both_outputs_of_object_contextual_networks(self, tmp_path):
        path = tmp_path / "labels.json"
        path.write_text(json.dumps({"classes": CLASSES}))
        tensors = drawn("HRNetOCRSegmenter", 4)
        model = fresh("HRNetOCRSegmenter", *THREE)
        start_from(model, (tensors, str(path)))
        check(model, tensors, CLASS_PAIRS, ("cls_head", "aux_head.3"))

    @pytest.mark.slow
    def test_classes_of_classification(self, tmp_path):
        path = tmp_path / "names.txt"
        path.write_text("nose\ntail\nright_hand\ntail\n")
        tensors = drawn("HRNetClassifier", 4)
        model = fresh("HRNetClassifier", *THREE)
        report = start_from(model, (tensors, str(path)))
        check(model, tensors, PAIRS, "classifier")
        # Which of the two is not known.
        assert report.fresh == ("tail",)

    @pytest.mark.parametrize("kind", ["HRNetPose", "HRNetLandmarks", "HRNetSegmenter"])
    def test_imagenet(self, kind):
        tensors = drawn("HRNetClassifier", 4)
        model = fresh(kind, *THREE)
        report = start_from(model, tensors)
        head = ("final_layer", "head", "last_layer")
        check(model, tensors, [], (), head)
        other = "another head (official classification network)"
        assert report.head == f"fresh; the weights have {other}"
        assert report.carried == () and report.fresh == THREE
        assert any("the head of another task" in note for note in report.notes)

    def test_a_single_output_starts_networks_with_four(self):
        tensors = drawn("HRNetPose", 5)
        model = fresh("HRNetLandmarks", *THREE)
        report = start_from(model, tensors)
        rows = tuple(f"stage4.0.fuse_layers.{i}." for i in (1, 2, 3))
        check(model, tensors, [], (), ("head",), rows)
        assert (
            report.head
            == "fresh; the weights have another head (official pose network)"
        )
        count = sum(name.startswith(rows) for name in export_torch_state_dict(model))
        assert report.num_fresh_body == count
        assert f"{count} tensors of the last fusion stay fresh" in str(report)
        total = report.num_body + count
        assert f"body: {report.num_body} of {total} variables loaded" in str(report)

    def test_heads_without_names(self):
        model = hrnet_tf.HigherHRNetPose.from_preset("hrnet_test", num_keypoints=3)
        tensors = {
            name: draw_tensor(name, array.shape)
            for name, array in export_torch_state_dict(model).items()
        }
        text = "fresh but for 44 tensors before the last layer; neither the weights' 3"
        assert start_from(model, tensors).head.startswith(text)
        # The heatmaps, the tags, and what reads both.
        report = start_from(model, (tensors, "same"))
        assert report.carried == ("0", "1", "2")
        check(model, tensors, [], ())

    def test_heads_that_nobody_knows(self):
        tensors = dict(drawn("HRNetPose", 5))
        del tensors["final_layer.weight"], tensors["final_layer.bias"]
        tensors["decoder.0.weight"] = np.ones((2, 2), np.float32)
        report = start_from(fresh("HRNetPose", *THREE), tensors)
        assert report.head == "fresh; the weights have none that is known"
        assert "1 tensors ignored: no layer of this network" in report.notes


class TestDifferences:
    def test_other_architectures_are_both_named(self):
        tensors = drawn("HRNetPose", 5)
        module = {
            name.replace("stage2.0.", "stage2.1."): array
            for name, array in tensors.items()
        }
        model = fresh("HRNetPose", *THREE)
        with pytest.raises(ValueError) as caught:
            start_from(model, {**module, **tensors})
        text = str(caught.value)
        assert "a mapping (official pose network), which is a network with w" in text
        assert "num_modules=(2, 1, 1)" in text
        assert "expected hrnet_test, which is trained." in text
        other = {n.replace("stage", "step"): a for n, a in tensors.items()}
        with pytest.raises(ValueError, match="Cannot start from a mapping.*not from"):
            start_from(model, other)

    def test_damage_assigns_nothing(self):
        tensors = dict(drawn("HRNetPose", 5))
        tensors["conv1.weight"] = tensors["conv1.weight"] * np.nan
        model = fresh("HRNetPose", *THREE)
        with pytest.raises(ValueError, match="NaN or infinity"):
            start_from(model, tensors)
        del tensors["bn1.bias"]
        tensors["conv1.weight"] = drawn("HRNetPose", 5)["conv1.weight"]
        with pytest.raises(ValueError, match=r"(?s)Missing.*bn1\.bias"):
            start_from(model, {**tensors, "bn1.bias2": np.ones(2, np.float32)})
        check(model, {}, [], "", rows=("",))

    def test_colours_and_interpolations_are_said(self, monkeypatch):
        arguments = {
            "channel_order": "bgr",
            "pixel_mean": [0.485, 0.456, 0.406],
            "interpolation": "bilinear",
            "heatmap_convention": "udp",
        }
        source = Source("them", drawn("HRNetPose", 3), arguments, THREE)
        monkeypatch.setattr(transfer, "read_source", lambda _: source)
        notes = start_from(build("HRNetPose", *THREE), "anything").notes
        text = "the weights were trained with {}, but the model has {}: training has to"
        assert [note[: note.index(" make up")] for note in notes] == [
            text.format("channel_order='bgr'", "'rgb'"),
            text.format("interpolation='bilinear'", "'nearest'"),
            text.format("heatmap_convention='udp'", "'official'"),
        ]
        # What does not pass a head of another task does not matter to it.
        notes = start_from(build("HRNetLandmarks", *THREE), "anything").notes
        assert sum("were trained with" in note for note in notes) == 1

    def test_nothing_there(self, tmp_path):
        model = build("HRNetPose", *THREE)
        with pytest.raises(ValueError, match="no weights at .*absent.pth. Expected a"):
            start_from(model, tmp_path / "absent.pth")
        with pytest.raises(ValueError, match="Did you mean .*hrnet_w32_coco_256x192"):
            start_from(model, "hrnet_w32_coco_256x129")
        with pytest.raises(ValueError, match="saved_model.pb"):
            start_from(model, tmp_path)


class TestSavedModels:
    def test_variables_by_name(self, tmp_path):
        tensors = drawn("HRNetPose", 5)
        source = fresh("HRNetPose", *FIVE)
        hrnet_tf.load_torch_weights(source, tensors)
        version = tmp_path / "1"
        save_functions([source], version, {})
        model = fresh("HRNetPose", *THREE)
        with pytest.raises(ValueError) as caught:
            start_from(model, tmp_path)
        assert (
            f"{version} keeps its variables without their names (there is no model.json"
            " beside its graph), so that nothing can be taken from it. Export the model"
            " again with this version and --no-optimize, or pass the .keras file"
        ) in str(caught.value)
        (version / EXTRA).mkdir(exist_ok=True)
        (version / EXTRA / MODEL_FILE).write_text(describe_model(source))
        report = start_from(model, tmp_path)
        check(model, tensors, PAIRS, "final_layer")
        assert report.source == str(tmp_path)
        (version / EXTRA / MODEL_FILE).write_text(describe_model(model))
        with pytest.raises(ValueError, match=r"could not be read \(ValueError"):
            start_from(model, tmp_path)
