"""Grids of coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..engine.errors import InvalidTypeError, InvalidValueError
from ..engine.faces import public
from ..engine.node import describe
from .arguments import shape_of
from .shapes import expand, reshape

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["meshgrid"]


@public("function")
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of all points of a grid: for each axis a view of its vector, expanded to the whole grid.

    Args:
        *tensors: a vector, or a single number, for each axis; also as one list. All of one dtype.
        indexing: "ij" (also None): axis i of the results is that of the i-th vector. "xy": the first two axes are
            swapped, so that rows are the second vector's, as in pictures.

    Raises:
        ValueError: for a tensor with more axes than one, and for another ``indexing``.
        TypeError: for tensors of different dtypes.

    >>> x, y = mg.meshgrid(mg.tensor([1, 2]), mg.tensor([3, 4, 5]), indexing="ij")
    >>> x
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """
    vectors: Sequence[Any] = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    shapes = [shape_of(vector) for vector in vectors]
    if not shapes:
        raise InvalidValueError("meshgrid needs at least one tensor.")
    if any(len(shape) > 1 for shape in shapes):
        raise InvalidValueError(f"meshgrid expects vectors, got {', '.join(map(describe, vectors))}.")
    if len({vector.dtype for vector in vectors}) > 1:
        given = ", ".join(map(describe, vectors))
        raise InvalidTypeError(f"meshgrid expects vectors of one dtype, got {given}: convert them, x.to(mg.float32).")
    if indexing not in (None, "ij", "xy"):
        raise InvalidValueError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}.")
    axes = list(range(len(shapes)))
    if indexing == "xy":
        axes[:2] = axes[:2][::-1]
    lengths = [shape[0] if shape else 1 for shape in shapes]
    whole = tuple(lengths[axis] for axis in axes)  # swapping two axes is its own inverse
    return tuple(
        expand(reshape(vector, tuple(n if i == axis else 1 for i in range(len(axes)))), whole)
        for vector, n, axis in zip(vectors, lengths, axes)
    )
