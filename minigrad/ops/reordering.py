"""Copies of elements in another order, or repeated."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import Variable, array_of, describe
from ..engine.op import Op
from .along import integer_index, slices_taken
from .arguments import axis_too, integers, one_axis, shape_of, sizes
from .diagonals import two_axes
from .reductions import sum as sum_along
from .shapes import clone, given, reshaped, transpose
from .views import ravel

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "repeat",
    "repeat_interleave",
    "roll",
    "rot90",
    "tile",
]

# -- turning -------------------------------------------------------------------------------------

flipped: Op = Op(
    "flip",
    lambda x, axes: np.flip(x, axes).copy(),
    lambda dy, _y, _x, axes: flipped(dy, axes),
    doc="the elements in reverse order along axes",
)
rolled: Op = Op(
    "roll",
    lambda x, shifts, axes: np.roll(x, shifts, axes),
    lambda dy, _y, _x, shifts, axes: rolled(dy, tuple(-n for n in shifts), axes),
    doc="the elements shifted along axes, those that fall off put in at the front",
)


def different_axes(name: str, ndim: int, dims: Any) -> tuple[int, ...]:
    """Axes counted from the front, each at most once."""
    axes = tuple(one_axis(d, ndim) for d in (dims if isinstance(dims, (tuple, list)) else (dims,)))
    if len(set(axes)) != len(axes):
        raise InvalidValueError(f"{name}: dims {dims} name an axis twice.")
    return axes


def numpys_flip(function: Any, m: Any, axis: Any = None) -> Any:
    """``np.flip``: of all axes unless some are given."""
    return function(m, tuple(range(len(m.shape))) if axis is None else axis)


@public("function method", {np.flip: numpys_flip})
def flip(input: Any, *axes: Any, dims: Any = None) -> Tensor:
    """The elements in reverse order along the axes ``dims``, as a copy.

    Args:
        axes, dims: one or more, as integers or one tuple; negative ones count from the end.

    >>> mg.flip(mg.tensor([[1, 2], [3, 4]]), (0, 1))
    tensor([[4, 3],
            [2, 1]])
    """
    together = given("flip", "dims", axes, dims)
    shape = shape_of(input)
    axes = different_axes("flip", len(shape), sizes(together))
    return flipped(input, axes if shape else ())


@public("function method", {np.fliplr: lambda f, m: f(m)})
def fliplr(input: Any) -> Tensor:
    """The columns in reverse order, as a copy.

    >>> mg.fliplr(mg.tensor([[1, 2], [3, 4]]))
    tensor([[2, 1],
            [4, 3]])
    """
    if len(shape_of(input)) < 2:
        raise InvalidValueError(f"fliplr needs a tensor of at least 2 axes, got {describe(input)}.")
    return flipped(input, (1,))


@public("function method", {np.flipud: lambda f, m: f(m)})
def flipud(input: Any) -> Tensor:
    """The rows in reverse order, as a copy.

    >>> mg.flipud(mg.tensor([[1, 2], [3, 4]]))
    tensor([[3, 4],
            [1, 2]])
    """
    if not shape_of(input):
        raise InvalidValueError(f"flipud needs a tensor of at least 1 axis, got {describe(input)}.")
    return flipped(input, (0,))


@public("function method", {np.roll: lambda f, a, shift, axis=(): f(a, shift, () if axis is None else axis)})
def roll(input: Any, shifts: Any, dims: Any = ()) -> Tensor:
    """The elements shifted along axes, as a copy; those that fall off are put in at the front.

    Args:
        input: the tensor.
        shifts: by how many places, for each of the axes.
        dims: the axes; none: the flattened tensor, which gets its shape back.

    >>> mg.roll(mg.arange(5), 2)
    tensor([3, 4, 0, 1, 2])
    """
    shape = shape_of(input)
    shifts, dims = (integers("roll", tuple(v) if isinstance(v, (tuple, list)) else (v,)) for v in (shifts, dims))
    if not dims and len(shifts) == 1:
        return reshaped(rolled(ravel(input), shifts, (0,)), shape)
    if len(shifts) != len(dims):
        raise InvalidValueError(f"roll: shifts {shifts} and dims {dims} must be as many.")
    axes = tuple(one_axis(d, len(shape)) for d in dims)
    return rolled(input, shifts, axes) if shape else clone(input)


@public("function method", {np.rot90: lambda f, m, k=1, axes=(0, 1): f(m, k, axes)})
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turned by ``k`` times 90 degrees in the plane of two axes, from the first towards the second, as a copy.

    Args:
        dims: the two axes.

    >>> mg.rot90(mg.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    ndim, dims = len(shape_of(input)), integers("dims", tuple(dims))
    if len(dims) != 2 or ndim < 2:
        raise InvalidValueError(f"rot90 turns a plane of two axes, got dims {dims} of {describe(input)}.")
    first, second = two_axes("rot90", ndim, *dims)
    turns = integers("k", (k,))[0] % 4
    if turns in (0, 2):
        return flipped(input, (first, second)) if turns else clone(input)
    return transpose(flipped(input, (second if turns == 1 else first,)), first, second)


# -- repeating -----------------------------------------------------------------------------------


def repeated_back(dy: Any, shape: tuple[int, ...], repeats: tuple[int, ...]) -> Any:
    """The gradient of copies side by side: an element gets that of all its copies."""
    whole = (*(1,) * (len(repeats) - len(shape)), *shape)
    apart = reshaped(dy, tuple(itertools.chain.from_iterable(zip(repeats, whole))))
    return reshaped(sum_along(apart, tuple(range(0, 2 * len(whole), 2))), shape) if whole else dy


repeated = Op(
    "repeat",
    lambda x, repeats: np.tile(x, repeats),
    lambda dy, _y, _x, repeats: repeated_back(dy, _x.shape, repeats),
    doc="copies side by side along each axis",
)


@public("method")
def repeat(input: Any, *repeats: Any) -> Tensor:
    """Copies side by side: as many along each axis as ``repeats`` says, which may name new axes in front.

    >>> mg.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts = sizes(repeats)
    if len(counts) < len(shape_of(input)) or any(n < 0 for n in counts):
        raise InvalidValueError(
            f"repeat: {describe(input)} needs a number of copies, at least 0, for each axis, got {counts}."
        )
    return repeated(input, counts)


