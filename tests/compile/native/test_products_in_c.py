"""Products of a few rows, of panels of columns and of what is left of them, against products in float64."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.compile import capture
from tests.compile.native.programs import built, run

SIZES = [(1, 1, 1), (1, 3, 17), (1, 100, 100), (2, 17, 64), (3, 5, 100), (3, 64, 33), (4, 100, 17), (17, 3, 100),
         (33, 40, 13), (29, 17, 70), (100, 1, 12)]  # fmt: skip
"""Rows, inner ones, columns."""


@pytest.mark.parametrize("lanes", [4, 16])
def test_products_are_those_of_float64(lanes):
    random = np.random.default_rng(0)
    cases = []
    for number, (rows, inner, columns) in enumerate(SIZES):
        dtype = np.float64 if number % 4 == 3 else np.float32
        a, b = (random.standard_normal(shape).astype(dtype) for shape in ((rows, inner), (inner, columns)))
        cases += [(a, b), (np.asfortranarray(a), b), (a, np.asfortranarray(b))]
    programs = [capture(lambda a, b: a @ b, a, b)[0] for a, b in cases]
    for (a, b), execution in zip(cases, built(programs, "-O1", lanes=lanes)):
        right = a.astype(float) @ b.astype(float)
        tolerance = 1e-5 if a.dtype == np.float32 else 1e-14
        (found,) = run(execution, a, b)
        np.testing.assert_allclose(found, right, atol=tolerance * len(b), err_msg=f"{a.shape} {b.strides}")
