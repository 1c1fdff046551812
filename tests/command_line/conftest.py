"""Fixtures of the tests of the command line: empty folders, caches and slow kernels."""

from __future__ import annotations

import pytest

from minigrad.benchmarks import blas
from minigrad.benchmarks.blas import Blas
from minigrad.command_line import process
from tests.command_line.machines import AVX512, BUILD


@pytest.fixture
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder of caches, empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    return tmp_path


@pytest.fixture
def slow_kernels(monkeypatch):
    """A machine with AVX-512 whose OpenBLAS chose Haswell kernels, and where processes can be replaced."""
    monkeypatch.setattr(blas, "configuration", lambda: BUILD)
    monkeypatch.setattr(blas, "blas_in_use", lambda: Blas("OpenBLAS", "0.3.31.188.0", "Haswell", 2))
    monkeypatch.setattr(blas.CORE, "__cpu_features__", AVX512)
    monkeypatch.setattr(process, "RESTARTS", True)
    for name in blas.OPENBLAS_THREADS:
        monkeypatch.delenv(name, raising=False)
