"""The package's front door."""

import subprocess
import sys
from pathlib import Path

import hrnet_tf

ROOT = Path(__file__).parent.parent

_STAR = """
import sys
sys.modules["keras_hub"] = None
from hrnet_tf import *
import hrnet_tf
assert HRNetPose is hrnet_tf.HRNetPose
try:
    hrnet_tf.HubBackbone
except ImportError as error:
    assert "hrnet_tf[hub]" in str(error), error
else:
    raise AssertionError("no error")
"""
_LIGHT = """
import sys
import hrnet_tf
heavy = {"tensorflow", "keras", "numpy", "matplotlib", "requests"} & set(sys.modules)
assert not heavy, heavy
"""

_RECIPES = """
import sys
from pathlib import Path
import hrnet_tf
from hrnet_tf.training.recipe_files import find_recipe, package_recipes
folder = Path(sys.argv[1], "hrnet_tf")
assert Path(hrnet_tf.__file__).parent == folder, hrnet_tf.__file__
assert find_recipe("coco_pose_w48_384x288")[0] == folder / "recipes" / "coco_pose.py"
from hrnet_tf.starters import starters
for one in starters().values():
    assert folder in one.path("saved_model").parents
    assert (one.path("saved_model") / "saved_model.pb").is_file()
    assert one.path("litert").is_file()
print(*(file.path.name for file in package_recipes().values()), len(starters()))
"""


def test_star_import_works_without_the_extras():
    subprocess.run([sys.executable, "-c", _STAR], check=True, timeout=120)


def test_import_is_light():
    subprocess.run([sys.executable, "-c", _LIGHT], check=True, timeout=60)


def test_public_names_exist():
    for name in hrnet_tf.__all__:
        assert getattr(hrnet_tf, name) is not None
    assert set(hrnet_tf.__all__) <= set(dir(hrnet_tf))


def test_the_recipes_and_starters_are_installed(tmp_path):
    build = [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", tmp_path]
    subprocess.run(build, cwd=ROOT, check=True, timeout=120)
    # In the folder of what was built, so that it is found first.
    found = subprocess.run(
        [sys.executable, "-c", _RECIPES, tmp_path],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    expected = sorted(path.name for path in (ROOT / "recipes").glob("*.py"))
    *recipes, num_starters = found.stdout.split()
    assert recipes == expected
    assert int(num_starters) == len(list(ROOT.glob("saved_models/*/manifest.json")))
