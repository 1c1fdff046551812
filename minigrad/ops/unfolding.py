"""Windows along an axis, as views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from ..engine.op import Op
from .along import slices_added_op
from .arguments import integers, one_axis, shape_of
from .shapes import permuted, reshaped
from .views import part

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["unfold"]


def window_index(n: int, size: int, step: int) -> ndarray:
    """The places of the elements of each window, as rows."""
    return np.arange(0, n - size + 1, step)[:, None] + np.arange(size)


def windows(x: ndarray, axis: int, size: int, step: int) -> ndarray:
    """The windows along an axis, their elements along a new axis at the end, as a view."""
    all_of_them = np.lib.stride_tricks.sliding_window_view(x, size, axis) if size else zero_windows(x, axis)
    return all_of_them[(*(slice(None),) * axis, slice(None, None, step))]


def zero_windows(x: ndarray, axis: int) -> ndarray:
    """Windows without elements, one more than there are elements."""
    return np.zeros((*x.shape[:axis], x.shape[axis] + 1, *x.shape[axis + 1 :], 0), x.dtype)


def windows_back(dy: Any, shape: tuple[int, ...], axis: int, size: int, step: int) -> Any:
    """The gradient of windows: an element gets what all windows have for it."""
    places = window_index(shape[axis], size, step)
    elements = permuted(dy, tuple(k for i in range(len(shape)) for k in ((i, len(shape)) if i == axis else (i,))))
    joined = reshaped(elements, (*shape[:axis], places.size, *shape[axis + 1 :]))
    return slices_added_op(joined, places.ravel(), shape[axis], axis)


unfolded = Op(
    "unfold",
    lambda x, axis, size, step: np.moveaxis(np.take(x, window_index(x.shape[axis], size, step), axis), axis + 1, -1),
    lambda dy, _y, _x, axis, size, step: windows_back(dy, _x.shape, axis, size, step),
    kernel=windows,
    view=True,
    doc="the windows along an axis",
)


@public("method")
def unfold(input: Any, dimension: int, size: int, step: int) -> Tensor:
    """The windows of ``size`` elements along an axis, one every ``step``, as a read-only view.

    Their elements are along a new axis at the end; along ``dimension`` there are ``(n - size) // step + 1`` windows.

    >>> mg.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    shape = shape_of(input)
    axis = one_axis(dimension, len(shape))
    size, step = integers("size and step", (size, step))
    n = (*shape, 1)[axis]
    if step < 1 or not 0 <= size <= n:
        raise InvalidValueError(
            f"unfold: windows of {size} elements at a step of {step} along dimension {dimension} of {describe(input)}: "
            f"size must be from 0 to {n}, step at least 1."
        )
    if not shape:
        return part(reshaped(input, (1,)), 0, slice(0, size))
    return unfolded(input, axis, size, step)
