"""Other shapes and orders of the same elements, and matrix products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import ops
from ...engine.node import Variable
from .method import method

if TYPE_CHECKING:
    from ..tensor import Tensor


class ShapeMethods(Variable):
    """The methods of a tensor that move elements without computing, and products."""

    __slots__ = ()

    reshape = method(ops.reshape)
    flatten = method(ops.flatten)
    transpose = method(ops.transpose)
    swapaxes = method(ops.swapaxes)
    permute = method(ops.permute)
    squeeze = method(ops.squeeze)
    unsqueeze = method(ops.unsqueeze)
    expand = method(ops.expand)
    clone = method(ops.clone)
    matmul = method(ops.matmul)
    view = reshape

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The axes in reverse order: a matrix transposed."""
        return ops.permute(self, tuple(range(len(self.shape)))[::-1])
