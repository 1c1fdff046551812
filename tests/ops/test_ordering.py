"""Scans, sorting, elements of a rank and norms: beyond samples of values and derivatives."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import linalg
from minigrad.compile import capture
from tests.helpers.inputs import distinct, leaf

TIED = np.array([[2.0, 1.0, 2.0, 3.0, 1.0], [1.0, 2.0, 2.0, 3.0, 3.0]])


@pytest.mark.parametrize("function", [mg.unique, mg.unique_consecutive, mg.bincount], ids=lambda f: f.__name__)
def test_shapes_that_depend_on_values_are_not_captured(function):
    with pytest.raises(RuntimeError, match=r"cannot be captured|asks for the value"):
        capture(lambda x: function(x), mg.tensor([1, 2, 2]))


def test_histograms_are_captured():
    program, _ = capture(lambda x: mg.histc(x, 4), mg.tensor([1.0, 2.0, 3.0, 5.0]))
    x = mg.tensor([0.0, 1.0, 3.0, 8.0])
    assert program.run(x).tolist() == mg.histc(x, 4).tolist() == [2, 1, 0, 1]


NAMED = {
    "max": lambda x: x.max(0),
    "min": lambda x: x.min(0),
    "median": lambda x: x.median(0),
    "nanmedian": lambda x: x.nanmedian(0),
    "mode": lambda x: x.mode(0),
    "kthvalue": lambda x: x.kthvalue(1, 0),
    "sort": lambda x: x.sort(0),
    "topk": lambda x: x.topk(1, 0),
    "cummax": lambda x: x.cummax(0),
    "cummin": lambda x: x.cummin(0),
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_values_and_their_places(name, shape):
    (x,) = distinct(shape)
    found = NAMED[name](leaf(x))
    assert found._fields == ("values", "indices") and found.indices.dtype == np.int64
    assert found.values.requires_grad and not found.indices.requires_grad
    if shape:
        places = found.indices.numpy()
        places = places if places.ndim == len(shape) else places[None]
        taken = np.take_along_axis(x, places, 0).reshape(found.values.shape)
        np.testing.assert_array_equal(found.values.detach().numpy(), taken)
    else:
        assert (
            found.values.shape == found.indices.shape == () and found.values.item() == x and found.indices.item() == 0
        )


@pytest.mark.parametrize("name", ["max", "median", "nanmedian", "mode", "kthvalue"])
def test_an_axis_that_is_kept_has_length_1(name):
    function = NAMED[name] if name != "kthvalue" else None
    arguments = (1,) if name == "kthvalue" else ()
    for keep in ({"keepdim": True}, {"keepdims": True}):
        found = getattr(mg.ones(2, 3, 4), name)(*arguments, dim=1, **keep)
        assert found.values.shape == found.indices.shape == (2, 1, 4)
    assert function is None or function(mg.ones(2, 3)).values.shape == (3,)


def test_places_changed_by_the_user_are_noticed():
    x = leaf([3.0, 1.0, 2.0])
    values, indices = x.sort()
    indices += 1
    with pytest.raises(RuntimeError, match="changed in place"):
        values.sum().backward()


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64, np.uint8, np.bool_])
@pytest.mark.parametrize("n", [5, 40, 300])
@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(dtype, n, descending):
    x = (np.arange(3 * n) * 7919 % 11).reshape(3, n).astype(dtype)
    x[1] = 1
    for axis in (0, 1):
        pairs = [sorted(enumerate(row), key=lambda pair: -pair[1] if descending else pair[1])
                 for row in np.moveaxis(x.astype(float), axis, -1).tolist()]  # fmt: skip
        expected = np.moveaxis(np.array([[i for i, _ in row] for row in pairs]), -1, axis)
        np.testing.assert_array_equal(mg.argsort(mg.tensor(x), axis, descending).numpy(), expected)


def test_negative_zero_equals_zero_and_nan_comes_last():
    x = mg.tensor([0.0, -0.0, np.nan, 0.0, -1.0, np.nan, np.inf] * 5)
    order = x.argsort().tolist()
    places = {name: [7 * i + k for i in range(5) for k in each]
              for name, each in {"-1": [4], "0": [0, 1, 3], "inf": [6], "nan": [2, 5]}.items()}  # fmt: skip
    assert order == [*places["-1"], *places["0"], *places["inf"], *places["nan"]]


PLACES: dict[str, tuple[Any, Any]] = {
    # PyTorch 2.14.1, the first rows of its answers for ties; kthvalue has the first place
    "median": (lambda x: x.median(1), [0, 2]),
    "mode": (lambda x: x.mode(1), [4, 2]),
    "kthvalue": (lambda x: x.kthvalue(4, 1), [0, 3]),
    "max": (lambda x: x.max(1), [3, 3]),
    "cummax": (lambda x: x.cummax(1), [[0, 0, 2, 3, 3], [0, 1, 2, 3, 4]]),
    "topk": (lambda x: x.topk(2), [[3, 0], [3, 4]]),
    "topk of smallest": (lambda x: x.topk(2, largest=False), [[1, 4], [0, 1]]),
}


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("repeats", [1, 60])
def test_places_of_ties(name, repeats):
    function, expected = PLACES[name]
    x = np.tile(TIED, (repeats, 1))
    np.testing.assert_array_equal(function(mg.tensor(x)).indices.numpy(), expected * repeats)


# -- accuracy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "logcumsumexp"])
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("width", [3, 400])
def test_scans_of_float32_are_as_exact_as_float64_rounded(name, axis, width):
    rng = np.random.default_rng(0)
    x = rng.random((20_000, width) if axis == 0 else (width, 20_000), np.float32)[: 20_000 if width == 3 else 3000]
    x = 1 + 1e-3 * (x - np.float32(0.5)) if name == "cumprod" else x
    function, exact = getattr(mg, name), {
        "cumsum": np.cumsum, "cumprod": np.cumprod, "logcumsumexp": np.logaddexp.accumulate,
    }[name](x.astype(np.float64), axis)  # fmt: skip
    np.testing.assert_allclose(function(mg.tensor(x), axis).numpy(), exact, rtol=1.3e-7, atol=0)


def test_cumsum_and_norm_of_float16_do_not_lose_digits():
    x = mg.ones(4000, dtype=np.float16)
    assert x.cumsum(0)[-1] == 4000 and x.norm() == np.float16(np.sqrt(4000)) and mg.nanmean(x * 100) == 100
    assert mg.nansum(x * 8) == 32000


FAR = {np.float16: [3e4, 6e-8], np.float32: [1e38, 1e-38, 1e-44], np.float64: [1e300, 1e-300, 5e-324]}


@pytest.mark.parametrize(("dtype", "size"), [(dtype, size) for dtype, sizes in FAR.items() for size in sizes])
@pytest.mark.parametrize("p", [2, 3, 1.5, np.inf, -1])
def test_norms_neither_overflow_nor_underflow(dtype, size, p):
    """PyTorch's norm of (1e38, 1e38) in float32 is infinite, that of (1e-38, 1e-38) is 0."""
    x = leaf(np.array([size, 0.5 * size, size], dtype))
    if p == 2:
        x = leaf(np.array([size, 0, 0, 0], dtype))
    y = linalg.vector_norm(x, p)
    unit = x.detach().numpy().astype(np.float64) / np.float64(dtype(size))
    expected = 1.0 if np.isinf(p) else (np.abs(unit[unit != 0]) ** p).sum() ** (1 / p)
    coarse = float(np.finfo(dtype).smallest_subnormal) / float(dtype(size))
    np.testing.assert_allclose(float(y) / float(dtype(size)), expected, rtol=4 * np.finfo(dtype).eps, atol=coarse)
    y.backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_cumprod_is_exact_beside_zeros_to_second_order_and_long():
    x = np.ones(4000)
    x[[5, 3000]] = 0
    t = leaf(x)
    (dx,) = mg.grad(mg.cumprod(t, 0).sum(), t, create_graph=True)
    assert dx[5] == 2995 and dx[0] == 5 and dx[6] == 0  # the products from 5 to 2999 are 1 without the first zero
    (second,) = mg.grad(dx[5], t)
    assert second[3000] == 1000 and second[0] == 2995 and second[5] == 0


