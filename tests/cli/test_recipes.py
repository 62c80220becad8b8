"""`hrnet recipes`, and how `hrnet train` finds a recipe."""

import re

import pytest
from command_line import fail, run

from hrnet_tf.training.recipe_files import package_recipes


def test_lists_every_variant_with_its_result():
    lines = run("recipes").out.splitlines()
    for file in package_recipes().values():
        start = lines.index(f"{file.name}  {file.summary}") + 1
        shown = [line.split() for line in lines[start : start + len(file.variants)]]
        assert [row[0].rstrip("*") for row in shown] == list(file.variants)
        for row, own in zip(shown, file.variants.values(), strict=True):
            assert row[1] == own["preset"]
            measured = own.get("published") or own.get("reached")
            result = measured or "not yet measured"
            assert result in " ".join(row[2:])


def test_marks_defaults_and_says_where_a_result_comes_from():
    text = run("recipes").out
    assert re.search(r"  w32_256x192\* +hrnet_w32 +256x192   74.4 AP\n", text)
    assert "hrnet_w48 + OCR     512x1024  81.6 mIoU\n" in text
    assert "0.711 mIoU, reached here\n" in text
    assert "* is taken where no variant is named." in text
    # Nothing to choose.
    assert "ocr_w48 " in text and "ocr_w48*" not in text


def test_fits_a_narrow_terminal():
    lines = run("recipes", COLUMNS="80").out.splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("name", ["coco_pose", "recipes/coco_pose_w32_256x192.py"])
def test_shows_one(name):
    text = run("recipes", name).out
    assert text.startswith("COCO keypoints, top-down pose.\n\nOfficial protocol:")
    assert "76.3 AP; DARK 77.2, UDP 77.3" in text
    assert text.splitlines()[-1].split()[1].endswith("recipes/coco_pose.py")
    assert "cityscapes" not in text


def test_shows_a_users_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text('"""Mine."""\n\nVARIANTS = {"a": {"sigma": 2.0}}\n')
    text = run("recipes", path).out
    assert text.startswith("Mine.\n") and "  a" in text


class TestTrain:
    def test_names_the_nearest_recipe(self, tmp_path):
        error = fail("train", "coco_poze", "--out", tmp_path / "run")
        assert "Did you mean coco_pose?" in error and "wflw_face" in error
        # Before processes are started.
        fail("train", "coco_poze", "--out", tmp_path / "run", "--workers", 2)
        assert not (tmp_path / "run").exists()

    @pytest.mark.slow
    def test_says_which_variant_it_takes(self, tmp_path):
        arguments = ["--data-dir", tmp_path, "--out", tmp_path / "run"]
        result = run("train", "coco_pose", *arguments, exit_code=1)
        text = " ".join(result.out.split())
        assert "coco_pose: the variant w32_256x192, its default; others: w32_38" in text
        assert str(tmp_path / "annotations") in result.err
        for named in (
            ["coco_pose/w32_384x288"],
            ["coco_pose", "--set", "variant=w48_256x192"],
        ):
            assert "default" not in run("train", *named, *arguments, exit_code=1).out

    def test_checks_the_variant(self, tmp_path):
        command = ["train", "coco_pose", "--set", "variant=w49", "--out", tmp_path]
        assert "no variant 'w49'" in fail(*command)
