"""Integers beyond a dtype: arithmetic wraps around as in PyTorch, values that are stored or compared are refused."""

import numpy as np
import pytest

import minigrad as mg

U1, I8 = np.dtype(np.uint8), np.dtype(np.int64)


def small():
    return mg.tensor(np.array([1, 2], U1))


def longs():
    return mg.tensor([1, 2])


def modulo(values, dtype):
    """The values that Python computes with whole numbers, modulo the length of a dtype."""
    limits = np.iinfo(dtype)
    return [(value - limits.min) % (limits.max - limits.min + 1) + limits.min for value in values]


WRAPPED = {
    "mul": (lambda: small() * -1, [-1, -2], U1),
    "mul reflected": (lambda: -1 * small(), [-1, -2], U1),
    "add": (lambda: small() + 300, [301, 302], U1),
    "sub": (lambda: 300 - small(), [299, 298], U1),
    "and": (lambda: small() & 258, [1 & 258, 2 & 258], U1),
    "or": (lambda: small() | -1, [-1, -1], U1),
    "int8": (lambda: mg.tensor(np.array([1, 2], np.int8)) + 200, [201, 202], np.dtype(np.int8)),
    "int64": (lambda: longs() + 2**63, [2**63 + 1, 2**63 + 2], I8),
    "int64 times": (lambda: longs() * (2**64 - 1), [-1, -2], I8),
    "arrays": (lambda: mg.tensor(mg.add(np.array([1, 2], U1), 300)), [301, 302], U1),
    "add_ of a number": (lambda: small().add_(300), [301, 302], U1),
    "add_ with alpha": (lambda: small().add_(1, alpha=2), [3, 4], U1),
    "add_ of int64": (lambda: small().add_(mg.tensor([1, 300])), [2, 302], U1),
    "sub_ of int64": (lambda: small().sub_(longs() * 2), [-1, -2], U1),
    "mul_": (lambda: small().mul_(-1), [-1, -2], U1),
    "+=": (lambda: small().__iadd__(mg.tensor([1, 2])), [2, 4], U1),
    "&=": (lambda: small().__iand__(mg.tensor([257, 256])), [1, 0], U1),
    "one element": (lambda: mg.tensor(3).to(U1).reshape(1) + 300, [303], U1),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_arithmetic_wraps_around(name):
    act, exact, dtype = WRAPPED[name]
    y = act()
    assert y.dtype == dtype and y.tolist() == modulo(exact, dtype)


def test_quotients_and_comparisons_are_exact():
    np.testing.assert_allclose((small() / 300).numpy(), [1 / 300, 2 / 300], rtol=1e-6)
    assert (small() < 300).tolist() == [True, True] and (small() == 257).tolist() == [False, False]


REFUSED = {
    "power": lambda: small() ** 300,
    "maximum": lambda: mg.maximum(small(), 300),
    "clamp": lambda: small().clamp(-1, 1),
    "clamp min": lambda: small().clamp(min=300),
    "65 bits": lambda: longs() * 2**64,
    "float32": lambda: mg.ones(2) * 2**2000,
    "where": lambda: mg.where(mg.tensor([True, False]), 300, small()),
    "where of lists": lambda: mg.where([True, False], small(), -256),
    "setting": lambda: small().__setitem__(0, 300),
    "setting a list": lambda: small().__setitem__(slice(None), [1, 300]),
    "setting NaN": lambda: small().__setitem__(0, float("nan")),
    "setting infinity": lambda: longs().__setitem__(0, float("inf")),
    "setting 64 bits": lambda: longs().__setitem__(0, 2**63),
    "fill_": lambda: small().fill_(300),
    "fill_ of NaN": lambda: small().fill_(float("nan")),
    "tensor": lambda: mg.tensor([1, 300], dtype=U1),
    "tensor of NaN": lambda: mg.tensor([1.0, float("nan")], dtype=I8),
    "tensor of a large float": lambda: mg.tensor(1e30, dtype=I8),
    "full": lambda: mg.full((2,), 300, dtype=U1),
    "full_like": lambda: mg.full_like(small(), -256),
    "constant_": lambda: mg.nn.init.constant_(small(), 300),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", REFUSED)
def test_values_that_do_not_fit_are_refused(name):
    with pytest.raises(
        (ValueError, OverflowError), match=r"fit|out of bounds|64 bits|cannot convert|too large"
    ) as caught:
        REFUSED[name]()
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("change", [lambda x: x.fill_(300), lambda x: x.add_(1.5), lambda x: x.mul_(2**64)])
def test_a_refused_change_changes_nothing(change):
    x = small()
    with pytest.raises((ValueError, TypeError)):
        change(x)
    assert x.tolist() == [1, 2]


def test_negative_numbers_count_from_the_end_of_dtypes_without_sign():
    x = small()
    x[0] = -1
    assert x.tolist() == [255, 2] and mg.tensor([-1], dtype=U1).tolist() == [255]
    assert mg.where([True, False], -1, small()).tolist() == [255, 2]


def test_tensors_and_arrays_wrap_around_where_they_are_stored():
    x = small()
    x[0] = mg.tensor(300)
    assert x.tolist() == [44, 2]
    assert x.copy_(mg.tensor([256, 257])).tolist() == [0, 1]
    assert mg.tensor(np.array([300]), dtype=U1).tolist() == [44]


@pytest.mark.parametrize("other", [1.5, [0.5, 0.5], mg.ones(2), mg.ones(3, 2, dtype=np.int64)])
def test_a_result_of_a_higher_category_or_another_shape_is_no_change_in_place(other):
    x = small()
    with pytest.raises((TypeError, ValueError), match="add in place: "):
        x += other
    assert x.tolist() == [1, 2]


@pytest.mark.parametrize("square", [lambda x: x**2, lambda x: x.square(), mg.square, lambda x: mg.pow(x, 2)])
def test_squares_of_booleans_are_int64(square):
    y = square(mg.tensor([True, False]))
    assert y.dtype == I8 and y.tolist() == [1, 0]
