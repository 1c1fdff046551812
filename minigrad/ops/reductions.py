"""Reductions: operations that sum, average or choose along some axes.

The operations take a tuple of axes and ``keepdims``; the functions take PyTorch's ``dim`` and
``keepdim``, for which NumPy's ``axis`` and ``keepdims`` may be written.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy import ndarray

from ..engine.errors import EmptyAxisError
from ..engine.faces import public
from ..engine.node import Variable
from ..engine.op import Op, is_half
from ..engine.op import widened as widened
from ..kernels.constants import at_least_float32, float16, number
from ..kernels.sums import plain_sum, sum_over
from .arguments import all_axes
from .arithmetic import sub_op
from .choosing import where
from .shapes import astype, expand, in_dtype, reshape

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["amax", "amin", "mean", "std", "std_mean", "sum", "var", "var_mean"]

Function = TypeVar("Function", bound=Callable[..., Any])

# -- which axes --------------------------------------------------------------------------------


def count(shape: tuple[int, ...], axes: tuple[int, ...]) -> int:
    """How many elements a reduction over these axes takes together."""
    return math.prod([shape[axis] for axis in axes])


def unreduced_shape(x: Any, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of ``x`` with length 1 along the axes."""
    return tuple(1 if i in axes else n for i, n in enumerate(x.shape))


