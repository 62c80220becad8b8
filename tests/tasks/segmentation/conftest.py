"""Segmenters that several tests run."""

import pytest
from segmenters import BlockNetwork, make_segmenter


@pytest.fixture(scope="session")
def block_network():
    return BlockNetwork()


@pytest.fixture(scope="session")
def segmenter():
    return make_segmenter()


@pytest.fixture(scope="session")
def aligned_segmenter():
    """One whose maps are resized with the corners' centres aligned."""
    return make_segmenter(interpolation="bilinear_align_corners")
