"""Products along axes where no partial product is too large or too small for the dtype, or for float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import ndarray

from .constants import float64
from .finite import all_finite

multiply: Any = np.multiply.reduce


def checked(compute: Callable[[ndarray], Any], x: ndarray) -> Any:
    """``compute(x)``, in the dtype of ``x`` or in float64.

    None if in both something was rounded to 0, to a subnormal number or to infinity. The processor notices that in the
    loops themselves: no partial result has to be looked at.
    """
    for dtype in dict.fromkeys((x.dtype, float64)):
        try:
            with np.errstate(over="raise", under="raise", invalid="ignore"):
                y = compute(x.astype(dtype, copy=False))
        except FloatingPointError:
            continue
        return y.astype(x.dtype, copy=False)
    return None


def direct_product(x: ndarray, axes: tuple[int, ...], keepdims: bool) -> Any:
    """The product along axes; None if it cannot be computed directly."""
    return checked(lambda x: multiply(x, axes, keepdims=keepdims), x)


def direct_others(dy: ndarray, x: ndarray, axes: tuple[int, ...]) -> Any:
    """``dy`` times the product of all other elements along axes, as a quotient; None if it cannot be computed so.

    ``dy`` has length 1 along the axes.
    """

    def others(x: ndarray) -> Any:
        y = multiply(x, axes, keepdims=True)
        if not (y.all() and all_finite(y)):
            raise FloatingPointError("nothing to divide by")
        y = y / x
        y *= dy
        return y

    return checked(others, x)
