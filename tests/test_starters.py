"""The models that come with the package, and what their manifests say."""

import datetime
import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import fail
from doc_blocks import check_command
from PIL import Image

from hrnet_tf import starters
from hrnet_tf.cli.find_model import model_or_starter
from hrnet_tf.tasks import TASKS
from hrnet_tf.training.recipe_files import find_recipe, read_recipe_file

FIELDS = {
    "task",
    "summary",
    "formats",
    "data",
    "data_license",
    "score",
    "command",
    "date",
    "sha256",
    "hrnet_tf",
}
ROOT = Path(__file__).parent.parent
# Eight megabytes, as file systems count them.
MOST_BYTES = 8 << 20


@pytest.fixture(params=sorted(starters.starters()))
def starter(request):
    return starters.starters()[request.param]


def test_manifests_say_all(starter):
    assert set(starter.manifest) == FIELDS
    assert starter.task in [task.name for task in TASKS]
    datetime.date.fromisoformat(starter.manifest["date"])
    assert starter.manifest["score"]["value"] > 0
    assert starter.manifest["data_license"] and starter.manifest["command"]


def test_files_are_those_that_were_scored(starter):
    assert starters.file_sums(starter.folder) == starter.manifest["sha256"]


def test_no_starter_is_large(starter):
    assert set(starter.formats) == {"saved_model", "litert"}
    for format in starter.formats:
        path = starter.path(format)
        files = [path] if path.is_file() else [p for p in path.rglob("*")]
        assert sum(p.stat().st_size for p in files if p.is_file()) <= MOST_BYTES


def test_commands_take_a_starter_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    named = starters.starters()["written_digits"]
    assert model_or_starter(Path("written_digits"), "predict") == named.path()
    assert starters.starter("classification", "litert") == named.path("litert")
    # A model of the user's own goes first.
    Path("written_digits").mkdir()
    assert model_or_starter(Path("written_digits"), "serve") == Path("written_digits")


def test_the_digits_are_written_in_classes(tmp_path):
    pytest.importorskip("sklearn")
    command = [sys.executable, ROOT / "benchmarks" / "digit_pictures.py", tmp_path]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "1433 for training, 364 put aside" in said
    assert len(list(tmp_path.glob("val/?"))) == 10
    with Image.open(tmp_path / "train" / "3" / "001.png") as image:
        pixels = np.asarray(image)
    assert pixels.shape == (64, 64, 3)
    assert pixels[:8].min() == 255 and pixels.min() < 20


def made(folder, **fields):
    folder.mkdir(parents=True)
    content = {
        "task": "pose",
        "summary": "people",
        "formats": {"saved_model": "1"},
        **fields,
    }
    (folder / starters.MANIFEST).write_text(json.dumps(content))
    return folder


def test_finds_the_model_of_a_task(tmp_path, monkeypatch):
    monkeypatch.setattr(starters, "_FOLDERS", (tmp_path / "absent", tmp_path))
    starters.starters.cache_clear()
    try:
        made(tmp_path / "people")
        (tmp_path / "own_export" / "1").mkdir(parents=True)
        assert list(starters.starters()) == ["people"]
        assert starters.starter("pose") == tmp_path / "people" / "1"
        with pytest.raises(ValueError, match=r"'detection' .* only people \(pose\)"):
            starters.starter("detection")
        with pytest.raises(ValueError, match="people is there as saved_model. Rec"):
            starters.starter("pose", "litert")
    finally:
        starters.starters.cache_clear()


def test_names_a_damaged_manifest(tmp_path):
    folder = made(tmp_path / "people", formats=3)
    with pytest.raises(ValueError, match=r"manifest.json is no manifest of a starter"):
        starters.read_starter(folder)
    with pytest.raises(ValueError, match="There is no .*manifest.json"):
        starters.read_starter(tmp_path / "absent")


def test_commands_without_a_model_say_what_is_missing(tmp_path, monkeypatch):
    (tmp_path / "photo.bmp").write_bytes(b"BM")
    monkeypatch.setattr(starters, "_FOLDERS", (tmp_path,))
    starters.starters.cache_clear()
    try:
        line = fail("predict", tmp_path / "photo.bmp", "--out", tmp_path / "out")
        assert "which model to predict, and no starter model is installed" in line
    finally:
        starters.starters.cache_clear()


def test_the_command_that_makes_them_asks_for_what_there_is():
    """`make starters` trains for half an hour: here its lines are only looked at."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shown = subprocess.run(
        ["make", "--dry-run", "starters", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = shown.replace("\\\n", " ").splitlines()
    words = [shlex.split(line) for line in lines if "/bin/" in line]
    made, trained = {}, set()
    for line in words:
        if line[0].endswith("/hrnet"):
            check_command(line[1:], "make starters")
            trained.add(line[line.index("--out") + 1])
            if line[1] == "train":
                path, variant = find_recipe(line[2])
                assert variant in read_recipe_file(path).variants
        elif any(word.startswith("benchmarks/") for word in line):
            script = next(word for word in line if word.startswith("benchmarks/"))
            assert (ROOT / script).is_file()
            if script.endswith("make_starter.py"):
                name, source, data = line[line.index(script) + 1 :]
                made[name] = source
    assert set(made) == set(starters.starters())
    # What is made a starter was trained by a line before.
    for source in made.values():
        assert any(source.startswith(f"{folder}/") for folder in trained), source
