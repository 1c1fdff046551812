"""What ``minigrad doctor`` knows of the BLAS and measures of it."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from minigrad.benchmarks import blas
from minigrad.benchmarks.blas import Blas, Speed
from tests.command_line.machines import AVX512, BUILD, OTHER

pytestmark = pytest.mark.usefixtures("cache")


@pytest.mark.parametrize(
    ("configuration", "features", "environment", "setting"),
    [
        (BUILD, AVX512, {}, OTHER),
        (BUILD.replace("Haswell", "Zen"), AVX512, {}, OTHER),
        (BUILD.replace("Haswell", "Prescott"), AVX512, {"OPENBLAS_NUM_THREADS": "1"}, OTHER),
        (BUILD, {"AVX2": True, "AVX512F": True}, {}, {}),
        (BUILD, {"AVX2": True, "AVX512_SKX": False}, {}, {}),
        (BUILD, {}, {}, {}),
        (BUILD.replace("DYNAMIC_ARCH ", ""), AVX512, {}, {}),
        (BUILD.replace("Haswell", "SkylakeX"), AVX512, {}, {}),
        (BUILD.replace("Haswell", "Cooperlake"), AVX512, {}, {}),
        (BUILD.replace("Haswell", "SapphireRapids"), AVX512, {}, {}),
        (BUILD, AVX512, {"OPENBLAS_CORETYPE": "Haswell"}, {}),
        (BUILD, AVX512, {"OPENBLAS_CORETYPE": ""}, {}),
        ("", AVX512, {}, {}),
    ],
)
def test_other_kernels_are_tried_only_where_they_are_safe(configuration, features, environment, setting):
    assert blas.safe_setting(configuration, features, environment) == setting


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (Blas("OpenBLAS", "0.3.31.188.0", "SkylakeX", 1), "OpenBLAS 0.3.31, SkylakeX kernels, 1 thread"),
        (Blas("OpenBLAS", "0.3.21", "Zen", 16), "OpenBLAS 0.3.21, Zen kernels, 16 threads"),
        (Blas("mkl-sdl", "2023.1", None, None), "mkl-sdl 2023.1"),
        (Blas("accelerate", "unknown", None, None), "accelerate"),
    ],
)
def test_a_blas_is_described_in_one_line(given, text):
    assert blas.describe_blas(given) == text


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        ({"Build Dependencies": {"blas": {"name": "mkl-sdl", "version": "2023.1"}}}, ("mkl-sdl", "2023.1")),
        ({"Build Dependencies": {"blas": {"name": "scipy-openblas", "version": "0.3.30"}}}, ("OpenBLAS", "0.3.30")),
        ({"Build Dependencies": {"blas": {"name": "accelerate", "found": True}}}, ("accelerate", "unknown")),
        ({"Build Dependencies": {}}, ("unknown BLAS", "unknown")),
        ({}, ("unknown BLAS", "unknown")),
    ],
)
def test_of_another_blas_there_is_what_numpy_was_built_with(build, expected, monkeypatch):
    monkeypatch.setattr(blas, "SYMBOLS", ())
    monkeypatch.setattr(np, "show_config", lambda mode: build)
    assert blas.blas_in_use() == (*expected, None, None)
    assert blas.alternative() == {}


def test_openblas_is_asked_itself():
    built = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    if built["name"] != "scipy-openblas":
        pytest.skip("NumPy is not from a wheel with OpenBLAS")
    here = blas.blas_in_use()
    assert (here.library, here.version) == ("OpenBLAS", built["version"])
    assert here.kernels in blas.configuration().split()
    assert here.threads >= 1


def refuse(name):
    raise OSError(name)


@pytest.mark.parametrize("ctypes", [None, SimpleNamespace(CDLL=refuse)], ids=["no ctypes", "not opened"])
def test_a_library_that_cannot_be_asked_is_no_openblas(ctypes, monkeypatch):
    monkeypatch.setitem(sys.modules, "ctypes", ctypes)
    assert blas.configuration() == ""
    assert blas.blas_in_use().kernels is None


def test_speeds_are_medians_over_rounds_and_gains_are_compared_within_a_round():
    here = Blas("OpenBLAS", "0.3", "Haswell", 2)
    # the machine is slower in the second half: the ratio of the medians would be 1
    usual, other = Speed(here, [100, 100, 100, 10, 10]), Speed(here, [200, 200, 20, 20, 20])
    assert usual.gflops == 100 and other.gflops == 20
    assert other.gain(usual) == 2


@pytest.mark.slow
def test_settings_are_measured_in_processes_of_their_own(monkeypatch):
    monkeypatch.setattr(blas, "ROUNDS", 1)
    before = dict(os.environ)
    speeds = blas.measure({"one": blas.ONE_THREAD, "broken": {"PYTHONHOME": "/nowhere"}})
    assert dict(os.environ) == before
    assert list(speeds) == ["one"]
    assert len(speeds["one"].rounds) == 1 and speeds["one"].gflops > 0
    assert speeds["one"].blas == blas.blas_in_use()._replace(threads=speeds["one"].blas.threads)
    assert speeds["one"].blas.threads in (1, None)
