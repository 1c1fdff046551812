"""Sums and means that leave NaN out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.faces import public
from .arguments import floats_only, one_name, shape_of
from .bits import bitwise_not
from .choosing import where
from .comparison import isnan
from .reductions import narrowed, sum, widened
from .shapes import in_dtype

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["nanmean", "nansum"]


@public("function method", {np.nansum: lambda f, a, axis=None, *, keepdims=False: f(a, axis, keepdims)})
def nansum(
    input: Any, dim: Any = None, keepdim: bool = False,
    *, dtype: Any = None, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """The sum along ``dim`` (an int or several; None: of all elements), in which NaN counts 0.

    Args:
        keepdim: keep the reduced axes, with length 1.
        dtype: what to convert the elements to first.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.nansum(mg.tensor([1.0, np.nan, 2.0]))
    tensor(3.)
    """
    shape_of(input)
    return sum(where(isnan(input), 0, input), dim, keepdim, dtype=dtype, axis=axis, keepdims=keepdims)


@public("function method", {np.nanmean: lambda f, a, axis=None, *, keepdims=False: f(a, axis, keepdims)})
def nanmean(
    input: Any, dim: Any = None, keepdim: bool = False,
    *, dtype: Any = None, axis: Any = None, keepdims: bool = False,
) -> Tensor:  # fmt: skip
    """The mean along ``dim`` (an int or several; None: of all elements) of those that are not NaN; NaN of none.

    Args:
        keepdim: keep the reduced axes, with length 1.
        dtype: what to convert the elements to first.
        axis, keepdims: NumPy's names of dim and keepdim.

    >>> mg.nanmean(mg.tensor([1.0, np.nan, 2.0]))
    tensor(1.5000)
    """
    dim, keepdim = one_name(dim, axis), keepdim or keepdims
    input = in_dtype(input if dtype is not None else floats_only("nanmean", input), dtype)
    x = widened(input)
    number = sum(bitwise_not(isnan(x)), dim, keepdim)
    number = where(number == 0, np.nan, number).astype(x.dtype)
    return narrowed(nansum(x, dim, keepdim) / number, input)
