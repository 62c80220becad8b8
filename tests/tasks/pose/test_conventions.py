"""Runs with another convention of the heatmaps than the official one."""

from pathlib import Path

import numpy as np
import pytest

import hrnet_tf
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe import load_recipe
from hrnet_tf.training.run import train

RECIPE = Path(__file__).parents[3] / "recipes" / "coco_pose_w32_256x192.py"


def load(data_dir, **arguments):
    return load_recipe(
        RECIPE,
        preset="hrnet_test",
        batch_size=8,
        epochs=1,
        data_dir=str(data_dir),
        **arguments,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "convention", [pytest.param("dark", marks=pytest.mark.slow), "udp"]
)
def test_the_recipe_trains_saves_and_tests_by_its_convention(
    people_dir, tmp_path, convention
):
    recipe = load(people_dir, convention=convention)
    assert recipe.protocol["convention"] == convention
    result = train(recipe, tmp_path)
    assert np.isfinite(result.history[0]["loss"])
    assert "score" in result.history[0]
    model = hrnet_tf.load_model(tmp_path / "best.keras")
    assert model.heatmap_convention == convention
    # Another convention is another run.
    with pytest.raises(ValueError, match="convention"):
        train(load(people_dir), tmp_path)


@pytest.mark.slow
def test_targets_and_crops_are_the_conventions(people_dir):
    batches = {}
    for convention in ("official", "dark", "udp", "face"):
        recipe = load(people_dir, convention=convention)
        batch = next(iter(recipe.train_data(0, 0)[0]))
        batches[convention] = [part.numpy() for part in batch]
    images, heatmaps, _ = batches["official"]
    for convention in ("dark", "face"):
        np.testing.assert_array_equal(batches[convention][0], images)
    assert 0 < np.mean(np.abs(batches["udp"][0] - images.astype(int))) < 20
    for convention in ("dark", "udp", "face"):
        assert np.abs(batches[convention][1] - heatmaps).max() > 0.1
    # The same people: decoded, the targets lie together.
    found = {}
    for convention, (_, maps, weights) in batches.items():
        codec = HeatmapCodec((256, 192), convention=convention)
        found[convention] = codec.to_crop(codec.decode(maps)[0]).numpy()
        found[convention] *= weights[..., None]
    sure = np.abs(found["dark"] - [96, 128]).max(-1) < 80
    for convention in ("official", "udp", "face"):
        difference = np.abs(found[convention] - found["dark"])[sure]
        # Half a cell of rounding is two pixels.
        assert difference.max() < (1.5 if convention == "udp" else 2.6)


def test_existing_runs_may_go_on(people_dir):
    # Those that did not know of other conventions yet.
    earlier = {
        "name": "coco_pose_w32_256x192",
        "seed": 0,
        "batch_size": 8,
        "sigma": 2.0,
    }
    texts = {}
    for convention in ("official", "udp"):
        recipe = load(people_dir, convention=convention)
        identity = Identity.of(recipe, recipe.model(), seed=0)
        texts[convention] = identity.differences(earlier)
    assert texts["official"] == ""
    assert texts["udp"] == "convention ('official' there, 'udp' now)"


def test_the_cross_entropy_has_one_convention(people_dir):
    with pytest.raises(ValueError, match="Received: 'udp'.*in recipes: loss='mse'"):
        load(people_dir, convention="udp", loss="cross_entropy")
