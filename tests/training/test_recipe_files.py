"""Recipes are found by path and by name, and know their variants."""

import inspect
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from hrnet_tf.training.recipe_files import (
    choose_variant,
    find_recipe,
    load_recipe,
    package_recipes,
    read_recipe_file,
)

USERS = '''"""Mine, of something."""
VARIANTS = {"small": {"batch_size": 4}, "large": {"batch_size": 8}}


def recipe(variant="large", batch_size=None, epochs=1):
    return variant, batch_size, epochs
'''
# Files of one variant each, as they were before there were variants.
OLD_NAMES = """
300w_face_w18 ade20k_ocr_w48 aflw_face_w18 camvid_seg_w18_small cityscapes_ocr_w48
cityscapes_seg_w18_small cityscapes_seg_w48 coco_pose_w32_256x192 coco_pose_w32_384x288
coco_pose_w48_256x192 coco_pose_w48_384x288 coco_stuff_ocr_w48 cofw_face_w18
digits_w18_small face68_w18 lip_seg_w48 lspet_pose_w18_small mpii_pose_w32_256x256
pascal_context_ocr_w48 pascal_context_seg_w48 synthetic_pose_w18_small wflw_face_w18
""".split()


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(USERS)
    return path


def test_what_a_function_takes_is_read(tmp_path):
    path = tmp_path / "mine.py"
    for text, taken, default in (
        ("data_dir, preset", ("data_dir", "preset"), None),
        ("data_dir, variant='a', *, epochs", ("data_dir", "variant", "epochs"), "a"),
        ("", (), None),
    ):
        path.write_text(f"def recipe({text}):\n    pass\n")
        file = read_recipe_file(path)
        assert (file.arguments, file.default) == (taken, default)
    assert "data_dir" in package_recipes()["camvid"].arguments


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "coco_pose/w48_384x288",
            "recipes/coco_pose/w48_384x288",
            "coco_pose_w48_384x288",
            "coco_pose_w48_384x288.py",
            "recipes/coco_pose_w48_384x288",
            "recipes/coco_pose_w48_384x288.py",
            "/another/checkout/recipes/coco_pose_w48_384x288.py",
        ],
    )
    def test_are_spelt_in_several_ways(self, name, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        path, variant = find_recipe(name)
        assert (path.name, variant) == ("coco_pose.py", "w48_384x288")
        assert load_recipe(name).name == "coco_pose_w48_384x288"

    @pytest.mark.parametrize("name", OLD_NAMES)
    def test_of_old_files_are_those_of_their_runs(self, name):
        assert load_recipe(f"recipes/{name}.py").name == name

    def test_of_old_files_of_imagenet(self):
        assert load_recipe("recipes/imagenet_hrnet.py").name == "imagenet_hrnet_w18"
        found = load_recipe("imagenet_hrnet", preset="hrnet_w48")
        assert found.name == load_recipe("imagenet/w48").name == "imagenet_hrnet_w48"
        assert found.settings == load_recipe("imagenet/w48").settings

    @pytest.mark.parametrize("name", ["coco_pose", "recipes/coco_pose.py"])
    def test_without_a_variant_have_the_default_one(self, name):
        assert find_recipe(name)[1] is None
        assert load_recipe(name).name == "coco_pose_w32_256x192"

    def test_without_a_folder_are_not_paths(self, tmp_path):
        with pytest.raises(ValueError, match="no recipe file .*mine/coco_pose.py"):
            find_recipe(tmp_path / "mine" / "coco_pose.py")

    def test_that_are_unknown_show_the_nearest_and_all(self):
        with pytest.raises(ValueError) as caught:
            find_recipe("coco_pos/w48_384x288")
        text = str(caught.value)
        assert (
            "no recipe file coco_pos/w48_384x288, and no recipe of that name." in text
        )
        assert "Did you mean coco_pose/w48_384x288?" in text
        assert all(
            f"{name}," in text or f"{name}." in text for name in package_recipes()
        )
        with pytest.raises(ValueError, match=r"no recipe file qqq.*name\. The recipes"):
            find_recipe("qqq")

    def test_of_variants_that_are_unknown_show_the_nearest_and_all(self):
        expected = (
            r"no variant 'ocr_w18'\. Did you mean ocr_w48\? The recipe has: seg_w48,"
            r" seg_w18_small, seg_w18_small_v2, ocr_w48\."
        )
        with pytest.raises(ValueError, match=expected):
            find_recipe("cityscapes/ocr_w18")
        with pytest.raises(ValueError, match=expected):
            load_recipe("cityscapes", variant="ocr_w18")

    def test_that_contradict_each_other(self):
        with pytest.raises(ValueError, match="Two variants.*cityscapes/ocr_w48 and"):
            load_recipe("cityscapes/ocr_w48", variant="seg_w48")
        load_recipe("cityscapes/ocr_w48", variant="ocr_w48")


class TestSaying:
    def test_the_default_variant(self):
        said = []
        load_recipe("pascal_context", say=said.append)
        expected = "pascal_context: the variant seg_w48, its default; others: ocr_w48"
        assert said == [expected]

    @pytest.mark.parametrize(
        "name, arguments",
        [
            ("pascal_context/seg_w48", {}),
            ("pascal_context", {"variant": "seg_w48"}),
            # Where there is nothing to choose.
            ("wflw_face", {}),
        ],
    )
    def test_nothing_else(self, name, arguments):
        load_recipe(name, say=pytest.fail, **arguments)


@pytest.mark.parametrize(
    "name, arguments, reference",
    [
        ("coco_pose/w48_384x288", {}, 96),
        ("coco_pose", {"variant": "w48_384x288", "batch_size": 12}, 96),
        ("coco_pose", {"batch_size": 12}, 128),
        ("lip", {"batch_size": 12}, 40),
    ],
)
def test_the_batch_of_the_rate_is_the_variants(name, arguments, reference):
    assert load_recipe(name, **arguments).reference_batch_size == reference


class TestUsersFiles:
    def test_may_have_variants(self, users):
        assert load_recipe(users) == ("large", None, 1)
        assert load_recipe(f"{users}/small", epochs=3) == ("small", None, 3)
        assert load_recipe(users, variant="small") == ("small", None, 1)
        file = read_recipe_file(users)
        assert (file.name, file.default) == ("mine", "large")
        assert file.summary == "Mine, of something"

    def test_go_before_those_of_the_package(self, users, monkeypatch):
        monkeypatch.chdir(users.parent)
        users.rename("coco_pose.py")
        assert load_recipe("coco_pose.py") == ("large", None, 1)
        assert load_recipe("coco_pose").name == "coco_pose_w32_256x192"

    def test_need_no_variants(self, users):
        users.write_text("VARIANTS = 3\n\ndef recipe(epochs=1):\n    return epochs\n")
        assert load_recipe(users, say=pytest.fail, epochs=5) == 5
        with pytest.raises(ValueError, match="takes no argument variant"):
            load_recipe(f"{users}/small")

    def test_with_variants_that_are_computed(self, users):
        users.write_text(USERS.replace("4}", "int('4')}"))
        assert load_recipe(f"{users}/small") == ("small", None, 1)
        with pytest.raises(ValueError, match="VARIANTS of .*mine.py cannot be read"):
            read_recipe_file(users)


def test_what_is_given_goes_before_the_variant_and_that_before_defaults():
    variants = {"a": {"x": 1, "y": 2}}
    own = choose_variant(variants, "a", {"y": 7, "z": 8}, x=5, y=None)
    assert (own.x, own.y, own.z) == (5, 2, 8)


@pytest.mark.parametrize("name", package_recipes())
def test_files_of_the_package_say_what_they_are(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # There is something already, so that nothing is drawn.
    Path("demo/crowds").mkdir(parents=True)
    file = package_recipes()[name]
    module = runpy.run_path(str(file.path))
    assert file.variants == module["VARIANTS"]
    parameters = inspect.signature(module["recipe"]).parameters
    assert file.default == parameters["variant"].default
    assert f"hrnet train {name}" in file.docstring
    for variant, own in file.variants.items():
        loaded = load_recipe(f"{name}/{variant}")
        assert loaded.settings["preset"] == own["preset"]
        # One of the two, or that there is none as yet.
        assert ("published" in own) + ("reached" in own) <= 1


def test_names_need_no_tensorflow():
    script = (
        "import sys\n"
        "from hrnet_tf.training.recipe_files import find_recipe\n"
        "assert find_recipe('coco_pose_w48_384x288')[1] == 'w48_384x288'\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