def numpys_tile(function: Any, A: Any, reps: Any) -> Any:  # noqa: N803
    """``np.tile``: of one number, or several."""
    return function(A, reps if isinstance(reps, (tuple, list)) else (reps,))


@public("function method", {np.tile: numpys_tile})
def tile(input: Any, *counts: Any, dims: Any = None) -> Tensor:
    """Copies side by side, as ``repeat``; of fewer numbers than axes they are for the last ones.

    Args:
        counts, dims: how many copies along each axis, as integers or one tuple.

    >>> mg.tile(mg.tensor([1, 2]), (2, 2))
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    numbers = sizes(given("tile", "dims", counts, dims))
    return repeat(input, (*(1,) * (len(shape_of(input)) - len(numbers)), *numbers))


@public("function method", {np.repeat: lambda f, a, repeats, axis=None: f(a, repeats, axis)})
@axis_too
def repeat_interleave(input: Any, repeats: Any, dim: int | None = None, *, output_size: int | None = None) -> Tensor:
    """Each element, or slice along an axis, several times, one after the other: NumPy's ``repeat``.

    Args:
        input: the tensor.
        repeats: how often, a number for all, or a vector of integers.
        dim: the axis; None: the flattened tensor.
        output_size: how long the axis becomes, which is checked.

    >>> mg.repeat_interleave(mg.tensor([1, 2]), mg.tensor([2, 1]))
    tensor([1, 1, 2])
    """
    shape_of(input)
    x = ravel(input) if dim is None or not shape_of(input) else input
    axis = one_axis(0 if dim is None else dim, len(x.shape))
    n = x.shape[axis]
    if isinstance(repeats, (Variable, np.ndarray, list, tuple)):
        counts = array_of(integer_index("repeat_interleave", repeats)).reshape(-1).tolist()
    else:
        counts = [*integers("repeats", (repeats,))]
    if len(counts) not in (1, n) or any(k < 0 for k in counts):
        raise InvalidValueError(
            f"repeat_interleave: repeats must be at least 0, and as many as there are slices, {n}, got {counts}."
        )
    places = np.repeat(np.arange(n), counts)
    if output_size is not None and output_size != len(places):
        raise InvalidValueError(
            f"repeat_interleave: output_size is {output_size}, but repeats add up to {len(places)}."
        )
    return slices_taken(x, places, axis)