@pytest.mark.parametrize("create_graph", [False, True])
def test_cumprod_has_gradients_before_it_overflows(create_graph):
    x = leaf([1.0, 1e200, 1e200, 1e200])
    with np.errstate(over="ignore", invalid="ignore"):
        (dx,) = mg.grad(mg.cumprod(x, 0)[0], x, create_graph=create_graph)
    assert dx[:3].tolist() == [1, 0, 0]


def test_logcumsumexp_far_apart():
    x = np.array([-2000.0, 0.0, -5000.0, 900.0, 899.0])
    t = leaf(x)
    y = mg.logcumsumexp(t, 0)
    np.testing.assert_allclose(y.detach().numpy(), np.logaddexp.accumulate(x), rtol=1e-14)
    y.sum().backward()
    e = np.exp(-1.0)
    np.testing.assert_allclose(t.grad.numpy(), [1, 2, 0, 1 + 1 / (1 + e), e / (1 + e)], rtol=1e-13, atol=1e-300)


# -- arguments -------------------------------------------------------------------------------------


def test_an_empty_dim_means_all_axes_but_for_any_and_all():
    x = mg.tensor([[0.0, 2.0], [3.0, 4.0]])
    for name in ("sum", "mean", "amax", "amin", "var", "std", "nansum", "nanmean", "prod"):
        assert getattr(x, name)(dim=()).item() == getattr(x, name)().item()
    assert mg.any(x, ()).tolist() == mg.all(x, ()).tolist() == [[False, True], [True, True]]
    assert mg.count_nonzero(x, ()).item() == 3


