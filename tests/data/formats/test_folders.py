"""What is not data is not read, and what is left out is said."""

import warnings

import pytest
from drawn_shapes import draw_folder, draw_shape

from hrnet_tf.cli.predict import _inputs
from hrnet_tf.data.formats import image_folder, label_folder


def add(folder, *names):
    """Draws pictures of these names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_shape("circle", 0).save(path, "PNG")
    return folder


SYSTEM = ("Thumbs.db", ".DS_Store", "desktop.ini", "._a.png", "__MACOSX/._a.png")


def test_what_systems_leave_is_passed_over(tmp_path):
    add(tmp_path / "one", "a.png", *SYSTEM)
    draw_folder(tmp_path / "classes", 1)
    add(tmp_path / "classes", *SYSTEM)
    add(tmp_path / "classes" / "circle", *SYSTEM)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = label_folder.files_by_name(tmp_path / "one", (".png",))
        assert list(found) == ["a"]
        assert [path.name for path in _inputs([tmp_path / "one"])] == ["a.png"]
        classes = image_folder.class_folders(tmp_path / "classes")
        assert classes == ("circle", "square", "stripes")
        assert len(image_folder.load_folders(tmp_path / "classes", classes)) == 3


def test_classes(tmp_path):
    draw_folder(tmp_path, 2)
    add(tmp_path / "circle", ".ipynb_checkpoints/000-checkpoint.jpg", "deep/x.jpg")
    add(tmp_path, "beside.jpg", ".hidden/y.jpg")
    classes = image_folder.class_folders(tmp_path)
    said = (
        r"left out: 2 hidden files or folders \(such as .hidden\); 1 file beside"
        r" the class folders \(such as beside.jpg\)\."
    )
    with pytest.warns(UserWarning, match=said):
        examples = image_folder.load_folders(tmp_path, classes)
    assert len(examples) == 7
    assert any(example.image_path.endswith("x.jpg") for example in examples)


def test_labels(tmp_path):
    add(tmp_path, "a.png", "more/b.png", ".c.png", "d.tif", "list")
    said = (
        r"1 hidden file or folder \(such as .c.png\); 1 file that ends in .tif \(such"
        r" as d.tif\); 1 file without an ending \(such as list\); 1 sub-folder, which"
        r" is not searched \(such as more\)\."
    )
    with pytest.warns(UserWarning, match=said):
        assert list(label_folder.files_by_name(tmp_path, (".png",))) == ["a"]
    # In a layout of sub-folders there are others.
    add(tmp_path, "more/.d.png")
    with pytest.warns(UserWarning, match=r"out: 1 hidden .*such as more/.d.png\)\."):
        found = label_folder.files_by_name(tmp_path, (".png",), "*/*")
    assert list(found) == ["more/b"]


def test_predictions(tmp_path):
    add(tmp_path, "a.png", "B.PNG", "more/b.png", ".c.png", "d.heic")
    said = (
        r"1 hidden file or folder \(such as .c.png\); 1 file that ends in .heic"
        r" \(such as d.heic\); 1 sub-folder, which is not searched \(such as more\)\."
    )
    with pytest.warns(UserWarning, match=said):
        found = _inputs([tmp_path])
    assert [path.name for path in found] == ["B.PNG", "a.png"]


def test_lists_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("a.png b.png\n", encoding="utf-8-sig")
    assert label_folder.numbered_lines(path) == [(1, "a.png b.png")]
    names = tmp_path / "names.txt"
    names.write_text("circle round\nsquare corners\n", encoding="utf-8-sig")
    found = image_folder.read_class_names(names, ("circle", "square"))
    assert found == ("round", "corners")
