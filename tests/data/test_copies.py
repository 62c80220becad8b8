"""Pictures that are there twice, and parts that are the same."""

import pytest

from hrnet_tf.data.copies import check_splits, copies
from hrnet_tf.data.findings import Finding, sorted_findings, stop_on_errors


@pytest.fixture
def files(tmp_path):
    """Six files, of which c and d are copies of a."""
    contents = {"a": b"12", "b": b"34", "c": b"12", "d": b"12", "e": b"5", "f": b"678"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return {name: str(tmp_path / name) for name in contents}


def test_copies_are_found_by_content(files):
    assert copies(files.values()) == [(files["a"], files["c"], files["d"])]
    assert copies([files["a"], files["a"], files["b"], "absent"]) == []


def test_parts_with_common_pictures(files):
    def levels(**splits):
        paths = {key: [files[name] for name in names] for key, names in splits.items()}
        return [finding.level for finding in check_splits(paths)]

    assert levels(train="ab", val="e") == []
    assert levels(train="ab", val="ae") == ["warning"]
    assert levels(train="abc", val="de") == ["warning"]
    assert levels(train="abc", val="e") == ["note"]
    assert levels(train="", val="e") == ["error"]
    assert levels(train="ab", val="") == ["error"]


def test_the_same_pictures_are_an_error_where_it_is_asked_for(files):
    same = {"train": [files["a"]], "val": [files["a"]]}
    assert [f.level for f in check_splits(same)] == ["warning"]
    (finding,) = check_splits(same, "error")
    assert finding.level == "error" and "leave val out" in finding.advice


def test_errors_stop_and_warnings_warn():
    error, warning = Finding("error", "All is lost.", "Go."), Finding("warning", "Oh.")
    assert sorted_findings([warning, error, warning]) == [error, warning]
    with pytest.warns(UserWarning, match="Oh."), pytest.raises(ValueError) as caught:
        stop_on_errors([warning, error])
    assert str(caught.value) == "All is lost. Go."
    with pytest.raises(ValueError, match="2 things stop the training:\n1. All.*\n2. "):
        stop_on_errors([error, Finding("error", "More.")])
    stop_on_errors([Finding("note", "Well.")])
