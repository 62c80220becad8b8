import os
import subprocess
import sys

import pytest
from slow_params import cases

LEFT_OUT = """
import sys
from hrnet_tf.launch.keras_import import UNUSED, import_keras

import_keras()
assert not [name for name in UNUSED if name in sys.modules]
import keras

assert keras.layers.Dense(1)
# Those who want them have them.
import pandas
import sklearn

assert pandas.DataFrame and sklearn.__version__
"""
IMPORTED_BEFORE = """
import sys
import pandas
from hrnet_tf.launch.keras_import import import_keras

import_keras()
assert sys.modules["pandas"] is pandas
from keras.src.trainers.data_adapters import array_slicing

assert array_slicing.pandas is pandas
"""


@pytest.mark.parametrize("script", cases([LEFT_OUT, IMPORTED_BEFORE], quick=[LEFT_OUT]))
def test_leaves_out_what_commands_do_not_use(script, tmp_path):
    # In the place of libraries that need not be installed.
    (tmp_path / "pandas.py").write_text("class DataFrame: ...\nclass Series: ...\n")
    (tmp_path / "sklearn.py").write_text("__version__ = '1.0'\n")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    environment = {**os.environ, "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