@pytest.mark.parametrize("name", ["any", "all", "count_nonzero"])
@pytest.mark.parametrize(("dim", "keepdim"), list(itertools.product([None, 0, -1, (0, 1)], [False, True])))
def test_true_elements(name, dim, keepdim):
    x = np.array([[0, 1, np.nan], [2, 0, 3]])
    arguments = {} if name == "count_nonzero" else {"keepdim": keepdim}
    numpys = {} if name == "count_nonzero" else {"keepdims": keepdim}
    expected = np.asarray(getattr(np, name)(x, axis=dim, **numpys))
    for found in (getattr(mg, name)(mg.tensor(x), dim, **arguments), getattr(mg.tensor(x), name)(axis=dim, **numpys)):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.numpy(), expected)
    assert mg.any(mg.tensor([1, 0], dtype=np.uint8)).dtype == np.uint8


def test_variances_by_unbiased():
    x = leaf([[1.0, 2.0, 4.0], [3.0, 5.0, 9.0]])
    for name, formula in {"std": np.std, "var": np.var}.items():
        function, array = getattr(mg, name), x.detach().numpy()
        np.testing.assert_allclose(function(x, False).item(), formula(array), rtol=1e-6)
        found = function(x, 1, False, True).detach().numpy()
        np.testing.assert_allclose(found, formula(array, axis=1, keepdims=True), rtol=1e-6)
        pair = getattr(mg, f"{name}_mean")(x, 0, unbiased=True, keepdim=True)
        assert type(pair) is tuple and [each.shape for each in pair] == [(1, 3)] * 2


DTYPES: dict[str, Any] = {name: lambda f, x, dtype: f(x, 0, dtype=dtype) for name in (
    "sum", "mean", "prod", "nansum", "nanmean", "cumsum", "cumprod", "softmax", "log_softmax")}  # fmt: skip


@pytest.mark.parametrize("name", DTYPES)
def test_computed_in_another_dtype(name):
    for x, dtype in [([1, 2, 3], np.float64), ([1.5, 2.5, 3.0], np.float64), ([True, False, True], np.float32)]:
        y = DTYPES[name](getattr(mg, name), mg.tensor(x), dtype)
        expected = DTYPES[name](getattr(mg, name), mg.tensor(np.array(x, np.float64)), None)
        assert y.dtype == dtype
        np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-6)
    assert mg.sum(mg.tensor([1.7, 1.7]), dtype=np.int32).item() == 2


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.int32, np.uint64])
@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "nansum"])
def test_sums_and_products_of_small_integers_are_int64(name, dtype):
    x = mg.tensor(np.array([1, 1, 100]).astype(dtype))
    y = getattr(x, name)(*(0,) * name.startswith("cum"))
    assert y.dtype == (np.uint64 if dtype == np.uint64 else np.int64)
    np.testing.assert_array_equal(y.numpy(), getattr(np, name)(x.numpy().astype(np.int64)))


def test_scans_in_place():
    x = mg.tensor([1, 2, 3], dtype=np.int32)
    assert x.cumsum_(0) is x and x.tolist() == [1, 3, 6] and x.dtype == np.int32
    y = leaf([2.0, 3.0]) * 1
    assert y.cumprod_(0).tolist() == [2, 6] and y.requires_grad


# -- counting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [None, 0, 1])
def test_distinct_elements(dim):
    x = np.array([[2, 1, 2], [2, 1, 2], [0, 1, 2]])
    values, inverse, counts = mg.unique(mg.tensor(x), return_inverse=True, return_counts=True, dim=dim)
    expected, again = np.unique(x, return_counts=True, axis=dim)
    np.testing.assert_array_equal(values.numpy(), expected)
    np.testing.assert_array_equal(counts.numpy(), again)
    np.testing.assert_array_equal(np.take(expected, inverse.numpy(), dim or 0), x)
    assert mg.unique(mg.tensor([np.nan, np.nan])).shape == (2,)


