"""NumPy's BLAS through its pointers."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from minigrad.compile.native import blas
from minigrad.compile.native.blas import AS_IT_IS, ROWS


@pytest.fixture(autouse=True)
def fresh():
    blas.products.cache_clear()
    yield
    blas.products.cache_clear()


@pytest.fixture
def products():
    found = blas.products()
    if found is None:
        pytest.skip("NumPy's BLAS has other names here")
    return found


def test_the_products_of_numpys_wheel_are_found():
    if "scipy-openblas" not in str(np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]):
        pytest.skip("this is no wheel of NumPy's own")
    found = blas.products()
    assert found is not None and found.library == "OpenBLAS" and found.integer in ("int32_t", "int64_t")


@pytest.mark.parametrize("name", blas.FUNCTIONS)
def test_pointers_can_be_called_and_give_numpys_bits(products, name):
    n = ctypes.c_int64 if products.bits == 64 else ctypes.c_int32
    dtype, real = (np.float32, ctypes.c_float) if name[0] == "s" else (np.float64, ctypes.c_double)
    rng, pointer, order = np.random.default_rng(0), ctypes.c_void_p, ctypes.c_int
    a = rng.standard_normal((48, 33)).astype(dtype)
    if name.endswith("gemm"):
        b = rng.standard_normal((33, 20)).astype(dtype)
        out = np.empty((48, 20), dtype)
        types = [order, order, order, n, n, n, real, pointer, n, pointer, n, real, pointer, n]
        numbers = [
            ROWS,
            AS_IT_IS,
            AS_IT_IS,
            48,
            20,
            33,
            1,
            a.ctypes.data,
            33,
            b.ctypes.data,
            20,
            0,
            out.ctypes.data,
            20,
        ]
    else:
        b = rng.standard_normal(33).astype(dtype)
        out = np.empty(48, dtype)
        types = [order, order, n, n, real, pointer, n, pointer, n, real, pointer, n]
        numbers = [ROWS, AS_IT_IS, 48, 33, 1, a.ctypes.data, 33, b.ctypes.data, 1, 0, out.ctypes.data, 1]
    ctypes.CFUNCTYPE(None, *types)(getattr(products, name))(*numbers)
    np.testing.assert_allclose(out, a @ b, rtol=1e-5 if dtype == np.float32 else 1e-13)


@pytest.mark.parametrize("name", blas.FUNCTIONS)
def test_products_that_are_wrong_are_not_used(products, name, monkeypatch):
    right = blas.right
    monkeypatch.setattr(blas, "right", lambda function, asked, bits: asked != name and right(function, asked, bits))
    blas.products.cache_clear()
    assert blas.products() is None


def test_another_blas_is_none(monkeypatch):
    monkeypatch.setattr(blas, "NAMES", (("nothing_{}", 32),))
    monkeypatch.setattr(blas, "PREFIXES", ("nothing_{}",))
    assert blas.products() is None and blas.threads() is None and blas.set_threads(1) is False


def test_a_python_without_ctypes_has_none(monkeypatch):
    monkeypatch.setattr(blas, "ctypes", None)
    assert blas.products() is None and blas.threads() is None


def test_libraries_that_cannot_be_opened_are_passed_over(monkeypatch):
    def refuse(path):
        raise OSError(path)

    monkeypatch.setattr(blas.ctypes, "CDLL", refuse)
    assert list(blas.libraries()) == []


def test_a_sum_instead_of_a_product_is_seen():
    def wrong(*numbers):
        """Leaves the result as it was."""

    assert not blas.right(wrong, "sgemm", 64) and not blas.right(wrong, "dgemv", 32)


def test_threads_are_set(products):
    before = blas.threads()
    if before is None:
        pytest.skip("this BLAS does not tell")
    try:
        assert blas.set_threads(1) and blas.threads() == 1
    finally:
        blas.set_threads(before)
    assert blas.threads() == before


def test_names_of_64_bits_come_before_shorter_ones():
    wide = [names for names, bits in blas.NAMES if bits == 64]
    assert all("64" in names for names in wide) and blas.NAMES[-1] == ("cblas_{}", 32)
