"""Small blocks and threads that share them, so that small batches take the ways of large ones."""

import pytest

from minigrad.kernels import layouts, threads
from minigrad.kernels import moments as deviations


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def small_blocks(request, monkeypatch):
    """Everything is large, blocks are small, and each is shared by so many threads."""
    monkeypatch.setattr(deviations, "LARGE", 1)
    monkeypatch.setattr(deviations, "BLOCK_BYTES", 1 << 10)
    monkeypatch.setattr(deviations, "LONG_ROW", 8)
    monkeypatch.setattr(layouts, "LONG_ROW", 8)
    monkeypatch.setattr(deviations, "SHARED_BYTES", 1)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", str(request.param))
    threads.helpers.cache_clear()
    yield
    threads.helpers.cache_clear()


@pytest.fixture(params=[1, 3], ids=["one thread", "three threads"])
def shared_by(request, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", str(request.param))
    threads.helpers.cache_clear()
    yield request.param
    threads.helpers.cache_clear()
