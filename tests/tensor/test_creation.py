"""Tensors from data, numbers and other tensors."""

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.dtypes import b1, check, f2, f4, f8, i4, i8, u1

DATA = [
    (2.5, f4),
    (3, i8),
    (True, b1),
    ([1.0, 2.0], f4),
    ([1, 2.0], f4),
    ([1, 2], i8),
    ([True, 2], i8),
    ([True, False], b1),
    ([], f4),
    ([[], []], f4),
    ((1.0, (2.0)), f4),
    ([[1, 2], [3, 4]], i8),
    (range(3), i8),
    (float("inf"), f4),
    (np.float64(0.1), f8),
    (np.float32(0.1), f4),
    (np.int32(3), i4),
    (np.bool_(True), b1),
    (np.array(0.1), f8),
    (np.array([1.5], f2), f2),
    (np.array([1, 2], u1), u1),
    ([np.float64(0.1), 1.0], f8),
    ([1.0, np.float64(0.1)], f8),
    ([[1.0], [np.float64(0.1)]], f8),
    ([np.float32(0.1), 1.0], f4),
    ([np.float32(0.1), np.int64(1)], f4),
    ([np.array([1.0, 2.0]), [3.0, 4.0]], f8),
    ([np.array([1, 2]), [3.5, 4.5]], f4),
    ([np.array([1.0], f4), np.array([2.0], f4)], f4),
]


@pytest.mark.parametrize(("data", "dtype"), DATA, ids=map(repr, DATA))
def test_tensor_from_data(data, dtype):
    check(mg.tensor(data), data, dtype)


@pytest.mark.parametrize("dtype", [f2, f4, f8, i4, i8, u1, b1, "float64", float, int, np.float32])
def test_tensor_of_a_given_dtype(dtype):
    for data in ([0, 1, 2], [0.0, 1.0], np.array([0, 1], u1), mg.tensor([0.0, 1.0])):
        check(mg.tensor(data, dtype=dtype), np.asarray(data), np.dtype(dtype))


def test_a_given_dtype_keeps_all_digits():
    assert mg.tensor(0.1, dtype=f8).item() == 0.1
    assert mg.full((1,), 0.1, dtype=f8).item() == 0.1
    assert mg.tensor(2**53 + 1).item() == 2**53 + 1


def test_tensors_of_tensors():
    single, double = mg.tensor([1.5, 2.5]), mg.tensor([1.5, 2.5], dtype=f8)
    check(mg.tensor(single), [1.5, 2.5], f4)
    check(mg.tensor([single, single]), [[1.5, 2.5]] * 2, f4)
    check(mg.tensor([double[0], 1.0]), [1.5, 1.0], f8)
    check(mg.tensor([single[0], single[1]]), [1.5, 2.5], f4)
    assert not mg.tensor(mg.tensor(1.0, requires_grad=True)).requires_grad


@pytest.mark.parametrize("data", [np.zeros(3), mg.zeros(3, dtype=f8)])
@pytest.mark.parametrize("make", [mg.tensor, mg.Tensor, lambda d: mg.tensor(d, dtype=f8)])
def test_tensor_copies(make, data):
    t = make(data)
    assert not np.shares_memory(t.array, np.asarray(data))
    t[0] = 1
    assert data.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        ([[1.0, 2.0], [3.0]], ValueError, r"inhomogeneous.*Nested lists need rows of one length"),
        ([[1.0], 2.0], ValueError, "rows of one length"),
        ("abc", TypeError, "no tensor can be made of <U3 values: expected real numbers or booleans"),
        (["1", "2"], TypeError, "<U1 values"),
        (b"ab", TypeError, "expected real numbers"),
        (1j, TypeError, "complex128 values"),
        (np.array([1j]), TypeError, "complex128 values"),
        (None, TypeError, "no tensor can be made of NoneType"),
        ([1.0, None], TypeError, "no tensor can be made of list"),
        ({1, 2}, TypeError, "no tensor can be made of set"),
        ({"a": 1}, TypeError, "no tensor can be made of dict"),
        ((x for x in "ab"), TypeError, "no tensor can be made of generator"),
        (object(), TypeError, "no tensor can be made of object"),
        (10**30, TypeError, "no tensor can be made of int"),
        (np.array(["2020-01-01"], "M8[D]"), TypeError, "expected real numbers"),
    ],
)
@pytest.mark.parametrize("dtype", [None, f4])
def test_what_is_no_numbers_is_refused(data, kind, words, dtype):
    with pytest.raises(kind, match=words):
        mg.tensor(data, dtype=dtype)


