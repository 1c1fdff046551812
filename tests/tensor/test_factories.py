"""New tensors by PyTorch's arguments: names, sizes, shared memory, dtypes of another tensor."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.dtypes import check, f2, f4, f8, i4, i8, u1

SIZED = {"zeros": mg.zeros, "ones": mg.ones, "empty": mg.empty, "rand": mg.rand, "randn": mg.randn}


@pytest.mark.parametrize("name", SIZED)
def test_the_size_is_given_in_any_form(name):
    make = SIZED[name]
    for x in (make(2, 3), make((2, 3)), make([2, 3]), make(size=(2, 3)), make(mg.ones(2, 3).shape)):
        assert (x.shape, x.dtype) == ((2, 3), f4)
    assert make(size=4, dtype=f8, requires_grad=True).requires_grad
    with pytest.raises(TypeError, match=f"{name} got size twice"):
        make(2, size=(2,))
    with pytest.raises(ValueError, match=f"{name}: a size must not be negative, got \\(2, -1\\)"):
        make(2, -1)


@pytest.mark.parametrize(
    ("x", "values", "dtype"),
    [
        (mg.arange(end=3), [0, 1, 2], i8),
        (mg.arange(start=1, end=3), [1, 2], i8),
        (mg.arange(1, end=6, step=2), [1, 3, 5], i8),
        (mg.arange(3, 3), [], i8),
        (mg.arange(3, 0, -1, dtype=f2), [3, 2, 1], f2),
        (mg.linspace(start=0, end=10, steps=5, dtype=i8), [0, 2, 5, 7, 10], i8),
        (mg.linspace(0, 1, 1), [0], f4),
        (mg.linspace(0, 1, 0), [], f4),
        (mg.logspace(0, 3, 4), [1, 10, 100, 1000], f4),
        (mg.logspace(start=-1, end=1, steps=3, base=2, dtype=f8), [0.5, 1, 2], f8),
        (mg.logspace(0, 3, 4, dtype=i8), [1, 10, 100, 1000], i8),
        (mg.eye(n=2, m=3, dtype=u1), np.eye(2, 3), u1),
        (mg.full(size=(2,), fill_value=3, dtype=f4), [3, 3], f4),
        (mg.full_like(mg.tensor([1, 2]), 1.5), [1, 1], i8),
        (mg.ones(2, dtype=f8).new_tensor([1, 2]), [1, 2], f8),
        (mg.tensor([1]).new_tensor([1.5, 2]), [1, 2], i8),
        (mg.tensor([1]).new_zeros(2, 1), [[0], [0]], i8),
        (mg.tensor([1]).new_ones((2,), dtype=f4), [1, 1], f4),
        (mg.tensor([1]).new_ones(size=(2,)), [1, 1], i8),
        (mg.tensor([1]).new_full((2,), 1.5), [1, 1], i8),
        (mg.tensor([1]).new_full(size=(2,), fill_value=1.5, dtype=f8), [1.5, 1.5], f8),
    ],
)
def test_values(x, values, dtype):
    check(x, values, dtype)


def test_tensors_to_be_filled():
    assert (mg.empty_like(mg.tensor([1, 2])).dtype, mg.tensor([1]).new_empty(2, 3).shape) == (i8, (2, 3))
    assert mg.empty(2, requires_grad=True).requires_grad and mg.empty_like(mg.ones(3), dtype=f8).dtype == f8
    assert mg.ones(2).new_tensor([1.0], requires_grad=True).requires_grad


def test_asarray_shares_what_it_can():
    array, x = np.zeros(2), mg.zeros(2)
    assert mg.asarray(x) is x and np.shares_memory(mg.asarray(array).array, array)
    assert np.shares_memory(mg.asarray(array, copy=False, dtype=f8).array, array)
    for copied in (mg.asarray(array, copy=True), mg.asarray(array, dtype=f4), mg.asarray(array, dtype=f4, copy=True)):
        assert not np.shares_memory(copied.array, array)
    assert not np.shares_memory(mg.asarray(x, copy=True).array, x.array)
    check(mg.asarray([1, 2.5]), [1, 2.5], f4)
    check(mg.asarray(obj=array, dtype=i4), [0, 0], i4)
    check(mg.asarray(array.astype(">f8")), [0, 0], f8)


def test_asarray_and_graphs():
    w = mg.ones(2, requires_grad=True)
    y = w * 2
    assert mg.asarray(y) is y and mg.asarray(y, copy=True).grad_fn is not None
    for leaf in (mg.asarray(y, requires_grad=True), mg.asarray(y, copy=True, requires_grad=True),
                 mg.asarray([1.0], requires_grad=True), mg.asarray(np.ones(1), requires_grad=True)):  # fmt: skip
        assert leaf.requires_grad and leaf.is_leaf
    assert y.grad_fn is not None


REFUSED = {
    "a list": (lambda: mg.asarray([1, 2], copy=False), ValueError, "asarray: list cannot be shared"),
    "another dtype": (lambda: mg.asarray(np.ones(2), dtype=f4, copy=False), ValueError, "cannot be shared as dtype"),
    "step 0": (lambda: mg.arange(0, 3, 0), ValueError, "no way from 0 to 3 in steps of 0"),
    "wrong way": (lambda: mg.arange(5, 0), ValueError, "no way from 5 to 0 in steps of 1"),
    "no end": (lambda: mg.arange(), ValueError, "end must be a number, got None"),
    "steps": (lambda: mg.linspace(0, 1, -1), ValueError, "steps must be at least 0, got -1"),
    "steps of powers": (lambda: mg.logspace(0, 1, -1), ValueError, "steps must be at least 0, got -1"),
    "base": (lambda: mg.logspace(0, 1, 3, "a"), ValueError, "base must be a number, got 'a'"),
    "eye": (lambda: mg.eye(-1), ValueError, "eye: a size must not be negative"),
    "full": (lambda: mg.full((-1,), 2), ValueError, "full: a size must not be negative"),
    "randint": (lambda: mg.randint(3, 3, (2,)), ValueError, "high must be above low, got 3 and 3"),
    "randint dtype": (lambda: mg.randint(0, 300, (2,), dtype=u1), ValueError, "uint8 does not hold all from 0 to 299"),
    "randperm": (lambda: mg.randperm(-1), ValueError, "n must be at least 0, got -1"),
    "meshgrid": (lambda: mg.meshgrid(), ValueError, "needs at least one tensor"),
    "meshgrid matrix": (lambda: mg.meshgrid(mg.ones(2, 2)), ValueError, r"expects vectors, got \(2, 2\) float32"),
    "meshgrid dtypes": (lambda: mg.meshgrid(mg.ones(2), mg.arange(2)), TypeError, r"vectors of one dtype, got .*int64"),
    "meshgrid indexing": (lambda: mg.meshgrid(mg.ones(2), indexing="yx"), ValueError, "must be 'ij' or 'xy', got 'yx'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    call, kind, words = REFUSED[name]
    for error in (kind, RuntimeError):
        with pytest.raises(error, match=words):
            call()


@pytest.mark.parametrize("indexing", ["ij", "xy"])
@pytest.mark.parametrize("lengths", [(2,), (2, 3), (2, 3, 4), (0, 2)])
def test_grids_are_numpys(indexing, lengths):
    vectors = [np.arange(n) + 10 * i for i, n in enumerate(lengths)]
    grids = mg.meshgrid(*map(mg.tensor, vectors), indexing=indexing)
    assert type(grids) is tuple
    for found, right in zip(grids, np.meshgrid(*vectors, indexing=indexing), strict=True):
        np.testing.assert_array_equal(found.numpy(), right)
    for found, right in zip(mg.meshgrid(list(map(mg.tensor, vectors)), indexing=indexing), grids, strict=True):
        np.testing.assert_array_equal(found.numpy(), right.numpy())


def test_random_factories_by_name():
    assert (
        set(mg.randint(high=3, size=(50,)).tolist()) == set(mg.randint(low=0, high=3, size=(50,)).tolist()) == {0, 1, 2}
    )
    assert set(mg.randint_like(mg.zeros(50), 1, 3).tolist()) == set(
        mg.randint_like(mg.zeros(50), low=1, high=3).tolist()
    )
    assert (
        mg.randint_like(mg.zeros(50), 3).dtype == f4 and mg.randint(3, (2,), dtype=f8, requires_grad=True).requires_grad
    )
    assert mg.randperm(3, dtype=i4).dtype == i4 and mg.randperm(3, dtype=f4, requires_grad=True).requires_grad
