"""The official test of faces, against a direct computation."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from drawn_faces import draw_faces, write_csv
from PIL import Image

from hrnet_tf import HRNetLandmarks
from hrnet_tf.data.augment import affine
from hrnet_tf.data.formats import faces
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.tasks.landmarks import evaluate as landmarks
from hrnet_tf.tasks.pose import stream as pipeline

COFW, AFLW = load_keypoint_set("cofw"), load_keypoint_set("aflw")


def make_model(keypoint_set, **options):
    keras.utils.set_random_seed(0)
    return HRNetLandmarks.from_preset(
        "hrnet_test",
        num_keypoints=keypoint_set.num_keypoints,
        image_size=(64, 64),
        keypoint_set=keypoint_set.to_dict(),
        heatmap_convention="face",
        **options,
    )


def load(folder, keypoint_set, count, box_sizes=None):
    drawn = draw_faces(folder, keypoint_set, count)
    table = write_csv(folder / "t.csv", drawn, box_sizes)
    return drawn, faces.load_csv(table, folder, keypoint_set)


@pytest.fixture(scope="module")
def cofw(tmp_path_factory):
    return load(tmp_path_factory.mktemp("faces"), COFW, 7)


def random_maps(count, num_keypoints):
    rng = np.random.default_rng(0)
    return rng.normal(0.1, 0.5, (count, 16, 16, num_keypoints)).astype(np.float32)


def answers(maps):
    """An inference function that answers with `maps`, in order."""
    given = iter(np.array_split(maps, np.arange(4, len(maps), 4)))

    def infer(images):
        batch = next(given)
        missing = len(images) - len(batch)
        return np.concatenate([batch, np.zeros((missing, *batch.shape[1:]), "f4")])

    return infer


def official_points(maps, drawn):
    """The official code's decoding, counting from one as it does."""
    found = np.zeros((len(maps), maps.shape[3], 2))
    for n, face in enumerate(drawn):
        side = face["scale"] * 1.25 * 200
        for k in range(maps.shape[3]):
            heatmap = maps[n, :, :, k]
            row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
            x, y = column + 1.0, row + 1.0
            px, py = column + 1, row + 1
            if 1 < px < 16 and 1 < py < 16:
                x += 0.25 * np.sign(heatmap[row, column + 1] - heatmap[row, column - 1])
                y += 0.25 * np.sign(heatmap[row + 1, column] - heatmap[row - 1, column])
            cell = np.array([x, y]) + 0.5 - 1
            pixel = (cell - 16 * 0.5) * side / 16 + face["center"]
            found[n, k] = pixel.astype(int) + 1
    return found


def test_numbers_are_those_of_the_official_code(cofw):
    drawn, examples = cofw
    maps = random_maps(len(drawn), 29)
    report = landmarks.evaluate(
        make_model(COFW),
        examples,
        integer_pixels=True,
        batch_size=4,
        infer=answers(maps),
    )
    points = official_points(maps, drawn)
    truth = np.array([face["points"] for face in drawn])
    lengths = np.linalg.norm(truth[:, 8] - truth[:, 9], axis=1)
    expected = np.linalg.norm(points - truth, axis=2).sum(1) / (lengths * 29)
    np.testing.assert_allclose(report.errors, expected, rtol=1e-6)
    assert report.numbers["NME"] == pytest.approx(expected.mean(), abs=1e-6)
    assert report.numbers["FR@0.08"] == np.mean(expected > 0.08)
    assert report.main_number == 1 - report.numbers["NME"]
    assert (report.num_people, report.num_images, report.num_unscored) == (7, 7, 0)
    assert report.normalizer == "distance of right_eye_outer and left_eye_outer"


