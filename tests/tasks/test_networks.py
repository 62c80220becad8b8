"""The recipes train other networks than HRNet, whatever their outputs are."""

import numpy as np
import pytest

from hrnet_tf.training.recipe_files import load_recipe
from hrnet_tf.training.run import train

# Recipe, and a small network with its class.
CASES = (
    (
        "synthetic_pose",
        "hourglass_2:depth=1,stem_filters=(8,8,16)",
        "StackedHourglassPose",
    ),
    ("synthetic_pose", "hrnet_test:heatmap_stride=8,representation=v1", "HRNetPose"),
    ("synthetic_parts", "unet_small:filters=4,depth=2", "UNetSegmenter"),
)


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "preset", "kind"), CASES)
def test_recipes_train_other_networks(recipe, preset, kind, people_dir, tmp_path):
    loaded = load_recipe(
        recipe, preset=preset, batch_size=4, epochs=1, data_dir=str(people_dir)
    )
    assert type(loaded.model()).__name__ == kind
    result = train(loaded, tmp_path / "run")
    (row,) = result.history
    assert np.isfinite(row["loss"]) and 0 <= row["score"] <= 1
    assert (tmp_path / "run" / "best.keras").is_file()
