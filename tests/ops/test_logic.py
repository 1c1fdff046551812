"""Comparisons with tolerances, membership, bits, and the errors of booleans and floats that have none."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg

inf, nan = math.inf, math.nan


def test_close_is_within_both_tolerances():
    a = mg.tensor([1.0, 1.0, inf, inf, nan, 0.0])
    b = mg.tensor([1.000009, 1.0001, inf, -inf, nan, 1e-9])
    assert mg.isclose(a, b).tolist() == [True, False, True, False, False, True]
    assert a.isclose(b, equal_nan=True).tolist() == [True, False, True, False, True, True]
    assert mg.isclose(a, b, rtol=0, atol=2e-4).tolist() == [True, True, True, False, False, True]
    assert mg.isclose(mg.tensor([1, 300]), mg.tensor([1, 301]), 0, 1).tolist() == [True, True]
    assert (
        mg.isclose(mg.tensor([250, 5], dtype=np.uint8), mg.tensor([5, 250], dtype=np.uint8), 0, 20).any().item()
        is False
    )
    half = mg.tensor([60000.0, 1.0], dtype=np.float16)
    assert mg.isclose(half, -half).tolist() == [False, False]


def test_the_answers_for_whole_tensors_are_pythons():
    a = mg.tensor([1.0, nan])
    assert mg.allclose(a, a) is False and a.allclose(a, equal_nan=True) is True and mg.equal(a, a) is False
    b = mg.tensor([[1, 2]])
    assert b.equal(mg.tensor([[1.0, 2.0]])) is True and mg.equal(b, mg.tensor([1, 2])) is False
    assert mg.allclose(b, mg.tensor([1.0, 2.0])) is True, "it broadcasts"
    assert mg.equal(mg.ones(0), mg.ones(0)) is True


def test_negative_tolerances_are_refused():
    for arguments in ({"rtol": -1}, {"atol": nan}):
        with pytest.raises(ValueError, match="rtol and atol must be at least 0, got ") as raised:
            mg.allclose(mg.ones(2), mg.ones(2), **arguments)
        assert isinstance(raised.value, RuntimeError)


def test_membership():
    x = mg.tensor([[1, 2], [3, 2]])
    assert mg.isin(x, mg.tensor([2, 7])).tolist() == [[False, True], [False, True]]
    assert mg.isin(x, 3, invert=True).tolist() == [[True, True], [False, True]]
    assert mg.isin(2, x).item() is True
    assert mg.isin(mg.tensor([1, 2]), mg.tensor([2.0]), assume_unique=True).tolist() == [False, True]


def test_operators_of_bits():
    a, b = np.array([6, -3, 0]), np.array([3, 1, 5])
    s, t = mg.tensor(a), mg.tensor(b)
    for found, expected in [(s ^ t, a ^ b), (s << t, a << b), (s >> t, a >> b), (5 ^ s, 5 ^ a), (2 << t, 2 << b)]:
        assert found.tolist() == expected.tolist()
    assert (100 >> t).tolist() == (100 >> b).tolist()
    s ^= 1
    s <<= 2
    s >>= t
    assert s.tolist() == (((a ^ 1) << 2) >> b).tolist()
    u = mg.tensor([1], dtype=np.uint8)
    assert ((u ^ 300).dtype, (u ^ 300).item()) == (np.uint8, 45), "a number wraps around"


X, TRUTH = mg.ones(2), mg.tensor([True, False])

NOT_IMPLEMENTED = {
    "and of floats": (lambda: X & X, "bitwise_and"),
    "or of floats": (lambda: X | 1, "bitwise_or"),
    "xor of floats": (lambda: X ^ X, "bitwise_xor"),
    "not of floats": (lambda: ~X, "bitwise_not"),
    "shift of floats": (lambda: X << 1, "bitwise_left_shift"),
    "gcd of floats": (lambda: mg.gcd(X, X), "gcd"),
    "lcm of booleans": (lambda: mg.lcm(TRUTH, TRUTH), "lcm"),
    "minus of booleans": (lambda: TRUTH - TRUTH, "sub"),
    "minus True": (lambda: TRUTH - True, "sub"),
    "rsub of booleans": (lambda: mg.rsub(TRUTH, TRUTH), "sub"),
    "minus a boolean": (lambda: -TRUTH, "neg"),
    "plus a boolean": (lambda: +TRUTH, "positive"),
    "floor of booleans": (lambda: mg.floor(TRUTH), "floor"),
    "round of booleans": (lambda: TRUTH.round(), "round"),
    "quotient of booleans": (lambda: TRUTH // TRUTH, "floor_divide"),
    "remainder of booleans": (lambda: TRUTH % True, "remainder"),
}


@pytest.mark.parametrize("name", NOT_IMPLEMENTED)
def test_what_a_dtype_has_not_is_a_type_error_and_not_implemented(name):
    """NumPy's users catch the first, PyTorch's the second, or a RuntimeError."""
    call, operation = NOT_IMPLEMENTED[name]
    for kind in (TypeError, NotImplementedError, RuntimeError):
        with pytest.raises(kind, match=rf"^{operation}\b") as raised:
            call()
        assert "\n" not in str(raised.value)


def test_a_type_has_no_divmod_as_in_pytorch():
    with pytest.raises(TypeError, match="divmod"):
        divmod(X, 2)


IN_PLACE = {
    "add a float": lambda x: x.add_(1.5),
    "add float tensors": lambda x: x.add_(mg.ones(2)),
    "divide": lambda x: x.div_(2),
    "/=": lambda x: x.__itruediv__(2),
    "//= a float": lambda x: x.floor_divide_(2.5),
    "%= a float": lambda x: x.__imod__(1.5),
    "reciprocal": lambda x: x.reciprocal_(),
    "exp": lambda x: x.exp_(),
    "clamp": lambda x: x.clamp_(1.5),
    "float_power": lambda x: x.float_power_(2),
    "atan2": lambda x: x.atan2_(x),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_integers_do_not_become_floats_in_place(name):
    x = mg.tensor([1, 2])
    with pytest.raises(RuntimeError, match="it keeps its shape and the kind of its dtype"):
        IN_PLACE[name](x)
    assert (x.dtype, x.tolist()) == (np.int64, [1, 2])


KEPT = {
    "floor_divide": (lambda x: x.floor_divide_(2), [0, 1]),
    "remainder": (lambda x: x.remainder_(2), [1, 0]),
    "div trunc": (lambda x: x.div_(-2, rounding_mode="trunc"), [0, -1]),
    "lcm": (lambda x: x.lcm_(mg.tensor([3, 3])), [3, 6]),
    "eq": (lambda x: x.eq_(2), [0, 1]),
    "logical_not": (lambda x: x.logical_not_(), [0, 0]),
    "sign": (lambda x: x.sign_(), [1, 1]),
    "add int32": (lambda x: x.add_(mg.tensor([1, 1], dtype=np.int32)), [2, 3]),
    "subtract": (lambda x: x.subtract_(1, alpha=2), [-1, 0]),
    "addcmul": (lambda x: x.addcmul_(x, x, value=2), [3, 10]),
}


@pytest.mark.parametrize("name", KEPT)
def test_integers_in_place_keep_their_dtype(name):
    call, expected = KEPT[name]
    x = mg.tensor([1, 2])
    assert call(x) is x
    assert (x.dtype, x.tolist()) == (np.int64, expected)


def test_sign_in_place_is_that_of_the_operation():
    assert mg.tensor([nan, -2.0]).sign_().tolist() == [0, -1]
