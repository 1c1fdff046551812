"""minigrad's tensors for einops: after ``import minigrad.einops``, ``rearrange``, ``reduce``, ``repeat``, ``einsum``.

einops finds the classes of backends that exist when it first meets a tensor. This one is all that is needed:

>>> import minigrad.einops  # doctest: +SKIP
>>> from einops import rearrange  # doctest: +SKIP
>>> rearrange(mg.arange(6), "(h w) -> w h", h=2).tolist()  # doctest: +SKIP
[[0, 3], [1, 4], [2, 5]]

It is an optional extra: ``pip install "minigrad[einops]"``.
"""

from __future__ import annotations

from typing import Any

from . import ops
from .tensor.creation import arange, from_numpy
from .tensor.tensor import Tensor

try:
    from einops._backends import AbstractBackend
except ImportError as error:
    raise ImportError('minigrad.einops needs einops: pip install "minigrad[einops]"') from error


REDUCTIONS = {"max": "amax", "min": "amin"}
"""Operations that have another name here."""


class Backend(AbstractBackend):
    """What einops asks of tensors, by einops' names."""

    framework_name = "minigrad"

    def is_appropriate_type(self, tensor: Any) -> bool:
        """Whether it is a tensor of minigrad's."""
        return isinstance(tensor, Tensor)

    def from_numpy(self, x: Any) -> Any:
        """A tensor over an array."""
        return from_numpy(x)

    def to_numpy(self, x: Any) -> Any:
        """The values."""
        return x.detach().numpy()

    def arange(self, start: int, stop: int) -> Any:
        """The integers from ``start`` to below ``stop``."""
        return arange(start, stop)

    def transpose(self, x: Any, axes: Any) -> Any:
        """The axes in another order."""
        return ops.permute(x, axes)

    def stack_on_zeroth_dimension(self, tensors: Any) -> Any:
        """Tensors joined along a new first axis."""
        return ops.stack(tensors)

    def reduce(self, x: Any, operation: str, axes: Any) -> Any:
        """One of einops' reductions along axes."""
        return getattr(ops, REDUCTIONS.get(operation, operation))(x, dim=tuple(axes))

    def add_axes(self, x: Any, n_axes: int, pos2len: dict[int, int]) -> Any:
        """New axes of these lengths, along which the elements repeat."""
        for position, _ in sorted(pos2len.items()):
            x = ops.unsqueeze(x, position)
        return ops.expand(x, tuple(pos2len.get(i, -1) for i in range(n_axes)))

    def concat(self, tensors: Any, axis: int) -> Any:
        """Tensors joined along an axis."""
        return ops.cat(tensors, axis)

    def is_float_type(self, x: Any) -> bool:
        """Whether the elements are floats."""
        return bool(x.dtype.kind == "f")

    def einsum(self, pattern: str, *x: Any) -> Any:
        """Sums of products."""
        return ops.einsum(pattern, *x)
