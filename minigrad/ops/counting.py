"""Counting: whether any or all elements are true, how many are, and how many of each kind there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.arguments import whole
from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.host import check
from ..engine.node import Variable, array_of, describe
from ..engine.op import Op
from .arguments import all_axes, floats_only, one_name, shape_of
from .indexing import placed, put
from .reductions import sum
from .results import Histogram
from .shapes import astype, reshape

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["all", "any", "bincount", "count_nonzero", "histc", "histogram"]

# -- true elements --------------------------------------------------------------------------------


def truth(y: Any, x: ndarray) -> Any:
    """Booleans, of uint8 as such: PyTorch's booleans of old."""
    return y.astype(x.dtype) if x.dtype == np.uint8 else y


any_op = Op("any", lambda x, axes, keepdims: truth(np.any(x, axes, keepdims=keepdims), x), None, doc="any true element")
all_op = Op("all", lambda x, axes, keepdims: truth(np.all(x, axes, keepdims=keepdims), x), None, doc="all are true")
count_nonzero_op = Op(
    "count_nonzero",
    lambda x, axes: np.count_nonzero(x, axis=axes),
    None,
    doc="how many elements along axes are not 0",
)


def axes_or_none(x: Any, dim: Any, axis: Any) -> tuple[int, ...]:
    """The axes meant by ``dim`` or ``axis``, for ``()`` none: each element is asked by itself."""
    dim = one_name(dim, axis)
    return () if isinstance(dim, (tuple, list)) and not dim else all_axes(x, dim)


