"""Rounding, division of integers, and parts of numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.errors import InvalidDivisorError
from tests.helpers.dtypes import F2, F4, F8, I1, I4, I8, U1

A = [7, -7, 7, -7, 6, -6, 1, -128]
B = [2, 2, -2, -2, 3, 3, 5, 127]

EXACT = {
    "floor_divide": (lambda a, b: a // b, lambda a, b: a // b),
    "remainder": (lambda a, b: a % b, lambda a, b: a % b),
    "fmod": (mg.fmod, lambda a, b: int(math.fmod(a, b))),
    "floor": (lambda a, b: mg.div(a, b, rounding_mode="floor"), lambda a, b: math.floor(Fraction(a, b))),
    "trunc": (lambda a, b: a.div(b, rounding_mode="trunc"), lambda a, b: math.trunc(Fraction(a, b))),
}


@pytest.mark.parametrize("dtype", [I1, I4, I8], ids=str)
@pytest.mark.parametrize("name", EXACT)
def test_integers_are_divided_as_pythons(name, dtype):
    operation, exact = EXACT[name]
    expected = list(map(exact, A, B))
    a, b = mg.tensor(np.array(A, dtype)), mg.tensor(np.array(B, dtype))
    for y in (operation(a, b), mg.tensor(operation(a, mg.tensor(np.array(B, dtype))))):
        assert (y.dtype, y.tolist()) == (dtype, expected)
    assert operation(a, 2).tolist() == [exact(value, 2) for value in A]


def test_large_integers_are_divided_without_floats():
    a = mg.tensor([2**62 + 1, -(2**62) - 1])
    assert mg.div(a, 3, rounding_mode="trunc").tolist() == [(2**62 + 1) // 3, -((2**62 + 1) // 3)]
    assert (a // 3).tolist() == [(2**62 + 1) // 3, (-(2**62) - 1) // 3]


def test_the_smallest_integer_divided_by_minus_1_wraps_around():
    x = mg.tensor([-(2**63), 8])
    assert ((x // -1).tolist(), (x % -1).tolist()) == ([-(2**63), -8], [0, 0])


def test_operators_take_numbers_on_both_sides():
    x = mg.tensor([3, -4])
    assert ((7 // x).tolist(), (7 % x).tolist()) == ([7 // 3, 7 // -4], [7 % 3, 7 % -4])
    assert ((7.5 // x).dtype, (x % 2.5).dtype) == (F4, F4)
    assert (True // x).tolist() == [0, -1]


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("zero", [0, np.array([0, 1]), False], ids=str)
def test_integers_divided_by_0_are_refused(name, zero):
    """As in Python and, since a RuntimeError, in PyTorch."""
    x = mg.tensor([7, 8])
    divisor = mg.tensor(zero) if isinstance(zero, np.ndarray) else zero
    with pytest.raises(InvalidDivisorError, match=r"divided by 0 has no value: divide floats, x\.float\(\)"):
        EXACT[name][0](x, divisor)
    assert issubclass(InvalidDivisorError, ZeroDivisionError) and issubclass(InvalidDivisorError, RuntimeError)


def test_integers_divided_by_0_in_place_are_refused_before_anything_changes():
    x = mg.tensor([7, 8])
    for operation in (x.floor_divide_, x.remainder_, x.fmod_):
        with pytest.raises(ZeroDivisionError, match="divided by 0"):
            operation(0)
    assert x.tolist() == [7, 8]


def test_floats_divided_by_0_are_infinite_or_nan():
    x = mg.tensor([1.0, -1.0, 0.0])
    with np.errstate(all="ignore"):
        assert str((x // 0).tolist()) == "[inf, -inf, nan]" and np.isnan((x % 0).numpy()).all()


def test_a_captured_division_of_integers_looks_at_the_divisor_of_each_replay():
    from minigrad.compile import capture

    program, _ = capture(lambda a, b: a // b, mg.tensor([7, 8]), mg.tensor([2, 3]))
    assert program.run(mg.tensor([9, 9]), mg.tensor([4, 5])).tolist() == [2, 1]
    with pytest.raises(ZeroDivisionError):
        program.run(mg.tensor([9, 9]), mg.tensor([4, 0]))


ROUNDINGS = {"round": [2, 2, -2, -0.0], "floor": [1, 2, -3, -1], "ceil": [2, 3, -2, -0.0], "trunc": [1, 2, -2, -0.0]}


@pytest.mark.parametrize("name", ROUNDINGS)
@pytest.mark.parametrize("dtype", [F2, F4, F8], ids=str)
def test_halves_are_rounded_to_even_numbers(name, dtype):
    x = mg.tensor(np.array([1.5, 2.5, -2.5, -0.5], dtype))
    y = getattr(mg, name)(x)
    assert (y.dtype, y.tolist()) == (dtype, ROUNDINGS[name])
    assert np.signbit(y.numpy()).tolist() == np.signbit(ROUNDINGS[name]).tolist()


@pytest.mark.parametrize("name", ROUNDINGS)
def test_integers_are_rounded_to_copies_of_themselves(name):
    for dtype in (U1, I4, I8):
        x = mg.tensor(np.array([1, 5], dtype))
        y = getattr(x, name)()
        assert (y.dtype, y.tolist()) == (dtype, [1, 5])
        assert not np.shares_memory(y.numpy(), x.numpy())
        assert getattr(x, f"{name}_")() is x


def test_decimals():
    x = mg.tensor([123.456, -0.05, 0.25])
    assert x.round(decimals=1).tolist() == np.round(x.numpy(), 1).tolist()
    assert mg.round(x, decimals=-2).tolist() == [100, 0, 0]
    assert mg.tensor([1250, 1350]).round(decimals=-2).tolist() == [1200, 1400]
    assert mg.tensor([1024.5], dtype=F2).round(decimals=2).tolist() == [1024], "float16 would overflow"
    with pytest.raises(TypeError, match=r"decimals must be of integers, got 1.5"):
        mg.round(x, decimals=1.5)


def test_an_unknown_rounding_mode_is_refused():
    for call in (lambda x: mg.div(x, 2, rounding_mode="up"), lambda x: x.div_(2, rounding_mode=["floor"])):
        with pytest.raises(ValueError, match="rounding_mode must be None, 'floor' or 'trunc', got ") as raised:
            call(mg.ones(2))
        assert isinstance(raised.value, RuntimeError)


@pytest.mark.parametrize("dtype", [F2, F4, F8], ids=str)
def test_frexp_and_ldexp_are_inverse(dtype):
    x = mg.tensor(np.array([0.0, 3.0, -0.1, 1000.0], dtype), requires_grad=True)
    mantissa, exponent = parts = mg.frexp(x)
    assert parts._fields == ("mantissa", "exponent")
    assert (mantissa.dtype, exponent.dtype, exponent.requires_grad) == (dtype, I4, False)
    assert exponent.tolist() == [0, 2, -3, 10]
    assert (abs(mantissa.detach().numpy()[1:]) >= 0.5).all() and (abs(mantissa.detach().numpy()) < 1).all()
    y = mg.ldexp(mantissa, exponent)
    assert (y.dtype, y.tolist()) == (dtype, x.tolist())
    y.sum().backward()
    assert x.grad.tolist() == [1, 1, 1, 1]


def test_frexp_of_integers_is_refused():
    with pytest.raises(TypeError, match=r"frexp takes floats, got \(2,\) int64: convert it, x\.float\(\)"):
        mg.frexp(mg.tensor([1, 2]))


def test_ldexp_is_exact_where_the_power_overflows():
    assert mg.ldexp(mg.tensor(np.array([1e-300])), 1100).item() == math.ldexp(1e-300, 1100)
    assert mg.ldexp(mg.tensor([3]), mg.tensor([2])).tolist() == [12] and mg.ldexp(mg.tensor([3]), 2).dtype == F4
    assert mg.ldexp(2.0, mg.tensor([3, 4])).tolist() == [16, 32]


def test_float_power_is_in_float64():
    for x in (mg.tensor([2, 3]), mg.tensor([2.0, 3.0]), mg.tensor([2.0, 3.0], dtype=F2)):
        y = x.float_power(-1)
        assert y.dtype == F8
        np.testing.assert_array_equal(y.numpy(), [0.5, 1 / 3])
    assert mg.float_power(2, mg.tensor([0.5])).item() == math.sqrt(2)
    x = mg.tensor([2.0], requires_grad=True)
    mg.float_power(x, 3).backward()
    assert (x.grad.dtype, x.grad.item()) == (F4, 12)


POWERS = [((2, -1), 0), ((0, -1), 0), ((1, -5), 1), ((-1, -3), -1), ((-1, -4), 1), ((-3, 3), -27), ((7, 0), 1)]


def test_integers_to_a_tensor_of_negative_integers_are_rounded_to_0():
    (base, exponent), expected = zip(*(pair for pair, _ in POWERS)), [value for _, value in POWERS]
    for dtype in (I1, I4, I8):
        y = mg.tensor(np.array(base, dtype)) ** mg.tensor(np.array(exponent, dtype))
        assert (y.dtype, y.tolist()) == (dtype, expected)
    assert (2 ** mg.tensor([-1, 3])).tolist() == [0, 8]
    x = mg.tensor([2, 1])
    x **= mg.tensor([-1, -1])
    assert x.tolist() == [0, 1]


def test_integers_to_a_negative_number_are_refused():
    x = mg.tensor([2, 3])
    for call in (lambda: x**-1, lambda: x.pow_(-2)):
        with pytest.raises(ValueError, match=r"pow.*negative") as raised:
            call()
        assert isinstance(raised.value, RuntimeError)
    assert x.tolist() == [2, 3]


def test_a_captured_power_of_integers_takes_negative_exponents_in_a_replay():
    from minigrad.compile import capture

    program, _ = capture(lambda a, b: a**b, mg.tensor([2, 1]), mg.tensor([3, 3]))
    assert program.run(mg.tensor([2, 1]), mg.tensor([-1, -1])).tolist() == [0, 1]