def unreduce(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Bring a reduction's output back to the rank of ``x``, with length 1 along the axes."""
    return reshape(y, unreduced_shape(x, axes))


def spread(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Repeat a reduction's output along the axes, to the shape of ``x``."""
    return expand(unreduce(y, x, axes), x.shape)


# -- operations --------------------------------------------------------------------------------


def narrowed(y: Any, x: Any) -> Any:
    """``y`` in float16 if ``x`` is: the end of a computation in float32."""
    return y.astype(float16) if x.dtype == float16 else y


def of_float16_in_float32(function: Function) -> Function:
    """A function that computes in float32 where it is given float16; without wider floats its result is rounded."""

    @functools.wraps(function)
    def wide(*args: Any, **named: Any) -> Any:
        operands = [x for x in (*args, *named.values()) if isinstance(x, (Variable, ndarray)) and x.dtype.kind == "f"]
        half = [is_half(x) for x in operands]
        if not any(half):
            return function(*args, **named)
        y = function(*map(widened, args), **{name: widened(value) for name, value in named.items()})
        return astype(y, float16) if all(half) else y

    return wide  # type: ignore[return-value]


def divided(dy: Any, n: Any) -> Any:
    """A gradient divided by a count; of float16 it is float32, which the engine rounds when all is done."""
    return widened(dy) / n


def freedom(x: Any, axes: tuple[int, ...], correction: float = 0) -> float:
    """``n - correction``, the divisor of a mean or a variance; NaN where it is not positive."""
    n = count(x.shape, axes) - correction
    return n if n > 0 else float("nan")


# Each is a function of how to add up, ``plain_sum`` in its definition and ``sum_over`` in its kernel.


def total(add: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """``sum(x)``"""
    return narrowed(add(x, axes, keepdims), x)


def floats(x: Any, cure: str = "x.float()") -> Any:
    """``x``, if it is of floats: others have no mean of their own dtype."""
    if x.dtype.kind != "f":
        raise TypeError(f"expected floats: convert it, {cure}.")
    return x


def average(add: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """``sum(x) / n``"""
    y = np.true_divide(add(x, axes, keepdims), freedom(x, axes))
    return y if y.dtype is x.dtype else narrowed(y, floats(x, "x.float() or dtype=mg.float32"))


summed = Op(
    "sum",
    partial(total, plain_sum),
    lambda dy, _y, _x, axes, keepdims: spread(dy, _x, axes),
    kernel=partial(total, sum_over),
    doc="``sum(x)`` along axes",
)
averaged = Op(
    "mean",
    partial(average, plain_sum),
    lambda dy, _y, _x, axes, keepdims: spread(divided(dy, freedom(_x, axes)), _x, axes),
    kernel=partial(average, sum_over),
    doc="``sum(x) / n`` along axes",
)


def central(x: Any, axes: tuple[int, ...]) -> Any:
    """``x - mean(x)``, of arrays minus the mean of that, too: what the rounding of a mean far from 0 leaves."""
    d = sub_op(x, averaged(x, axes, True))
    if not isinstance(d, Variable):
        d -= averaged(d, axes, True)
    return d


def wide_variance(add: Any, x: Any, axes: tuple[int, ...], keepdims: bool, correction: float) -> Any:
    """``sum((x - mean(x))**2) / (n - correction)``, at least in float32; divided by 0 where that is not positive

    The corrected two-pass algorithm: without the sum of ``x - mean(x)``, which is 0 but for the rounding of the mean,
    a mean far from 0 would cost the variance its digits.
    """
    x, n = widened(floats(x)), freedom(x, axes)
    d = x - add(x, axes, True) / n
    rest = add(d, axes, keepdims)
    d *= d
    squares = np.maximum(add(d, axes, keepdims) - rest * (rest / n), 0)
    n = freedom(x, axes, correction)
    return (
        np.true_divide(squares, n)
        if n > 0
        else np.where(squares > 0, number(np.inf, squares.dtype), number(np.nan, squares.dtype))
    )


def variance(add: Any, x: Any, axes: tuple[int, ...], keepdims: bool, correction: float) -> Any:
    """``var(x)``"""
    return narrowed(wide_variance(add, x, axes, keepdims, correction), x)


def deviation(add: Any, x: Any, axes: tuple[int, ...], keepdims: bool, correction: float) -> Any:
    """``sqrt(var(x))``"""
    return narrowed(np.sqrt(wide_variance(add, x, axes, keepdims, correction)), x)


def derivative_of_variance(dy: Any, _y: Any, x: Any, axes: tuple[int, ...], keepdims: bool, correction: float) -> Any:
    """``2 (x - mean(x)) / (n - correction)``; infinite where that is not positive, as PyTorch takes it"""
    n, d = freedom(x, axes, correction), central(widened(x), axes)
    if n > 0:
        return spread(divided(2 * dy, n), x, axes) * d
    return spread(dy, x, axes) * where(d == 0, number(np.nan, d.dtype), number(np.inf, d.dtype))


variances = Op(
    "var",
    partial(variance, plain_sum),
    derivative_of_variance,
    kernel=partial(variance, sum_over),
    doc="``sum((x - mean(x))**2) / (n - correction)`` along axes",
)
deviations = Op(
    "std",
    partial(deviation, plain_sum),
    # divided by infinity, the derivatives where y = 0 are 0, as PyTorch takes them
    lambda dy, y, x, axes, keepdims, correction: (
        spread(divided(dy, freedom(x, axes, correction)) / where(y == 0, np.inf, y), x, axes)
        * central(widened(x), axes)
    ),
    kernel=partial(deviation, sum_over),
    doc="``sqrt(var(x))`` along axes",
)


def shared(dy: Any, reached: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """The gradient of an extreme value, shared equally between the elements that reached it."""
    ties = where(reached, np.ones((), at_least_float32(x.dtype)), 0)
    return spread(dy, x, axes) * ties / summed(ties, axes, True)


def by_extreme(dy: Any, y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The rule of amax and amin: elements that tie share the gradient; NaN where the value is."""
    return shared(dy, x == unreduce(y, x, axes), x, axes)


def extreme(reduce: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The chosen element along axes."""
    try:
        return reduce(x, axes, keepdims=keepdims)
    except ValueError as error:
        raise EmptyAxisError(str(error)) from None


maxima = Op(
    "amax",
    partial(extreme, np.maximum.reduce),
    by_extreme,
    doc="the largest element along axes; ties share the gradient",
)
minima = Op(
    "amin",
    partial(extreme, np.minimum.reduce),
    by_extreme,
    doc="the smallest element along axes; ties share the gradient",
)

# -- what users call ---------------------------------------------------------------------------


def axes_and_correction(dim: Any, correction: float, unbiased: bool | None) -> tuple[Any, float]:
    """``dim`` and ``correction`` of var and std; ``unbiased``, also in place of ``dim``, is the older form."""
    if dim is True or dim is False:
        dim, unbiased = None, dim
    return dim, correction if unbiased is None else int(unbiased)


@public(
    "function method",
    {np.sum: lambda f, a, axis=None, dtype=None, *, keepdims=False: f(a, axis, keepdims, dtype=dtype)},
)
def sum(
    input: Any, dim: Any = None, keepdim: bool = False,
    *, dtype: Any = None, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """The sum along ``dim``, of booleans and integers in int64.

    Args:
        input: the tensor.
        dim: an int or several; None: all axes.
        keepdim: keep the reduced axes, with length 1.
        dtype: what to convert the elements to before they are added up.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.sum(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), 0)
    tensor([4., 6.])
    """
    if dtype is not None:
        return in_dtype(sum(in_dtype(input, dtype), dim, keepdim, axis=axis, keepdims=keepdims), dtype)
    return summed(input, all_axes(input, dim, axis), keepdim or keepdims)


@public(
    "function method",
    {np.mean: lambda f, a, axis=None, dtype=None, *, keepdims=False: f(a, axis, keepdims, dtype=dtype)},
)
def mean(
    input: Any, dim: Any = None, keepdim: bool = False,
    *, dtype: Any = None, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """The mean ``sum(x) / n`` along ``dim``; NaN of no elements.

    Args:
        input: the tensor, of floats.
        dim: an int or several; None: all axes.
        keepdim: keep the reduced axes, with length 1.
        dtype: what to convert the elements to first, floats; integers and booleans are refused without it.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.mean(mg.tensor([[1.0, 2.0], [3.0, 5.0]]), 1, keepdim=True)
    tensor([[1.5000],
            [4.0000]])
    """
    if dtype is not None:
        input = in_dtype(input, dtype)
    return averaged(input, all_axes(input, dim, axis), keepdim or keepdims)


@public(
    "function method",
    {np.var: lambda f, a, axis=None, ddof=0, keepdims=False: f(a, axis, ddof, keepdims)},
)
def var(
    input: Any, dim: Any = None, correction: float = 1, keepdim: bool = False,
    *, axis: Any = None, keepdims: bool = False, unbiased: bool | None = None,
) -> Tensor:  # fmt: skip
    """The variance ``sum((x - mean)**2) / (n - correction)`` along ``dim``.

    Args:
        input: the tensor, of floats.
        dim: an int or several; None: over all elements. A boolean is ``unbiased``.
        correction: 1, PyTorch's default, gives the unbiased estimate; 0 the biased one, which
            BatchNorm normalises with (and NumPy's default).
        keepdim: keep the reduced axes with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.
        unbiased: PyTorch's older argument: True is a correction of 1, False of 0.

    NaN of one element with a correction of 1, as 0 is divided by 0.

    >>> mg.var(mg.tensor([1.0, 3.0])), mg.var(mg.tensor([1.0, 3.0]), correction=0)
    (tensor(2.), tensor(1.))
    """
    dim, correction = axes_and_correction(dim, correction, unbiased)
    return variances(input, all_axes(input, dim, axis), keepdim or keepdims, correction)


@public(
    "function method",
    {np.std: lambda f, a, axis=None, ddof=0, keepdims=False: f(a, axis, ddof, keepdims)},
)
def std(
    input: Any, dim: Any = None, correction: float = 1, keepdim: bool = False,
    *, axis: Any = None, keepdims: bool = False, unbiased: bool | None = None,
) -> Tensor:  # fmt: skip
    """The standard deviation: the square root of ``var`` with the same arguments.

    Its gradient where all elements are equal is taken as 0.

    >>> mg.std(mg.tensor([1.0, 3.0]), correction=0)
    tensor(1.)
    """
    dim, correction = axes_and_correction(dim, correction, unbiased)
    return deviations(input, all_axes(input, dim, axis), keepdim or keepdims, correction)


@public("function")
def var_mean(
    input: Any, dim: Any = None, correction: float = 1, keepdim: bool = False,
    *, axis: Any = None, keepdims: bool = False, unbiased: bool | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``(var(x), mean(x))`` with the arguments of ``var``.

    >>> mg.var_mean(mg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    variance = var(input, dim, correction, keepdim, axis=axis, keepdims=keepdims, unbiased=unbiased)
    return variance, mean(input, None if isinstance(dim, bool) else dim, keepdim, axis=axis, keepdims=keepdims)


@public("function")
def std_mean(
    input: Any, dim: Any = None, correction: float = 1, keepdim: bool = False,
    *, axis: Any = None, keepdims: bool = False, unbiased: bool | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """``(std(x), mean(x))`` with the arguments of ``std``.

    >>> mg.std_mean(mg.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    deviation = std(input, dim, correction, keepdim, axis=axis, keepdims=keepdims, unbiased=unbiased)
    return deviation, mean(input, None if isinstance(dim, bool) else dim, keepdim, axis=axis, keepdims=keepdims)


@public("function method", {np.max: lambda f, a, axis=None, keepdims=False: f(a, axis, keepdims)})
def amax(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The largest element along ``dim``; elements that tie share the gradient equally.

    Args:
        input: the tensor; NaN counts as larger than all numbers.
        dim: an int or several; None: all axes.
        keepdim: keep the reduced axes, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    Raises:
        ValueError, IndexError: for an axis without elements.

    >>> mg.amax(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), (0, 1))
    tensor(4.)
    """
    return maxima(input, all_axes(input, dim, axis), keepdim or keepdims)


@public("function method", {np.min: lambda f, a, axis=None, keepdims=False: f(a, axis, keepdims)})
def amin(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The smallest element along ``dim``; elements that tie share the gradient equally.

    Args:
        input: the tensor; NaN counts as smaller than all numbers.
        dim: an int or several; None: all axes.
        keepdim: keep the reduced axes, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    Raises:
        ValueError, IndexError: for an axis without elements.

    >>> mg.amin(mg.tensor([[1.0, 4.0], [3.0, 2.0]]), 0)
    tensor([1., 2.])
    """
    return minima(input, all_axes(input, dim, axis), keepdim or keepdims)
