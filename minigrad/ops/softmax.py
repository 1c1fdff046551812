"""Softmax and its logarithms, computed without overflow."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.faces import public
from ..engine.node import as_array
from ..engine.op import Op
from ..engine.scope import call_path
from ..kernels.constants import float16
from ..kernels.finite import all_finite
from ..kernels.softmax import logsumexp_backward
from ..kernels.sums import plain_sum, sum_over
from .arguments import all_axes, one_name, required_axis, shape_of
from .choosing import where
from .functions import exp
from .reductions import narrowed, spread, sum, unreduce, unreduced_shape
from .shapes import in_dtype, in_floats

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["log_softmax", "logsumexp", "softmax", "softmin"]


def largest(x: ndarray, axes: Any) -> ndarray:
    """The largest element along the axes, which are kept; -inf of none."""
    if x.dtype.kind != "f":
        raise TypeError("expected floats: convert it, e.g. x.float().")
    y: ndarray = np.maximum.reduce(x, axes, keepdims=True, initial=-np.inf)
    return y


@np.errstate(invalid="ignore")
def shifted(x: ndarray, axis: int) -> ndarray:
    """``x`` minus its largest element along an axis: all NaN where that is infinite, as there is no distribution."""
    z = x - largest(x, axis)
    return as_array(z)


# Each is a function of how to add up, ``plain_sum`` in its definition and ``sum_over`` in its kernel.


def log_of_sum(add: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> ndarray:
    """``log(sum(exp(x)))`` along axes"""
    shift = largest(x, axes)
    shift = np.where(np.isfinite(shift), shift, x.dtype.type(0))
    z = as_array(x - shift)
    with np.errstate(divide="ignore"):
        y = narrowed(np.log(add(np.exp(z, out=z), axes, True)) + shift, x)
    return y if keepdims else np.squeeze(y, axes)


def normalised(add: Any, x: Any, axis: int) -> Any:
    """``exp(x) / sum(exp(x))`` along an axis"""
    z = shifted(x, axis)
    np.exp(z, out=z)
    z /= add(z, (axis,), True)
    return z


def log_normalised(add: Any, x: Any, axis: int) -> Any:
    """``x - log(sum(exp(x)))`` along an axis"""
    z = shifted(x, axis)
    return narrowed(z - np.log(add(np.exp(z), (axis,), True)), x)


@np.errstate(invalid="ignore")  # inf - inf, for which another value is chosen
def normalised_by(y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """``exp(x - y)``, which sums to 1 but for the rounding of a large ``y``: divided by its sum.

    Of only -inf it is 0. A single +inf has 1, and all others 0; several are NaN.
    """
    y = unreduce(y, x, axes)
    p = where(x == np.inf, 1, exp(x - where(y == -np.inf, 0, y)))
    total = sum(p, axes, True)
    several = (y == np.inf) & (total != 1)
    return p / where(total == 0, 1, where(several, np.nan, total))


def derivative_of_logsumexp(dy: Any, y: Any, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """``dy * exp(x - y)``"""
    return spread(dy, x, axes) * normalised_by(y, x, axes)


def derivative_on_arrays(
    dy: ndarray, _cache: Any, _needs: Any, y: ndarray, x: ndarray, axes: tuple[int, ...], keepdims: bool
) -> tuple[Any]:
    """The rule on arrays, in fewer steps where the logarithms are finite."""
    if x.dtype == float16 or not all_finite(y):
        return (derivative_of_logsumexp(dy, y, x, axes, keepdims),)
    kept = unreduced_shape(x, axes)
    return (logsumexp_backward(dy.reshape(kept), y.reshape(kept), x, axes),)


logsumexp_op = Op(
    "logsumexp",
    partial(log_of_sum, plain_sum),
    derivative_of_logsumexp,
    kernel=partial(log_of_sum, sum_over),
    on_arrays=derivative_on_arrays,
    doc="``log(sum(exp(x)))`` along axes",
)
softmax_op = Op(
    "softmax",
    partial(normalised, plain_sum),
    lambda dy, y, _x, axis: y * (dy - sum(dy * y, axis, True)),
    kernel=partial(normalised, sum_over),
    doc="``exp(x) / sum(exp(x))`` along an axis",
)
log_softmax_op = Op(
    "log_softmax",
    partial(log_normalised, plain_sum),
    lambda dy, y, _x, axis: dy - exp(y) * sum(dy, axis, True),  # type: ignore[has-type]
    kernel=partial(log_normalised, sum_over),
    doc="``x - log(sum(exp(x)))`` along an axis",
)


@public("function method special")
def logsumexp(
    input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False
) -> Tensor:
    """``log(sum(exp(x)))`` along ``dim``, without overflow; of integers in float32.

    Args:
        input: the tensor.
        dim: an int or several; None: all axes.
        keepdim: keep the reduced axes, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.logsumexp(mg.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """
    axes = all_axes(input, dim, axis)
    return logsumexp_op(in_floats(input), axes, keepdim or keepdims)


CLASSES = "dim=1 or dim=-1, the classes"


@public("function method special")
def softmax(input: Any, dim: Any = None, dtype: Any = None, *, axis: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``dim``: positive numbers that sum to 1.

    Args:
        input: floats, unless a dtype is given.
        dim: the axis; needed.
        dtype: what to convert the input to first.
        axis: NumPy's name of dim.

    >>> mg.softmax(mg.tensor([0.0, 0.0, np.log(2)]), 0)
    tensor([0.2500, 0.2500, 0.5000], dtype=float64)
    """
    return softmax_op(in_dtype(input, dtype), required_axis("softmax", input, dim, axis, CLASSES))


@public("function method special")
def log_softmax(input: Any, dim: Any = None, dtype: Any = None, *, axis: Any = None) -> Tensor:
    """The logarithm of softmax along ``dim``, exact also where softmax is too small for its dtype.

    Args:
        input: floats, unless a dtype is given.
        dim: the axis; needed.
        dtype: what to convert the input to first.
        axis: NumPy's name of dim.

    >>> mg.log_softmax(mg.tensor([1000.0, 1000.0]), 0)
    tensor([-0.6931, -0.6931])
    """
    return log_softmax_op(in_dtype(input, dtype), required_axis("log_softmax", input, dim, axis, CLASSES))


@public("functional module", name="softmax")
def softmax_functional(input: Any, dim: Any = None, dtype: Any = None, *, axis: Any = None) -> Tensor:
    """``exp(x) / sum(exp(x))`` along ``dim``: positive numbers that sum to 1.

    Args:
        input: floats, unless a dtype is given.
        dim: the axis. Without it a warning, and a guess, as in PyTorch: 0 for 0, 1 and 3 axes, else 1.
        dtype: what to convert the input to first.
        axis: NumPy's name of dim.

    >>> F.softmax(mg.tensor([[0.0, 0.0]]), dim=1)
    tensor([[0.5000, 0.5000]])
    """
    return softmax(input, guessed_axis("softmax", input, dim, axis), dtype)


@public("functional module", name="log_softmax")
def log_softmax_functional(input: Any, dim: Any = None, dtype: Any = None, *, axis: Any = None) -> Tensor:
    """The logarithm of softmax along ``dim``, exact also where softmax is too small for its dtype.

    Args:
        input: floats, unless a dtype is given.
        dim: the axis. Without it a warning, and a guess, as in PyTorch: 0 for 0, 1 and 3 axes, else 1.
        dtype: what to convert the input to first.
        axis: NumPy's name of dim.

    >>> F.log_softmax(mg.tensor([[0.0, 0.0]]), dim=1)
    tensor([[-0.6931, -0.6931]])
    """
    return log_softmax(input, guessed_axis("log_softmax", input, dim, axis), dtype)


@public("functional module")
def softmin(input: Any, dim: Any = None, dtype: Any = None, *, axis: Any = None) -> Tensor:
    """``softmax(-x)`` along ``dim``: the smallest element has the largest part.

    Args:
        input: floats, unless a dtype is given.
        dim: the axis. Without it a warning, and a guess, as in PyTorch: 0 for 0, 1 and 3 axes, else 1.
        dtype: what to convert the input to first.
        axis: NumPy's name of dim.

    >>> F.softmin(mg.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return softmax(-in_dtype(input, dtype), guessed_axis("softmin", input, dim, axis))


def guessed_axis(name: str, x: Any, dim: Any, axis: Any) -> Any:
    """What was given as ``dim`` or ``axis``; without one a warning, and PyTorch's guess."""
    only = one_name(dim, axis)
    if only is None:
        only = 0 if len(shape_of(x)) in (0, 1, 3) else 1
        warnings.warn(
            f"{name}{call_path()}: dim is not given, so it is taken to be {only}: pass dim={only}.", stacklevel=3
        )
    return only
