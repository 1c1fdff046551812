"""The product along axes, exact and linear whatever the factors.

Where a partial result would be too large or too small, they are kept as mantissas from 0.5 to 1 and exponents of 2.
An exponent is constant where a number is differentiable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.faces import public
from ..engine.node import array_of
from ..engine.op import Op
from ..kernels.prod import direct_others, direct_product
from .arguments import all_axes
from .choosing import where
from .joining import cat
from .reductions import count, narrowed, spread, unreduce, unreduced_shape, widened
from .shapes import in_dtype, permute, reshape

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["prod"]

add: Any = np.add.reduce
multiply: Any = np.multiply.reduce
MOST = 1 << 20
"""A power of 2 beyond all floats; NumPy takes C integers."""
FEW_FACTORS = 1 << 12
"""Factors up to which a product is tried directly: that of more would hardly ever be a number of usual size."""
FACTORS = 64
"""Mantissas that may be multiplied in any float dtype, float16 aside: 0.5 ** 64 is a normal float32."""


def times_power_of_2(x: ndarray, exponent: ndarray) -> Any:
    """``x * 2**exponent``, for exponents of any size; NumPy takes C integers."""
    return np.ldexp(x, np.minimum(np.maximum(exponent, -MOST), MOST).astype(np.intc))


scaled: Op = Op(
    "times_power_of_2",
    times_power_of_2,
    lambda dy, _y, _x, exponent: scaled(dy, exponent),
    None,
    doc="``x * 2 ** exponent``, exact",
)


def normalised(x: Any, exponent: Any = 0) -> tuple[Any, Any]:
    """``x * 2**exponent`` with a mantissa from 0.5 to 1 as ``x``."""
    more = np.frexp(array_of(x))[1]
    return scaled(x, -more), more.astype(np.int64) + exponent


def last_axis(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` with the axes joined to one, behind the others."""
    rest = tuple(i for i in range(len(x.shape)) if i not in axes)
    return reshape(permute(x, (*rest, *axes)), (*(x.shape[i] for i in rest), count(x.shape, axes)))


def product(x: ndarray, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The product along axes."""
    if x.dtype.kind != "f":
        return multiply(x, axes, keepdims=keepdims)
    m, e = np.frexp(widened(x))
    if count(x.shape, axes) > FACTORS:
        m, e = product_of_many(last_axis(m, axes), last_axis(e, axes))
        y = times_power_of_2(m, e).reshape(unreduced_shape(x, axes))
        return narrowed(y if keepdims else np.squeeze(y, axes), x)
    exponent = add(e, axes, keepdims=keepdims).astype(np.intc)
    return narrowed(np.ldexp(multiply(m, axes, keepdims=keepdims), exponent), x)


def product_of_many(m: ndarray, exponents: ndarray) -> tuple[ndarray, ndarray]:
    """The product of mantissas along the last axis, in blocks, and its exponent."""
    total = add(exponents, -1, np.int64)
    while m.shape[-1] > 1:
        n = m.shape[-1] // FACTORS * FACTORS
        blocks = m[..., :n].reshape(*m.shape[:-1], n // FACTORS, FACTORS)
        parts = multiply(blocks, -1), multiply(m[..., n:], -1, keepdims=True)
        m, exponents = np.frexp(np.concatenate(parts, -1))
        total += add(exponents, -1, np.int64)
    return m[..., 0], total


def halves(x: Any) -> tuple[Any, Any]:
    """The two halves of the last axis, which has an even length."""
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]


def others(m: Any) -> Any:
    """For each element along the last axis the product of all the others.

    The others of an element of one half are its partner in the other half, and the others of that pair.
    """
    n = m.shape[-1]
    if n == 1:
        return where(np.False_, m, 1)
    if n % 2:
        return others(with_one(m))[..., :n]
    a, b = halves(m)
    pairs = others(a * b)
    return cat([pairs * b, pairs * a], -1)


def with_one(m: Any) -> Any:
    """Another factor along the last axis, 1."""
    return cat([m, np.ones((*m.shape[:-1], 1), m.dtype)], -1)


def many_others(m: Any, exponent: ndarray) -> tuple[Any, ndarray]:
    """``others`` of ``m * 2**exponent`` as mantissas and exponents; of many factors with mantissas on the way."""
    n = m.shape[-1]
    if n <= FACTORS:
        return others(m), add(exponent, -1, keepdims=True) - exponent
    if n % 2:
        zero = np.zeros((*m.shape[:-1], 1), exponent.dtype)
        m, exponent = many_others(with_one(m), np.concatenate((exponent, zero), -1))
        return m[..., :n], exponent[..., :n]
    (a, b), (ea, eb) = halves(m), halves(exponent)
    pairs, e = many_others(*normalised(a * b, ea + eb))
    return normalised(cat([pairs * b, pairs * a], -1), np.concatenate((e + eb, e + ea), -1))


def derivative_of_product(dy: Any, _y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The product of all other elements: exact also where elements are 0, or products too small or too large."""
    x, dx = widened(x), spread(dy, x, axes)
    if not count(x.shape, axes):
        return dx
    order = (*(i for i in range(len(x.shape)) if i not in axes), *axes)
    products = scaled(*many_others(*normalised(last_axis(x, axes))))
    shape = tuple(x.shape[i] for i in order)
    return dx * permute(reshape(products, shape), tuple(order.index(i) for i in range(len(order))))


def product_on_arrays(x: ndarray, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The product directly where that is exact."""
    is_direct = x.dtype.kind == "f" and count(x.shape, axes) <= FEW_FACTORS
    y = direct_product(widened(x), axes, keepdims) if is_direct else None
    return product(x, axes, keepdims) if y is None else narrowed(y, x)


def derivative_on_arrays(dy: ndarray, _cache: Any, _needs: Any, _y: Any, x: ndarray, *attributes: Any) -> tuple[Any]:
    """The rule on arrays, by a division where that is exact."""
    axes, dx = attributes[0], None
    if count(x.shape, axes) <= FEW_FACTORS:
        dx = direct_others(unreduce(dy, x, axes), widened(x), axes)
    return (derivative_of_product(dy, _y, x, *attributes) if dx is None else dx,)


multiplied = Op(
    "prod",
    product,
    derivative_of_product,
    kernel=product_on_arrays,
    on_arrays=derivative_on_arrays,
    doc="the product along axes; its derivatives are exact also where elements are 0",
)


@public(
    "function method",
    {np.prod: lambda f, a, axis=None, dtype=None, *, keepdims=False: f(a, axis, keepdims, dtype=dtype)},
)
def prod(
    input: Any, dim: Any = None, keepdim: bool = False,
    *, dtype: Any = None, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """The product along ``dim`` (an int or several; None: of all elements), of booleans and integers in int64.

    With ``dtype`` the elements are converted before they are multiplied.

    Args:
        keepdim: keep the reduced axes, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.prod(mg.tensor([2.0, 3.0, 4.0]))
    tensor(24.)
    """
    if dtype is not None:
        return in_dtype(prod(in_dtype(input, dtype), dim, keepdim, axis=axis, keepdims=keepdims), dtype)
    return multiplied(input, all_axes(input, dim, axis), keepdim or keepdims)
