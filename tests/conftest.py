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
