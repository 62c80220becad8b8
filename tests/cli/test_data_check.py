"""`hrnet data check`, and training on the same data."""

import json
import shutil

import numpy as np
import pytest
from command_line import fail, run
from own_people import draw_people
from PIL import Image


def write(folder, content, name="mice.json"):
    path = folder / name
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def mice(tmp_path):
    """Pictures, and the content of their annotation file."""
    return draw_people(tmp_path, 12)


def test_good_data_pass_and_are_drawn(tmp_path, mice):
    write(tmp_path, mice)
    result = run("data", "check", tmp_path, "--out", tmp_path / "report")
    assert "12 pictures" not in result.err and "left_paw" in result.out
    assert "note: The data have no validation part." in result.out
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["facts"]["Keypoints"]["rows"][0][0] == "nose"
    assert report["settings"]["flips"]["value"] is True
    page = (tmp_path / "report" / "report.html").read_text()
    assert "data:image/jpeg;base64," in page and "http" not in page
    with Image.open(tmp_path / "report" / "sheet.jpg") as sheet:
        assert sheet.width > 400


def test_bad_data_end_with_1_and_the_errors_first(tmp_path, mice):
    (tmp_path / "images" / "more.png").write_bytes(b"x")
    for annotation in mice["annotations"]:
        annotation["keypoints"][2] = 0
    content = dict(mice)
    for split in ("train", "val"):
        write(tmp_path, content, f"keypoints_{split}.json")
    result = run("data", "check", tmp_path, "--no-decode", exit_code=1)
    levels = [ln.split(":")[0] for ln in result.out.splitlines() if ": " in ln]
    levels = [level for level in levels if level in ("error", "warning", "note")]
    assert levels == sorted(levels, key=("error", "warning", "note").index)
    assert "error: Training and validation are the same 12 pictures" in result.out
    assert "warning: nose: labelled on nobody" in result.out
    assert "note: 1 picture beside the labelled ones" in result.out


def test_damaged_and_repeated_pictures_are_found(tmp_path, mice):
    images = sorted((tmp_path / "images").iterdir())
    shutil.copy(images[0], images[1])
    pixels = images[2].read_bytes()
    # The header and the end are whole.
    images[2].write_bytes(pixels[:60] + bytes(40) + pixels[100:])
    write(tmp_path, mice)
    result = run("data", "check", tmp_path, exit_code=1)
    assert "error: 1 picture cannot be decoded" in result.out
    assert "1 picture is a copy of another of the same part" in result.out


@pytest.mark.parametrize("damage", ["cut short", "another size"])
def test_a_damaged_labelled_picture_is_told_once(tmp_path, mice, damage):
    path = sorted((tmp_path / "images").iterdir())[0]
    if damage == "cut short":
        path.write_bytes(path.read_bytes()[:-30])
    else:
        with Image.open(path) as image:
            image.resize((40, 30)).save(path)
    write(tmp_path, mice)
    said = run("data", "check", tmp_path, exit_code=1).out
    assert "skipped 1 bad example:" in said
    assert said.count(path.name) == 1 and "beside the labelled" not in said


def test_a_damaged_picture_of_a_class_is_told_once(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(8):
        path = tmp_path / ("cat", "dog")[i % 2] / f"picture{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 48, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:-30])
    said = run("data", "check", tmp_path, exit_code=1).out
    assert "skipped 1 bad example:" in said
    assert said.count(path.name) == 1 and "beside the labelled" not in said


def test_masks_of_0_and_255_say_what_they_are(tmp_path):
    for i in range(8):
        for name in ("images", "masks"):
            (tmp_path / name).mkdir(exist_ok=True)
        picture = np.full((40, 48, 3), 40 * (i % 6), np.uint8)
        picture[i, i] = i
        Image.fromarray(picture).save(tmp_path / "images" / f"{i}.png")
        mask = np.zeros((40, 48), np.uint8)
        mask[5 : 20 + i] = 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{i}.png")
    result = run("data", "check", tmp_path)
    assert "foreground" in result.out and "background" in result.out
    (tmp_path / "labels.json").write_text('{"classes": ["background", "polyp"]}')
    said = run(
        *("data", "check", tmp_path, "--labels", tmp_path / "labels.json"), exit_code=1
    ).out
    assert '"label_ids": [0, 255]' in said


def test_an_unknown_task_is_told(tmp_path):
    assert "Pass one of pose" in fail("data", "check", tmp_path, "--task", "poses")
    assert "no file or folder" in fail("data", "check", tmp_path / "none")


def test_a_turned_photo_is_a_note_and_no_error(tmp_path, mice):
    path = sorted((tmp_path / "images").iterdir())[0]
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    write(tmp_path, mice)
    said = run("data", "check", tmp_path).out
    assert "note: 1 picture is turned upright, as EXIF says" in said
    assert "error" not in said and "Mend" not in said


def test_each_thing_is_told_once(tmp_path, mice):
    mice["annotations"][0]["keypoints"] = [0] * 9
    mice["categories"][0]["keypoints"] = ["nose", "Nose", "tail"]
    write(tmp_path, mice)
    said = run("data", "check", tmp_path).out
    assert said.count("1 person without a labelled keypoint") == 1
    assert "warning: nose, Nose differ in case, spaces or hyphens alone" in said
    assert "learnt as 2 keypoints" in said


def test_an_archive_is_to_be_unpacked(tmp_path):
    path = tmp_path / "task_crabs.zip"
    path.write_bytes(b"PK")
    assert "is an archive. Unpack it" in fail("data", "check", path)
    assert "archive task_crabs.zip. Unpack it" in fail("data", "check", tmp_path)
