"""C computes with NaN, infinities, zeros of both signs, integers and casts as NumPy does, and writes to views."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from minigrad.compile import capture
from minigrad.compile.native import execution as execution_module
from tests.compile.native.programs import built, run
from tests.helpers.inputs import flat

NAN, INF = np.nan, np.inf
EDGES = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 1e-45, -1e-40, 3e38, -3e38, 7.3, INF, -INF, NAN, 1.5, 2.5], np.float32
)
X, Y = (array.reshape(-1).copy() for array in np.meshgrid(EDGES, EDGES))
INTEGERS = np.array([0, 1, -1, 2, -2, 3, -3, 7, -7, 100, 127, -128], np.int64)
WHOLE, OTHER = (array.reshape(-1).copy() for array in np.meshgrid(INTEGERS, INTEGERS))
ROWS = np.random.default_rng(0).standard_normal((37, 21)).astype(np.float32)
HOLED = ROWS.copy()
HOLED[3, 4], HOLED[5, 4], HOLED[8, 2] = NAN, INF, -INF
SMALL = np.arange(1, 13.0).reshape(3, 4)

UNARY = (
    "negative", "absolute", "sign", "sqrt", "square", "reciprocal", "exp", "log", "tanh", "expm1", "log1p", "exp2",
    "log2", "log10", "sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh",
    "floor", "ceil", "trunc", "rint", "cbrt", "isnan", "isinf", "isfinite", "signbit", "logical_not",
)  # fmt: skip
BINARY = (
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "fmax", "fmin", "power", "fmod", "remainder",
    "floor_divide", "copysign", "hypot", "arctan2", "logaddexp", "logaddexp2", "nextafter", "equal", "not_equal",
    "less", "less_equal", "greater", "greater_equal", "logical_and", "logical_or", "logical_xor",
)  # fmt: skip
OF_INTEGERS = (
    "add", "subtract", "multiply", "maximum", "minimum", "floor_divide", "remainder", "fmod", "bitwise_and",
    "bitwise_or", "bitwise_xor", "equal", "less", "divide", "left_shift",
)  # fmt: skip
KINDS = ("int8", "int16", "int32", "int64", "uint8", "uint32", "uint64")


def integer_pair(ufunc, dtype):
    """A function of integers of a dtype; shifts are by small numbers."""
    return lambda i, j: ufunc(i.astype(dtype), (j & 3 if ufunc is np.left_shift else j).astype(dtype))


def in_place(x):
    y = x.copy()
    y += 1
    y[1:, ::2] = 7
    y[0] -= x[1]
    y[:, 1:] *= y[:, :-1]
    np.exp(y * 0.01, out=y)
    np.copyto(y, 0, where=x > 3)
    return y, y.T[1:].reshape(-1), y[::-1, ::-1] * 2


def through_views(x):
    y = x * 1
    rows, column = y.reshape(-1), y.T[0]
    before = y + 0
    rows[3:6] = -1
    column.fill(5)
    rows += rows[::-1]
    return y, rows * 2, column, before


def several_times(x):
    y = np.zeros_like(x)
    for i in range(3):
        y[i] = x[i] * i
        y[:, i] += y[:, i + 1]
    return y, np.concatenate([y, x[:1]])


CALLS = {
    **{name: (getattr(np, name), (EDGES,)) for name in UNARY},
    **{f"{name} of float64": (getattr(np, name), (EDGES.astype(np.float64),)) for name in UNARY},
    **{name: (getattr(np, name), (X, Y)) for name in BINARY},
    **{
        f"{name} of {kind}": (integer_pair(getattr(np, name), kind), (WHOLE, OTHER))
        for name in OF_INTEGERS for kind in KINDS
    },
    "powers": (lambda x: [np.power(x, p) for p in (0, 1, 2, 3, -1, 0.5, -2, 2.5)], (EDGES,)),
    "float16": (lambda x: (x.astype(np.float16) * np.float16(1.1) + 1, np.exp(x.astype(np.float16))), (EDGES[:8],)),
    "casts": (lambda x: [x.astype(d) for d in (np.float64, np.bool_, np.float16)], (EDGES,)),
    "casts out of range": (lambda x: [x.astype(d) for d in ("int8", "uint8", "int32", "int64", "uint32")], (EDGES,)),
    "casts of integers": (lambda i: [(i * 37).astype(d) for d in (*KINDS, "float32", "bool")], (INTEGERS,)),
    "where": (lambda x, y: (np.where(x > y, x, 0), np.where(x, 1.0, y)), (X, Y)),
    "sums": (lambda x: [np.add.reduce(x, a, dtype=d) for a in (0, 1, None) for d in (None, np.float64)], (ROWS,)),
    "largest": (lambda x: [f.reduce(x, a) for f in (np.maximum, np.minimum) for a in (0, 1, None)], (ROWS,)),
    "largest with holes": (lambda x: [f.reduce(x, a) for f in (np.maximum, np.minimum) for a in (0, 1)], (HOLED,)),
    "products": (lambda x: [np.multiply.reduce(x, a) for a in (0, 1)], (ROWS,)),
    "methods": (
        lambda x: (x.sum(1), x.max(), np.any(x > 2, 1), np.all(x, 0), x.prod(0), np.count_nonzero(x > 0, 1)), (ROWS,)
    ),
    "any and all": (
        lambda x: [f.reduce(x > 1, a) for f in (np.logical_or, np.logical_and) for a in (0, 1, None)], (ROWS,)
    ),
    "three axes": (
        lambda x: [np.add.reduce(x, a, keepdims=k) for a in (0, 1, 2, (0, 2), (1, 2), (0, 1)) for k in (False, True)],
        (ROWS.reshape(37, 3, 7),),
    ),
    "transposed": (lambda x: (x.T + x.T.copy(), np.add.reduce(x.T, 0), (x.T * 2).reshape(-1)), (ROWS,)),
    "largest and sums at once": (lambda x: (x - x.max(1, keepdims=True), x.sum(0), x.sum(1), (x * x).sum(0)), (ROWS,)),
    "matmul": (lambda x: (x @ x.T, x.T @ x, x[:5] @ x.T, x.T @ x[:, 0], x[0] @ x.T, x[:, ::2] @ x[:11]), (ROWS,)),
    "matmul of stacks": (
        lambda x: (x @ x.swapaxes(1, 2), x @ x[0].T, x[:, :1] @ x.swapaxes(1, 2)), (ROWS[:36].reshape(4, 9, 21),)
    ),
    "matmul of float64": (lambda x: (x @ x.T, x.T @ x), (ROWS.astype(np.float64),)),
    "indices": (lambda x, i: (x[i], x[i, i], x[:, i], np.take(x, i, 1), x[i % 3][:, 2:]), (ROWS, WHOLE % 21)),
    "in place": (in_place, (SMALL,)),
    "through views": (through_views, (SMALL,)),
    "several times": (several_times, (SMALL,)),
    "joined": (
        lambda x: (np.concatenate([x, x * 2, x[:1]]), np.stack([x, -x], 1), np.concatenate([x, x.T], None)), (SMALL,)
    ),
    "empty": (lambda x: (x[:0].sum(0), np.exp(x[:0]), np.concatenate([x[:0], x])), (SMALL,)),
    "broadcast": (lambda x: (x[:, None] * x, np.broadcast_to(x[0], (5, 4)) + x[0, 0], x[:, :1] + x[:1]), (SMALL,)),
}  # fmt: skip


OF_EITHER_ZERO = ("maximum", "minimum", "fmax", "fmin")
"""Of 0.0 and -0.0 NumPy itself takes now the one, now the other: single elements and vectors differ."""


@functools.cache
def executions():
    programs = [capture(function, *map(np.copy, inputs))[0] for function, inputs in CALLS.values()]
    return dict(zip(CALLS, built(programs)))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.filterwarnings("ignore")
def test_c_computes_what_numpy_computes(name):
    function, inputs = CALLS[name]
    execution = executions()[name]
    for given in (inputs, [np.roll(array, 1, 0) for array in inputs]):
        kept = [array.copy() for array in given]
        with np.errstate(all="ignore"):
            expected = list(flat(function(*map(np.copy, given))))
        for y, right in zip(run(execution, *given), expected, strict=True):
            assert (y.shape, y.dtype) == (np.shape(right), np.asarray(right).dtype)
            if y.dtype.kind == "f":
                tolerance = {2: 1e-3, 4: 3e-6, 8: 1e-13}[y.dtype.itemsize]
                np.testing.assert_allclose(y, right, rtol=tolerance, atol=tolerance if y.ndim else 1e-4)
                if name not in OF_EITHER_ZERO:
                    np.testing.assert_array_equal(np.signbit(y[y == 0]), np.signbit(np.asarray(right)[y == 0]))
            else:
                np.testing.assert_array_equal(y, right)
        for array, before in zip(given, kept):
            np.testing.assert_array_equal(array, before)


def test_the_error_of_exp_is_at_most_numpys():
    x = np.linspace(-87, 88, 400_001, dtype=np.float32)
    program, _ = capture(np.exp, x)
    (y,) = run(built([program])[0], x)
    exact = np.exp(x.astype(np.float64))
    assert np.abs(y / exact - 1).max() <= max(np.abs(np.exp(x) / exact - 1).max(), 1e-7)


def test_an_index_out_of_bounds_is_an_error():
    program, _ = capture(lambda x, i: x[i], ROWS, WHOLE % 21)
    (execution,) = built([program])
    with pytest.raises(IndexError, match="out of bounds"):
        run(execution, ROWS, WHOLE % 21 + 20)
    np.testing.assert_array_equal(run(execution, ROWS, -(WHOLE % 21))[0], ROWS[-(WHOLE % 21)])


def test_an_index_that_nobody_uses_is_looked_at():
    program, _ = capture(lambda x, k: (x[k], x * 2)[1], np.arange(3.0), np.array([1]))
    (execution,) = built([program])
    np.testing.assert_array_equal(run(execution, np.arange(3.0), np.array([2]))[0], [0, 2, 4])
    with pytest.raises(IndexError, match="out of bounds"):
        run(execution, np.arange(3.0), np.array([7]))


def test_results_are_new_arrays_and_large_inputs_are_read_where_they_are():
    x = np.random.default_rng(0).standard_normal((300, 200)).astype(np.float32)
    program, _ = capture(lambda x: (x * 2, x.sum(0)), x)
    (execution,) = built([program])
    first, again = run(execution, x), run(execution, np.asfortranarray(x + 1))
    np.testing.assert_array_equal(first[0], x * 2)
    np.testing.assert_array_equal(again[0], (x + 1) * 2)
    assert execution.direct and not np.may_share_memory(first[0], again[0])


@pytest.mark.parametrize("lanes", [16, 8, 4])
@pytest.mark.parametrize("name", ["matmul", "matmul of stacks", "matmul of float64"])
def test_products_of_our_own_with_vectors_of_other_lengths_and_without_a_blas(name, lanes, monkeypatch):
    monkeypatch.setattr(execution_module, "products", lambda: None)
    function, (x,) = CALLS[name]
    (execution,) = built([capture(function, x)[0]], "-O1", lanes=lanes)
    assert "gemm" not in "".join(execution.written.functions + execution.written.stretches[0])
    for y, right in zip(run(execution, x), flat(function(x)), strict=True):
        np.testing.assert_allclose(y, right, rtol=1e-4, atol=1e-4)
