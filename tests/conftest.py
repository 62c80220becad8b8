"""Fixtures that every test may use."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Pytest's importlib mode finds no module beside the tests.
sys.path.append(str(ROOT / "tests"))


@pytest.fixture(scope="session")
def shared():
    """The folder with real samples and reference numbers (HRNET_SHARED)."""
    folder = Path(os.environ.get("HRNET_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        reason = (
            f"HRNET_SHARED={folder} is absent: real samples are not on this machine"
        )
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def golden():
    """The folder of reference numbers kept in the repository."""
    return ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def people_dir(tmp_path_factory):
    """A small embedded data set in COCO's layout: 12 and 6 drawn pictures."""
    from hrnet_tf.data.synthetic import generate_people

    folder = tmp_path_factory.mktemp("people") / "data"
    return generate_people(folder, 12, 6)


@pytest.fixture(scope="module")
def drawn_people(tmp_path_factory):
    """A smaller one: 6 and 4 pictures of 120x160."""
    from hrnet_tf.data.synthetic import generate_people

    folder = tmp_path_factory.mktemp("data")
    generate_people(folder, 6, 4, image_size=(120, 160))
    return folder


@pytest.fixture(scope="module")
def people(drawn_people):
    """The arguments that name the validation set."""
    annotations = drawn_people / "annotations" / "person_keypoints_val2017.json"
    return ["--annotations", annotations, "--images", drawn_people / "val2017"]
