"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


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
