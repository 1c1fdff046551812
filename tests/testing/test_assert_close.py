"""``assert_close``: what is close, and the text of the error. Texts are golden values of PyTorch 2.14.1."""

from __future__ import annotations

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.testing import assert_close

A = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
F16, F32, F64, I64 = (lambda *v, d=d: mg.tensor(v, dtype=d) for d in ("float16", "float32", "float64", "int64"))

CLOSE = {
    "itself": (A, A, {}),
    "within float32": (F32(1.0), F32(1.000011), {}),
    "within float16": (F16(1.0), F16(1.001), {}),
    "within float64": (F64(1.0), F64(1 + 1.9e-7), {}),
    "absolute": (F32(0.0), F32(9.9e-6), {}),
    "tolerances": (A, A + 0.5, {"rtol": 0, "atol": 0.5}),
    "infinite": (F32(math.inf, -math.inf), F32(math.inf, -math.inf), {}),
    "equal nan": (F32(math.nan), F32(math.nan), {"equal_nan": True}),
    "dtypes": (A, A.half(), {"check_dtype": False}),
    "ints and floats": (I64(1, 2), F32(1, 2), {"check_dtype": False}),
    "numbers": (1.0, 1.0 + 1e-8, {}),
    "kinds of numbers": (1, 1.0, {"check_dtype": False}),
    "arrays": (np.ones(2), np.ones(2), {}),
    "a tensor and an array": (A, A.numpy(), {}),
    "a parameter": (nn.Parameter(A), A, {}),
    "None": (None, None, {}),
    "nested": ({"a": A, "b": [A, (1, None)]}, {"b": (A, [1, None]), "a": A}, {}),
    "empty": ([], (), {}),
    "booleans": (True, True, {}),
    "large integers": (I64(2**62), I64(2**62), {}),
}


@pytest.mark.parametrize("name", CLOSE)
def test_what_is_close(name):
    actual, expected, settings = CLOSE[name]
    assert assert_close(actual, expected, **settings) is None