@public("function method")
def any(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element along ``dim`` (an int or several; None: of all) is true, which NaN and all but 0 are.

    Args:
        keepdim: keep the reduced axes, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.any(mg.tensor([[0, 1], [0, 0]]), 1)
    tensor([ True, False])
    """
    return any_op(input, axes_or_none(input, dim, axis), keepdim or keepdims)


@public("function method")
def all(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements along ``dim`` (an int or several; None: of all) are true, which NaN and all but 0 are.

    Args:
        keepdim: keep the reduced axes, with length 1.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.all(mg.tensor([[0, 1], [1, 1]]), 1)
    tensor([False,  True])
    """
    return all_op(input, axes_or_none(input, dim, axis), keepdim or keepdims)


@public("function method")
def count_nonzero(input: Any, dim: Any = None, *, axis: Any = None) -> Tensor:
    """How many elements along ``dim`` (an int or several; None: of all) are not 0.

    Args:
        axis: NumPy's name of dim.
        dim: an int or several; None: all axes.

    >>> mg.count_nonzero(mg.tensor([[0, 1], [1, 1]]), 1)
    tensor([1, 2])
    """
    return count_nonzero_op(input, all_axes(input, dim, axis))


# -- elements of each kind ------------------------------------------------------------------------


def bin_counts(number: ndarray, bins: int) -> Any:
    """How many elements are in each of some bins."""
    return put((number >= 0).astype(np.int64), (bins,), (number,))


bin_counts_op = Op(
    "bin_counts",
    bin_counts,
    None,
    kernel=lambda number, bins: np.bincount(number, minlength=bins),
    doc="how many elements are in each of some bins",
)


@public("function method")
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each of the numbers 0, 1, 2, ... is in a vector.

    Args:
        input: a vector of integers of at least 0.
        weights: a vector of as many numbers: these are added up instead, in float32 or else in float64.
        minlength: the length of the result, if the largest number is smaller.

    >>> mg.bincount(mg.tensor([1, 1, 3]))
    tensor([0, 2, 0, 1])
    """
    if len(shape_of(input)) != 1 or input.dtype.kind not in "iu":
        raise InvalidTypeError(f"bincount: expected a vector of integers, got {describe(input)}: convert it, x.long().")
    check(refuse_negative, array_of(input))
    length = whole(minlength, 0, "bincount: minlength must be an integer of at least 0")
    if input.shape[0]:
        length = max(length, int(np.max(array_of(input))) + 1)
    if weights is None:
        return bin_counts_op(input, length)
    if shape_of(weights) != input.shape:
        raise InvalidValueError(f"bincount: weights must be {input.shape} as the input, got {describe(weights)}.")
    weights = weights if weights.dtype == np.float32 else astype(weights, np.float64)
    return placed(weights, (length,), (array_of(input),))


def refuse_negative(x: ndarray) -> None:
    """Refuse negative numbers."""
    if x.size and x.min() < 0:
        raise InvalidValueError(f"bincount: numbers must be at least 0, got {x.min()}.")


# -- bins -----------------------------------------------------------------------------------------


@np.errstate(invalid="ignore", over="ignore")  # of a range that is not finite
def edges_of_bins(x: ndarray, bins: int, low: float | None, high: float | None, widen: float) -> Any:
    """The edges of bins of equal width: between two numbers, or the least and the largest element.

    An empty range is widened on both sides.
    """
    if low is None or high is None:
        low, high = (np.min(x), np.max(x)) if x.size else (0.0, 1.0)
    both = np.multiply(low == high, widen)
    low, high = low - both, high + both
    part = np.arange(bins + 1) / bins
    return np.where(part == 1, high, low + part * (high - low)).astype(x.dtype)


def bin_of(x: ndarray, edges: ndarray) -> Any:
    """The number of each element's bin, which includes its lower edge, the last one both; one more for none."""
    bins = edges.shape[0] - 1
    number = np.searchsorted(edges, x, "right") - 1
    number = np.where(x == edges[-1], bins - 1, number)
    return np.where(number < 0, bins, number)


def bin_on_arrays(x: ndarray, edges: ndarray) -> Any:
    """The number by a division where the bins are about as wide, put right by a comparison with the edges."""
    bins = len(edges) - 1
    low, high = float(edges[0]), float(edges[-1])
    width = (high - low) / bins
    if not 0 < width < np.inf or np.abs(edges - (low + width * np.arange(bins + 1))).max() > width / 4:
        return bin_of(x, edges)
    with np.errstate(invalid="ignore", over="ignore"):  # of NaN and infinities
        number = ((x - low) * (1 / width)).astype(np.int64)
    np.minimum(np.maximum(number, 0, out=number), bins - 1, out=number)
    number -= x < edges[number]
    number += (x >= edges[number + 1]) & (number < bins - 1)
    number[~((x >= low) & (x <= high))] = bins
    return number


edges_op = Op("edges_of_bins", edges_of_bins, None, doc="the edges of bins of equal width")
bin_op = Op("bin_of", bin_of, None, None, kernel=bin_on_arrays, doc="the number of each element's bin")


def counted(x: Any, edges: Any, weight: Any = None) -> Any:
    """How many elements each bin has, or their weight."""
    bins = edges.shape[0]
    number = bin_op(reshape(x, (-1,)), edges)
    if weight is None:
        return astype(bin_counts_op(number, bins), x.dtype)[:-1]
    return placed(astype(reshape(weight, (-1,)), x.dtype), (bins,), (array_of(number),))[:-1]


def refuse_infinite(edges: ndarray) -> None:
    """Refuse edges that are not finite."""
    if not np.all(np.isfinite(edges)):
        raise InvalidValueError(f"histogram: the range must be finite, got {edges[0]} to {edges[-1]}.")


def equal_bins(name: str, x: Any, bins: Any, low: Any, high: Any, widen: float) -> Any:
    """The edges of bins of equal width, checked; between the least and the largest element if ``low`` is None."""
    bins = whole(bins, 1, f"{name}: bins must be an integer of at least 1")
    if low is not None:
        low, high = float(low), float(high)
        if low > high:
            raise InvalidValueError(f"{name}: the range must go upwards, got {low} to {high}.")
    edges = edges_op(x, bins, low, high, widen)
    check(refuse_infinite, array_of(edges))
    return edges


@public("function method")
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements lie in each of ``bins`` bins of equal width from ``min`` to ``max``, both included.

    Args:
        input: the tensor, of floats; elements outside, and NaN, are not counted.
        bins: how many.
        min, max: the range; if they are equal, that of the elements.

    Returns:
        The counts, a vector in the dtype of the input. They have no gradient.

    >>> mg.histc(mg.tensor([1.0, 2.0, 2.0, 3.0]), 4, 0, 4)
    tensor([0., 1., 2., 1.])
    """
    floats_only("histc", input)
    low, high = (None, None) if min == max else (min, max)
    return counted(input, equal_bins("histc", input, bins, low, high, 1.0))


@public("function method")
def histogram(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Histogram:
    """How many elements lie in each bin: (hist, bin_edges).

    Args:
        input: the tensor, of floats; elements outside of the bins are not counted.
        bins: how many of equal width, or a vector of their edges in ascending order.
        range: the first and the last edge, if ``bins`` is a number; those of the elements unless given.
        weight: a tensor of the input's shape: the weights are added up instead, and have a gradient.
        density: divide by the total and the width of each bin, so that the integral is 1.

    Each bin includes its lower edge, the last one both.

    >>> mg.histogram(mg.tensor([1.0, 2.0, 2.0, 3.0]), 2).hist
    tensor([1., 3.])
    """
    floats_only("histogram", input)
    if isinstance(bins, (Variable, ndarray)):
        edges: Any = bins
        if len(edges.shape) != 1 or edges.shape[0] < 2 or range is not None:
            raise InvalidValueError(f"histogram: bins must be two or more edges, and no range, got {describe(bins)}.")
    else:
        low, high = (None, None) if range is None else range
        edges = equal_bins("histogram", input, bins, low, high, 0.5)
    if weight is not None and shape_of(weight) != input.shape:
        raise InvalidValueError(f"histogram: weight must be {input.shape} as the input, got {describe(weight)}.")
    hist = counted(input, edges, weight)
    return Histogram(hist / (sum(hist) * (edges[1:] - edges[:-1])) if density else hist, edges)
