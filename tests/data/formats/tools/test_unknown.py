"""What is said of folders and files in which no format is found."""

import json

import pytest
from drawn_people import draw_pictures
from drawn_tools import coco_people

from hrnet_tf.data.formats.tools import FORMATS
from hrnet_tf.own.reading import read_data

TASKS = ("pose", "segmentation", "classification")


def said(path, task):
    with pytest.raises(ValueError) as caught:
        read_data(path, task)
    return str(caught.value)


@pytest.mark.parametrize("task", TASKS)
class TestFolders:
    def test_an_empty_one_is_empty(self, tmp_path, task):
        assert "it is empty" in said(tmp_path, task)
        (tmp_path / ".DS_Store").touch()
        assert "nothing but hidden files" in said(tmp_path, task)

    def test_pictures_alone_need_labels(self, tmp_path, task):
        draw_pictures(tmp_path, "a.png", "b.jpg")
        text = said(tmp_path, task)
        assert "holds 2 pictures" in text
        wanted = "no two folders" if task == "classification" else "as `images`"
        assert wanted in text

    def test_other_files_are_named(self, tmp_path, task):
        (tmp_path / "paper.pdf").write_text("x")
        assert "neither pictures nor" in said(tmp_path, task)
        assert "1 file such as paper.pdf" in said(tmp_path, task)

    def test_the_nearest_is_told_with_its_difference(self, tmp_path, task):
        (tmp_path / "labels.json").write_text('{"imagePath": "a.png"}')
        text = said(tmp_path, task)
        assert "file labels.json" in text
        assert "nearest is labelme, but it has no list 'shapes'" in text
        for known in FORMATS:
            assert (f" {known.name}" in text.split("Known are:")[1]) == (
                task in known.tasks
            )

    def test_a_damaged_file_is_called_so(self, tmp_path, task):
        (tmp_path / "labels.json").write_text('{"shapes": [')
        assert "it is damaged" in said(tmp_path, task)


def test_a_file_among_others_that_fits_is_named(tmp_path):
    path = coco_people(tmp_path / "deep" / "er")
    text = said(tmp_path, "pose")
    assert f"its file {path} is read as coco" in text
    assert "the pictures as `images`" in text


@pytest.mark.parametrize(
    "content, difference",
    [
        ({"images": [{"id": 1}]}, "nearest is coco, but it has no list 'annotations'"),
        ([1, 2], "none fits|nearest is"),
    ],
)
def test_files(tmp_path, content, difference):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=difference):
        read_data(path, "pose")
