"""Casts, and dtypes of results of tensors."""

import numpy as np
import pytest

import minigrad as mg
from tests.tensor.dtypes import b1, check, f2, f4, f8, i4, i8

x2, x4, x8, n4, n8 = (mg.ones(2, dtype=dtype) for dtype in (f2, f4, f8, i4, i8))

RESULTS = [
    ("f4 + float", lambda: x4 + 0.5, f4),
    ("float - f4", lambda: 0.5 - x4, f4),
    ("f4 + int", lambda: x4 * 2, f4),
    ("f4 + True", lambda: x4 + True, f4),
    ("f4 * np.float64", lambda: x4 * np.float64(0.5), f4),
    ("np.float64 * f4", lambda: np.float64(0.5) * x4, f4),
    ("f4 ** np.float64", lambda: x4 ** np.float64(0.5), f4),
    ("f4 * list", lambda: x4 * [0.5, 0.5], f4),
    ("f4 * f8", lambda: x4 * x8, f8),
    ("f4 * float64 array", lambda: x4 * np.ones(2), f8),
    ("f4 * float32 array", lambda: x4 * np.ones(2, f4), f4),
    ("f4 * i8", lambda: x4 * n8, f4),
    ("f4 * int64 array", lambda: x4 * np.arange(2), f4),
    ("f4 / i4", lambda: x4 / n4, f4),
    ("f2 * float", lambda: x2 * 0.5, f2),
    ("f2 * np.float32", lambda: x2 * np.float32(0.5), f2),
    ("f2 * f4", lambda: x2 * x4, f4),
    ("i8 + int", lambda: n8 + 1, i8),
    ("i8 * i4", lambda: n8 * n4, i8),
    ("i8 / i8", lambda: n8 / n8, f4),
    ("i8 * float", lambda: n8 * 0.5, f4),
    ("i8 / 2", lambda: n8 / 2, f4),
    ("i8 ** 2", lambda: n8**2, i8),
    ("exp(i8)", lambda: mg.exp(n8), f4),
    ("sqrt(i4)", lambda: n4.sqrt(), f4),
    ("mean(i8, f4)", lambda: n8.mean(dtype=f4), f4),
    ("sum(i8)", lambda: n8.sum(), i8),
    ("sum(f2)", lambda: x2.sum(), f2),
    ("mean(f4)", lambda: x4.mean(), f4),
    ("std(f4)", lambda: x4.std(), f4),
    ("softmax(f4)", lambda: x4.softmax(0), f4),
    ("where(f4, number)", lambda: mg.where(x4 > 0, x4, 0.0), f4),
    ("f4 < float", lambda: x4 < 0.5, b1),
    ("cat", lambda: mg.cat([x4, x8]), f8),
    ("index", lambda: x4[0], f4),
    ("argmax", lambda: x4.argmax(), i8),
    ("double(f8)", lambda: x8 * 0.1, f8),
]


@pytest.mark.parametrize(("make", "dtype"), [case[1:] for case in RESULTS], ids=[case[0] for case in RESULTS])
def test_nothing_drifts_to_float64(make, dtype):
    assert make().dtype == dtype


CASTS = {"float": f4, "double": f8, "half": f2, "long": i8, "int": i4, "bool": b1}


@pytest.mark.parametrize("name", CASTS)
def test_casts(name):
    t = mg.tensor([0.0, 1.75, -2.0])
    dtype = CASTS[name]
    expected = t.numpy().astype(dtype)
    for made in (getattr(t, name)(), t.astype(dtype), t.to(dtype), t.to(dtype.name), t.to(dtype.type)):
        check(made, expected, dtype)
    assert t.to(dtype).to(dtype).dtype == dtype
    assert t.float() is t


@pytest.mark.parametrize("convert", [
    lambda x: x.long(), lambda x: mg.tensor(x.numpy(), dtype=i8), lambda x: mg.zeros(4, dtype=i8).copy_(x),
])  # fmt: skip
def test_integers_of_floats_without_an_integer_are_silent_as_in_pytorch(convert):
    y = convert(mg.tensor([np.nan, np.inf, 1e30, -2.75]))
    assert (y.dtype, y[3].item()) == (i8, -2)


def test_the_gradient_of_a_cast_has_the_dtype_of_its_tensor():
    t = mg.tensor([1.0, 2.0], requires_grad=True)
    (t.double() * 2).sum().backward()
    assert (t.grad.dtype, t.grad.tolist()) == (f4, [2.0, 2.0])


def test_an_unknown_dtype_is_refused():
    with pytest.raises(TypeError, match="floot"):
        mg.ones(2).to("floot")