@pytest.mark.parametrize("dim", [None, 0, 1])
def test_runs_of_equal_elements(dim):
    x = np.array([[1, 1, 2], [1, 1, 2], [2, 1, 1], [1, 1, 2]])
    values, inverse, counts = mg.unique_consecutive(mg.tensor(x), True, True, dim)
    expected = {None: ([1, 2, 1, 2, 1, 2], [2, 1, 2, 2, 4, 1]), 0: (x[1:], [2, 1, 1]), 1: (x, [1, 1, 1])}[dim]
    np.testing.assert_array_equal(values.numpy(), expected[0])
    np.testing.assert_array_equal(counts.numpy(), expected[1])
    np.testing.assert_array_equal(np.take(values.numpy(), inverse.numpy(), dim or 0), x)
    assert [each.shape for each in mg.unique_consecutive(mg.zeros(0), True, True)] == [(0,)] * 3


def test_weights_of_bincount():
    i = mg.tensor([1, 1, 3])
    for dtype, result in [(np.float32, np.float32), (np.float64, np.float64), (np.int64, np.float64)]:
        y = mg.bincount(i, mg.tensor(np.array([2, 3, 5], dtype)), 6)
        assert y.dtype == result and y.tolist() == [0, 5, 0, 5, 0, 0]
    assert mg.bincount(mg.tensor([], dtype=np.int64), minlength=2).tolist() == [0, 0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_histograms(dtype):
    x = np.random.default_rng(0).standard_normal(500).astype(dtype)
    weight = np.arange(500) % 3
    for bins, limits in [(7, None), (100, (-1.0, 2.0))]:
        found = mg.histogram(mg.tensor(x), bins, range=limits, weight=mg.tensor(weight.astype(dtype)))
        expected, edges = np.histogram(x.astype(np.float64), found.bin_edges.numpy().astype(np.float64), weights=weight)
        assert found._fields == ("hist", "bin_edges") and found.hist.dtype == found.bin_edges.dtype == dtype
        np.testing.assert_array_equal(found.hist.numpy(), expected)
        low, high = limits or (x.min(), x.max())
        np.testing.assert_allclose(edges, np.linspace(float(low), float(high), bins + 1), atol=2 * np.finfo(dtype).eps)
        counted = mg.histc(mg.tensor(x), bins, *(limits or ())).numpy()
        np.testing.assert_array_equal(counted, np.histogram(x.astype(np.float64), edges)[0])
    density = mg.histogram(mg.tensor(x), mg.tensor(np.array([-1, 0, 2], dtype)), density=True).hist.numpy()
    np.testing.assert_allclose(density @ [1, 2], 1, rtol=1e-3)


def test_histograms_of_equal_and_of_no_elements():
    assert mg.histc(mg.tensor([2.0, 2.0]), 4).tolist() == [0, 0, 2, 0]
    assert mg.histogram(mg.tensor([2.0, 2.0]), 4).bin_edges.tolist() == [1.5, 1.75, 2, 2.25, 2.5]
    assert mg.histc(mg.zeros(0), 3).tolist() == [0, 0, 0]


@pytest.mark.parametrize("right", [False, True])
def test_places_in_sorted_rows(right):
    rows, x = np.array([[1, 3, 5], [2, 4, 6]]), np.array([[3, 6], [1, 4]])
    expected = [np.searchsorted(row, each, "right" if right else "left") for row, each in zip(rows, x)]
    found = mg.searchsorted(mg.tensor(rows), mg.tensor(x), right=right, out_int32=True)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found.numpy(), expected)
    sorter = mg.tensor([1, 2, 0])
    assert mg.searchsorted(mg.tensor([5, 1, 3]), mg.tensor([3, 6]), sorter=sorter, side="left").tolist() == [1, 3]
    assert mg.searchsorted(mg.tensor([1, 3, 5]), 3, right=right).item() == 1 + right
    assert mg.bucketize(mg.tensor([[3], [9]]), mg.tensor([1, 3, 5, 7, 9]), right=right).tolist() == [
        [1 + right],
        [4 + right],
    ]


def test_differences():
    x = mg.tensor([[1.0, 2.0, 4.0], [7.0, 11.0, 16.0]])
    assert mg.diff(x, prepend=mg.zeros(2, 1), append=x[:, :2]).tolist() == [[1, 1, 2, -3, 1], [7, 4, 5, -9, 4]]
    assert mg.diff(mg.tensor([True, False, False])).tolist() == [True, False]
    assert mg.diff(x, n=5).shape == (2, 0) and mg.diff(x, n=0).tolist() == x.tolist()
