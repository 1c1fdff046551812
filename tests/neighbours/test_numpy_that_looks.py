"""NumPy's functions whose results have no derivative take tensors of a graph."""

from __future__ import annotations

import io

import numpy as np
import pytest

import minigrad as mg

VALUES = np.array([3.0, 1.0, 2.0])

LOOKING = {
    "allclose": lambda x: np.allclose(x, VALUES),
    "array_equal": lambda x: np.array_equal(x, VALUES),
    "array_equiv": lambda x: np.array_equiv(VALUES, x),
    "isclose": lambda x: np.isclose(x, VALUES + 1),
    "argsort": np.argsort,
    "argwhere": np.argwhere,
    "count_nonzero": np.count_nonzero,
    "digitize": lambda x: np.digitize(x, [1.5, 2.5]),
    "flatnonzero": np.flatnonzero,
    "nonzero": np.nonzero,
    "searchsorted": lambda x: np.searchsorted([1.5, 2.5], x),
    "unique": np.unique,
    "array2string": np.array2string,
    "any": lambda x: np.any(x, axis=0),
    "all": np.all,
    "isin": lambda x: np.isin(x, [1.0, 2.0]),
    "zeros_like": np.zeros_like,
    "ones_like": lambda x: np.ones_like(x, dtype=np.int64),
    "full_like": lambda x: np.full_like(x, 2.0),
    "shape of empty_like": lambda x: np.empty_like(x).shape,
    "iscomplexobj": np.iscomplexobj,
}


@pytest.mark.parametrize("function", LOOKING.values(), ids=LOOKING)
def test_a_tensor_of_a_graph_is_looked_at(function):
    x = mg.tensor(VALUES, requires_grad=True) * 1
    np.testing.assert_array_equal(function(x), function(VALUES))


def test_a_tensor_of_a_graph_is_saved():
    file = io.BytesIO()
    np.save(file, mg.tensor(VALUES, requires_grad=True))
    np.testing.assert_array_equal(np.load(io.BytesIO(file.getvalue())), VALUES)


@pytest.mark.parametrize("function", [np.histogram, np.interp, np.convolve])
def test_a_function_that_would_cut_the_graph_is_refused(function):
    x = mg.tensor(VALUES, requires_grad=True)
    with pytest.raises(TypeError, match=r"requires grad|no gradient"):
        function(*(x,) * {np.interp: 3, np.convolve: 2}.get(function, 1))