@pytest.mark.parametrize("dtype", [complex, object, str, "S3", "M8[s]"])
@pytest.mark.parametrize(
    "make",
    [
        lambda dtype: mg.tensor([1.0], dtype=dtype),
        lambda dtype: mg.zeros(2, dtype=dtype),
        lambda dtype: mg.full((2,), 1, dtype=dtype),
        lambda dtype: mg.ones(2).to(dtype),
        lambda dtype: mg.ones(2).astype(dtype),
    ],
)
def test_what_is_no_dtype_of_numbers_is_refused(make, dtype):
    with pytest.raises(TypeError, match="a tensor cannot be of dtype"):
        make(dtype)


SIZED = {
    "zeros": (mg.zeros, lambda shape: np.zeros(shape)),
    "ones": (mg.ones, lambda shape: np.ones(shape)),
}


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2), (1, 1, 4)])
def test_filled_tensors(name, shape):
    make, expected = SIZED[name]
    for size in ((shape,), ([*shape],), shape):
        check(make(*size), expected(shape), f4)
        check(make(*size, dtype=None), expected(shape), f4)
        check(make(*size, dtype=i4), expected(shape), i4)
    check(make(np.int64(2), np.int32(3)), expected((2, 3)), f4)
    assert make(*shape, requires_grad=True).requires_grad


@pytest.mark.parametrize(
    ("t", "array", "dtype"),
    [
        (mg.full((2, 3), 1.5), np.full((2, 3), 1.5), f4),
        (mg.full((2,), 7), [7, 7], i8),
        (mg.full([2], True), [True, True], b1),
        (mg.full(2, 0.5), [0.5, 0.5], f4),
        (mg.full((), 2.0), 2.0, f4),
        (mg.full((2,), 3, dtype=f4), [3.0, 3.0], f4),
        (mg.eye(2), np.eye(2), f4),
        (mg.eye(2, 3, dtype=i8), np.eye(2, 3), i8),
        (mg.arange(4), [0, 1, 2, 3], i8),
        (mg.arange(2, 5), [2, 3, 4], i8),
        (mg.arange(5, 0, -2), [5, 3, 1], i8),
        (mg.arange(0, 1, 0.25), [0, 0.25, 0.5, 0.75], f4),
        (mg.arange(3.0), [0, 1, 2], f4),
        (mg.arange(np.float32(0), 2), [0, 1], f4),
        (mg.arange(3, dtype=f8), [0, 1, 2], f8),
        (mg.linspace(0, 1, 5), np.linspace(0, 1, 5), f4),
        (mg.linspace(0, 1, 5, dtype=f8), np.linspace(0, 1, 5), f8),
        (mg.zeros_like(mg.arange(3)), [0, 0, 0], i8),
        (mg.ones_like(mg.ones(2, dtype=f8)), [1, 1], f8),
        (mg.ones_like(mg.arange(2), dtype=f4), [1, 1], f4),
        (mg.full_like(mg.ones(2), 3), [3, 3], f4),
    ],
)
def test_other_tensors(t, array, dtype):
    check(t, array, dtype)


def test_as_tensor_copies_only_to_convert():
    array, t = np.zeros(2), mg.zeros(2)
    assert mg.as_tensor(t) is t
    assert mg.as_tensor(t, dtype=f4) is t
    check(mg.as_tensor(t, dtype=f8), [0, 0], f8)
    assert np.shares_memory(mg.as_tensor(array).array, array)
    assert np.shares_memory(mg.as_tensor(array, dtype="float64").array, array)
    check(mg.as_tensor(array, dtype=f4), [0, 0], f4)
    for dtype in (f8, np.dtype(f8), "float64", np.float64):
        check(mg.as_tensor(array.astype(f4), dtype=dtype), [0, 0], f8)
    check(mg.as_tensor([1.0, 2.0]), [1, 2], f4)


def test_from_numpy_shares():
    array = np.zeros(2)
    t = mg.from_numpy(array)
    t += 1
    assert array.tolist() == [1.0, 1.0]
    for wrong in ([1.0], 1.0, np.array(["a"]), np.array([1j])):
        with pytest.raises(TypeError, match="from_numpy expects an array of numbers or booleans, got"):
            mg.from_numpy(wrong)
