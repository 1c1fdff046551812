"""The operators between tensors and numbers, and comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ... import ops
from ...engine.node import Variable
from ...ops.arithmetic import add_op, div_op, sub_op
from .method import method, reflected

if TYPE_CHECKING:
    from ..tensor import Tensor

COMPARABLE = (Variable, ndarray, np.generic, int, float, list, tuple)
"""What a tensor can be compared with, element by element; it is not equal to anything else, None say."""


class OperatorMethods(Variable):
    """The operators of a tensor; those in place are with the other methods in place."""

    __slots__ = ()

    __add__, __radd__ = method(add_op), reflected(add_op)
    __sub__, __rsub__ = method(sub_op), reflected(sub_op)
    __mul__, __rmul__ = method(ops.mul), reflected(ops.mul)
    __truediv__, __rtruediv__ = method(div_op), reflected(div_op)
    __floordiv__, __rfloordiv__ = method(ops.floor_divide), reflected(ops.floor_divide)
    __mod__, __rmod__ = method(ops.remainder), reflected(ops.remainder)
    __pow__, __rpow__ = method(ops.pow), reflected(ops.pow)
    __matmul__, __rmatmul__ = method(ops.matmul), reflected(ops.matmul)
    __and__, __rand__ = method(ops.bitwise_and), reflected(ops.bitwise_and)
    __or__, __ror__ = method(ops.bitwise_or), reflected(ops.bitwise_or)
    __xor__, __rxor__ = method(ops.bitwise_xor), reflected(ops.bitwise_xor)
    __lshift__, __rlshift__ = method(ops.bitwise_left_shift), reflected(ops.bitwise_left_shift)
    __rshift__, __rrshift__ = method(ops.bitwise_right_shift), reflected(ops.bitwise_right_shift)
    __neg__, __pos__, __abs__ = method(ops.neg), method(ops.positive), method(ops.abs)
    __invert__ = method(ops.bitwise_not)
    __lt__, __le__, __gt__, __ge__ = method(ops.lt), method(ops.le), method(ops.gt), method(ops.ge)
    __hash__ = object.__hash__
    __getitem__ = method(ops.getitem)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.eq(self, other) if isinstance(other, COMPARABLE) else NotImplemented

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.ne(self, other) if isinstance(other, COMPARABLE) else NotImplemented
