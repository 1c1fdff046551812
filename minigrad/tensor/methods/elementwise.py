"""Operators, comparisons and functions of each element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray

from ... import ops
from ...engine.node import Variable
from ...ops.arithmetic import add_op, sub_op
from .method import in_place, method, reflected

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
    mul, mul_ = method(ops.mul), in_place(ops.mul)
    div, div_ = method(ops.div), in_place(ops.div)
    pow, pow_ = method(ops.pow), in_place(ops.pow)
    maximum = method(ops.maximum)
    minimum = method(ops.minimum)
    eq, eq_ = method(ops.eq), in_place(ops.eq)
    ne, ne_ = method(ops.ne), in_place(ops.ne)
    lt, lt_ = method(ops.lt), in_place(ops.lt)
    le, le_ = method(ops.le), in_place(ops.le)
    gt, gt_ = method(ops.gt), in_place(ops.gt)
    ge, ge_ = method(ops.ge), in_place(ops.ge)
    neg, neg_ = method(ops.neg), in_place(ops.neg)
    abs, abs_ = method(ops.abs), in_place(ops.abs)
    exp, exp_ = method(ops.exp), in_place(ops.exp)
    log, log_ = method(ops.log), in_place(ops.log)
    log1p, log1p_ = method(ops.log1p), in_place(ops.log1p)
    sqrt, sqrt_ = method(ops.sqrt), in_place(ops.sqrt)
    square, square_ = method(ops.square), in_place(ops.square)
    reciprocal, reciprocal_ = method(ops.reciprocal), in_place(ops.reciprocal)
    sin, sin_ = method(ops.sin), in_place(ops.sin)
    cos, cos_ = method(ops.cos), in_place(ops.cos)
    tanh, tanh_ = method(ops.tanh), in_place(ops.tanh)
    sigmoid, sigmoid_ = method(ops.sigmoid), in_place(ops.sigmoid)
    relu, relu_ = method(ops.relu), in_place(ops.relu)
    sign, sign_ = method(ops.sign), in_place(ops.sign)
    isnan = method(ops.isnan)
    isinf = method(ops.isinf)
    isfinite = method(ops.isfinite)
    logical_and, logical_and_ = method(ops.logical_and), in_place(ops.logical_and)
    logical_or, logical_or_ = method(ops.logical_or), in_place(ops.logical_or)
    logical_not, logical_not_ = method(ops.logical_not), in_place(ops.logical_not)
    bitwise_and, bitwise_and_ = method(ops.bitwise_and), in_place(ops.bitwise_and)
    bitwise_or, bitwise_or_ = method(ops.bitwise_or), in_place(ops.bitwise_or)
    bitwise_not, bitwise_not_ = method(ops.bitwise_not), in_place(ops.bitwise_not)
    clamp, clamp_ = method(ops.clamp), in_place(ops.clamp)

    def where(self, condition: Any, other: Any) -> Tensor:
        """``self`` where ``condition`` is true, else ``other``."""
        return ops.where(condition, self, other)
