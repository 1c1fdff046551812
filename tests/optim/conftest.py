"""Small blocks, so that small parameters take every way of large ones."""

import pytest

from minigrad.optim import blocks
from tests.optim.formulas import BLOCK, SMALL


@pytest.fixture
def small_blocks(monkeypatch):
    """Parameters need not be large to be cut into blocks."""
    monkeypatch.setattr(blocks, "PARAMETER_BLOCK", BLOCK)
    monkeypatch.setattr(blocks, "SMALL_PARAMETER", SMALL)
