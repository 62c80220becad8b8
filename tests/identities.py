"""Prints what the runs of recipe files are, as json: `identities.py OTHERS FILE ...`.

So many objects of Keras are made first, by whose number Keras names those that follow.
Instead of its data set a recipe gets two folders of classes; nothing is read from them.
"""

import json
import sys
import tempfile
from pathlib import Path

import keras

from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe import load_recipe


def make_others(count):
    for _ in range(count):
        inputs = keras.Input((3,))
        keras.Model(inputs, keras.layers.Dense(2)(inputs))
        keras.optimizers.Adam()
        keras.layers.ReLU()


def main(others, *files):
    make_others(int(others))
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a", "b"):
            (Path(folder) / "train" / name).mkdir(parents=True)
        for file in files:
            recipe = load_recipe(file, preset="hrnet_test", data_dir=folder)
            keras.utils.set_random_seed(0)
            parts = Identity.of(recipe, recipe.model(), seed=0).to_json()
            # Each process has another folder.
            assert parts["settings"].pop("data_dir") == folder
            found[file] = parts
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