APART = {
    "elements": (
        A,
        A + mg.tensor([[0, 1e-3], [0, 2.0]]),
        "Tensor-likes are not close!\n\nMismatched elements: 2 / 4 (50.0%)\n"
        "Greatest absolute difference: 2.0 at index (1, 1) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.3333333333333333 at index (1, 1) (up to 1.3e-06 allowed)",
    ),
    "integers": (
        I64(1, 2),
        I64(1, 3),
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 1 at index (1,)\n"
        "Greatest relative difference: 0.3333333333333333 at index (1,)",
    ),
    "booleans": (
        mg.tensor([True, False]),
        mg.tensor([True, True]),
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 1 at index (1,)\nGreatest relative difference: 1.0 at index (1,)",
    ),
    "unsigned": (
        mg.tensor([100], dtype=mg.uint8),
        mg.tensor([200], dtype=mg.uint8),
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 1 (100.0%)\n"
        "Greatest absolute difference: 100 at index (0,)\nGreatest relative difference: 0.5 at index (0,)",
    ),
    "large integers": (
        I64(2**62, -(2**63)),
        I64(2**62 + 1, 2**63 - 1),
        "Tensor-likes are not equal!\n\nMismatched elements: 2 / 2 (100.0%)\n"
        "Greatest absolute difference: 18446744073709551615 at index (1,)\n"
        "Greatest relative difference: 2.0 at index (1,)",
    ),
    "infinite": (
        F32(math.inf, 1.0),
        F32(0.0, 1.0),
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: inf at index (0,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: inf at index (0,) (up to 1.3e-06 allowed)",
    ),
    "nan": (
        F32(5.0, math.nan),
        F32(1.0, 2.0),
        "Tensor-likes are not close!\n\nMismatched elements: 2 / 2 (100.0%)\n"
        "Greatest absolute difference: nan at index (1,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: nan at index (1,) (up to 1.3e-06 allowed)",
    ),
    "a scalar": (
        mg.tensor(1.0, dtype=mg.float64),
        mg.tensor(1.5, dtype=mg.float64),
        "Scalars are not close!\n\nExpected 1.5 but got 1.0.\nAbsolute difference: 0.5 (up to 1e-07 allowed)\n"
        "Relative difference: 0.3333333333333333 (up to 1e-07 allowed)",
    ),
    "numbers": (
        1.0,
        1.1,
        "Scalars are not close!\n\nExpected 1.1 but got 1.0.\n"
        "Absolute difference: 0.10000000000000009 (up to 1e-07 allowed)\n"
        "Relative difference: 0.09090909090909098 (up to 1e-07 allowed)",
    ),
    "whole numbers": (
        1,
        2,
        "Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\nRelative difference: 0.5",
    ),
    "dtypes": (A, A.double(), "The values for attribute 'dtype' do not match: float32 != float64."),
    "shapes": (A, A[0], "The values for attribute 'shape' do not match: (2, 2) != (2,)."),
    "kinds of numbers": (1, 1.0, "The (d)types do not match: <class 'int'> != <class 'float'>."),
    "a boolean and a number": (True, 1, "The (d)types do not match: <class 'bool'> != <class 'int'>."),
    "None": (None, 1.5, "None mismatch: None is not 1.5"),
    "keys": (
        {"a": A},
        {"b": A},
        "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['b']\n"
        "Additional keys in the actual mapping: ['a']",
    ),
    "lengths": ([A], [A, A], "The length of the sequences mismatch: 1 != 2"),
    "nested": (
        {"a": 1, "b": [1.0, (2.0, 4.0)]},
        {"a": 1, "b": [1.0, (2.0, 5.0)]},
        "Scalars are not close!\n\nExpected 5.0 but got 4.0.\nAbsolute difference: 1.0 (up to 1e-07 allowed)\n"
        "Relative difference: 0.2 (up to 1e-07 allowed)\n\nThe failure occurred for item ['b'][1][1]",
    ),
}


@pytest.mark.parametrize("name", APART)
def test_the_text_of_the_error(name):
    actual, expected, text = APART[name]
    with pytest.raises(AssertionError) as raised:
        assert_close(actual, expected)
    assert str(raised.value) == text


NOT_CLOSE = {
    "float32": (F32(1.0), F32(1.00002), {}),
    "float16": (F16(1.0), F16(1.004), {}),
    "float64": (F64(1.0), F64(1 + 2.1e-7), {}),
    "tolerances": (A, A + 0.5, {"rtol": 0, "atol": 0.4}),
    "exactly": (F32(1.0), F32(1.0000001), {"rtol": 0, "atol": 0}),
    "nan": (F32(math.nan), F32(math.nan), {}),
    "a number and infinity": (F32(1.0), F32(math.inf), {}),
    "infinities": (F32(-math.inf), F32(math.inf), {"equal_nan": True}),
    "strides": (A, A.T.clone().T, {"check_stride": True, "rtol": 1, "atol": 1}),
}


@pytest.mark.parametrize("name", NOT_CLOSE)
def test_what_is_not_close(name):
    actual, expected, settings = NOT_CLOSE[name]
    with pytest.raises(AssertionError):
        assert_close(actual, expected, **settings)


def test_the_text_can_be_ones_own():
    for msg, text in (("too far", "too far"), (lambda own: f"first: {own[:12]}", "first: Tensor-likes")):
        with pytest.raises(AssertionError) as raised:
            assert_close(A, A + 1, msg=msg)
        assert str(raised.value) == text


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: assert_close(A, A, rtol=1e-3), ValueError, "give both rtol and atol, or neither"),
        (lambda: assert_close(A, A, rtol=-1, atol=0), ValueError, "must be at least 0, got -1 and 0"),
        (lambda: assert_close("a", "a"), TypeError, "a str and a str cannot be compared"),
        (lambda: assert_close(A, [1, 2]), TypeError, "a Tensor and a list cannot be compared"),
        (lambda: assert_close(A, 1.0), TypeError, "a Tensor and a float cannot be compared"),
        (lambda: assert_close(nn.Parameter(A), A, allow_subclasses=False), TypeError, "a Parameter and a Tensor"),
    ],
)
def test_what_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()
