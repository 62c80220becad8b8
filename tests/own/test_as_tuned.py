"""`hrnet train TASK --data DATA` alone makes the run of the recipe tuned for it."""

import json

import pytest
from slow_params import cases

from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.own.choices import Machine, settings_of
from hrnet_tf.own.reading import read_data
from hrnet_tf.tasks import task_named
from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe_files import load_recipe

RUNS = {
    "lspet_pose": ("pose", "lspet", {}),
    "face68": ("landmarks", "face68", {}),
    "digits": ("classification", "signdigits", {}),
    # Label maps do not say which of their values is no class.
    "camvid": (
        "segmentation",
        "camvid",
        {"labels": load_label_set("camvid").to_dict()},
    ),
}


def how_it_trains(recipe):
    """The parts of a run's identity that say how it trains, as json values."""
    parts = Identity.of(recipe, recipe.model(), 0).with_data(recipe).to_json()
    for name in ("name", "settings", "data", "examples"):
        parts.pop(name, None)
    # What the files do not tell: the names of points that have numbers alone.
    parts["model"].pop("keypoint_set", None)
    return json.loads(json.dumps(parts))


@pytest.mark.parametrize("name", cases(RUNS, ["lspet_pose", "face68"]))
def test_data_alone_make_the_tuned_recipe(name, shared):
    task_name, folder, given = RUNS[name]
    data = shared / "data" / folder
    own = task_named(task_name).parts.own_data
    choices = own.choose(read_data(data, own.reads), Machine(memory=24e9), given)
    found = how_it_trains(own.recipe(data=str(data), **settings_of(choices)))
    tuned = how_it_trains(load_recipe(name, data_dir=str(data)))
    assert {"model", "optimizer", "augmentation", "loss", "epochs"} <= tuned.keys()
    assert found == tuned
