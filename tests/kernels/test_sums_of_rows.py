"""Sums over very many rows are accurate."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.kernels import sums


def test_sums_of_very_many_rows_are_accurate():
    values = np.full((1 << 20, 4), 0.1, np.float32)
    np.testing.assert_allclose(sums.column_sums(values), values.astype(np.float64).sum(0), rtol=1e-6)


@pytest.mark.parametrize("n", [0, 1, 5, 256, 257, 1000, 5000])
@pytest.mark.parametrize(("dtype", "error"), [(np.float16, 1e-3), (np.float32, 6e-7), (np.float64, 1e-15)])
def test_sums_of_vectors_and_columns(n, dtype, error):
    values = np.random.default_rng(n).uniform(0.5, 1, (n, 3)).astype(dtype)
    exact = values.astype(np.longdouble).sum(0)
    np.testing.assert_allclose(sums.column_sums(values).astype(np.longdouble), exact, rtol=error)
    for i in range(3):
        total = sums.vector_sum(values[:, i])
        assert abs(total - exact[i]) <= error * exact[i] and total.dtype == max(np.dtype(dtype), np.dtype(np.float32))
