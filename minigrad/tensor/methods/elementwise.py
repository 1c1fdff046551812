"""Operators, comparisons and functions of each element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ... import ops
from ...engine.node import Variable
from ...ops.arithmetic import add_op, sub_op
from .method import method, reflected

if TYPE_CHECKING:
    from ..tensor import Tensor

COMPARABLE = (Variable, ndarray, np.generic, int, float, list, tuple)
"""What a tensor can be compared with, element by element; it is not equal to anything else, None say."""


class ElementwiseMethods(Variable):
    """The operators and elementwise methods of a tensor."""

    __slots__ = ()

    __add__, __radd__ = method(add_op), reflected(add_op)
    __sub__, __rsub__ = method(sub_op), reflected(sub_op)
    __mul__, __rmul__ = method(ops.mul), reflected(ops.mul)
    __truediv__, __rtruediv__ = method(ops.div), reflected(ops.div)
    __pow__, __rpow__ = method(ops.pow), reflected(ops.pow)
    __matmul__, __rmatmul__ = method(ops.matmul), reflected(ops.matmul)
    __and__, __rand__ = method(ops.bitwise_and), reflected(ops.bitwise_and)
    __or__, __ror__ = method(ops.bitwise_or), reflected(ops.bitwise_or)
    __neg__, __abs__, __invert__ = method(ops.neg), method(ops.abs), method(ops.bitwise_not)
    __lt__, __le__, __gt__, __ge__ = method(ops.lt), method(ops.le), method(ops.gt), method(ops.ge)
    __hash__ = object.__hash__
    __getitem__ = method(ops.getitem)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.eq(self, other) if isinstance(other, COMPARABLE) else NotImplemented

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.ne(self, other) if isinstance(other, COMPARABLE) else NotImplemented

    add = method(ops.add)
    sub = method(ops.sub)
    mul = method(ops.mul)
    div = method(ops.div)
    pow = method(ops.pow)
    maximum = method(ops.maximum)
    minimum = method(ops.minimum)
    eq = method(ops.eq)
    ne = method(ops.ne)
    lt = method(ops.lt)
    le = method(ops.le)
    gt = method(ops.gt)
    ge = method(ops.ge)
    neg = method(ops.neg)
    abs = method(ops.abs)
    exp = method(ops.exp)
    log = method(ops.log)
    log1p = method(ops.log1p)
    sqrt = method(ops.sqrt)
    square = method(ops.square)
    reciprocal = method(ops.reciprocal)
    sin = method(ops.sin)
    cos = method(ops.cos)
    tanh = method(ops.tanh)
    sigmoid = method(ops.sigmoid)
    relu = method(ops.relu)
    sign = method(ops.sign)
    isnan = method(ops.isnan)
    isinf = method(ops.isinf)
    isfinite = method(ops.isfinite)
    logical_and = method(ops.logical_and)
    logical_or = method(ops.logical_or)
    logical_not = method(ops.logical_not)
    bitwise_and = method(ops.bitwise_and)
    bitwise_or = method(ops.bitwise_or)
    bitwise_not = method(ops.bitwise_not)
    clamp = method(ops.clamp)

    def where(self, condition: Any, other: Any) -> Tensor:
        """``self`` where ``condition`` is true, else ``other``."""
        return ops.where(condition, self, other)