def test_without_whole_pixels_errors_are_smaller(cofw):
    drawn, examples = cofw
    # With 1.5 the official targets near the left and upper border are a cell off.
    model = make_model(COFW, heatmap_sigma=1.0)
    codec = HeatmapCodec.for_model(model)
    batches = pipeline.test_batches(pipeline.people_stream(examples, 29), codec, 7)
    batch = next(iter(batches))
    matrix = codec.crop_matrix(batch["centers"], batch["sizes"], 0.0)
    keypoints = np.concatenate([e.keypoints for e in examples])
    points = affine.apply_matrix(matrix, keypoints[..., :2])
    maps = codec.encode(points, keypoints[..., 2])[0].numpy()
    exact = landmarks.evaluate(
        model, examples, batch_size=4, infer=answers(maps), reference=(0, 1)
    )
    whole = landmarks.evaluate(
        model,
        examples,
        batch_size=4,
        infer=answers(maps),
        reference=(0, 1),
        integer_pixels=True,
    )
    # A cell is 4 to 6 px here: points lie within half a cell of its middle.
    sides = np.array([face["scale"] * 250 for face in drawn])
    errors = np.array(exact.errors)
    lengths = np.linalg.norm(keypoints[:, 0, :2] - keypoints[:, 1, :2], axis=1)
    assert (errors * lengths < sides / 16 * 0.5).all()
    assert exact.numbers["NME"] < whole.numbers["NME"]
    assert exact.normalizer == "distance of right_brow_outer and left_brow_outer"


def test_the_flip_test_is_an_option(cofw):
    _, examples = cofw
    model = make_model(COFW, kernel_initializer="he_normal")
    seen = []

    def infer(images):
        seen.append(np.asarray(images))
        return model(images, training=False)

    plain = landmarks.evaluate(model, examples, batch_size=7, infer=infer)
    assert len(seen) == 1 and plain.flip_test is False
    flipped = landmarks.evaluate(
        model, examples, flip_test=True, batch_size=7, infer=infer
    )
    np.testing.assert_array_equal(seen[2], seen[1][:, :, ::-1])
    assert flipped.flip_test is True and flipped.errors != plain.errors


def test_errors_relative_to_box_sizes(tmp_path):
    _, examples = load(tmp_path, AFLW, 2, [50.0, 100.0])
    maps, model = random_maps(2, 19), make_model(AFLW)
    report = landmarks.evaluate(model, examples, batch_size=4, infer=answers(maps))
    _, doubled = load(tmp_path, AFLW, 2, [100.0, 200.0])
    other = landmarks.evaluate(model, doubled, batch_size=4, infer=answers(maps))
    np.testing.assert_allclose(report.errors, 2 * np.array(other.errors))
    assert report.normalizer == "box size"
    _, without = load(tmp_path, AFLW, 2)
    measured = landmarks.evaluate(model, without, batch_size=4, infer=answers(maps))
    assert measured.normalizer == "square root of the box's area"


def test_the_report_is_json(cofw, tmp_path):
    _, examples = cofw
    keypoints = examples[0].keypoints.copy()
    keypoints[0, 8, 2] = 0
    first = dataclasses.replace(examples[0], keypoints=keypoints)
    examples = [first, *examples[1:]]
    report = landmarks.evaluate(
        make_model(COFW), examples, batch_size=4, infer=answers(random_maps(7, 29))
    )
    report.save(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["errors"][0] is None and found["num_unscored"] == 1
    assert found["numbers"] == report.numbers
    assert list(found["per_point"]) == list(COFW.names)
    assert "main_number" not in found


def test_a_plot_of_the_errors(cofw, tmp_path):
    _, examples = cofw
    maps = random_maps(7, 29)
    report = landmarks.evaluate(
        make_model(COFW), examples, batch_size=4, infer=answers(maps)
    )
    landmarks.plot_errors({"drawn": report}, tmp_path / "plots" / "errors.png")
    with Image.open(tmp_path / "plots" / "errors.png") as picture:
        assert picture.size == (768, 528)


def test_a_model_without_keypoint_set(cofw):
    model = HRNetLandmarks.from_preset(
        "hrnet_test", num_keypoints=29, image_size=(64, 64)
    )
    with pytest.raises(ValueError, match="does not say which keypoints"):
        landmarks.evaluate(model, cofw[1])
