"""Comparisons, logic and bits of each element."""

from __future__ import annotations

from ... import ops
from ...engine.node import Variable
from .method import in_place, method


class LogicMethods(Variable):
    """The methods of a tensor whose results are booleans or integers."""

    __slots__ = ()

    eq, eq_ = method(ops.eq), in_place(ops.eq)
    ne, ne_ = method(ops.ne), in_place(ops.ne)
    not_equal, not_equal_ = method(ops.ne), in_place(ops.ne)
    lt, lt_ = method(ops.lt), in_place(ops.lt)
    less, less_ = method(ops.lt), in_place(ops.lt)
    le, le_ = method(ops.le), in_place(ops.le)
    less_equal, less_equal_ = method(ops.le), in_place(ops.le)
    gt, gt_ = method(ops.gt), in_place(ops.gt)
    greater, greater_ = method(ops.gt), in_place(ops.gt)
    ge, ge_ = method(ops.ge), in_place(ops.ge)
    greater_equal, greater_equal_ = method(ops.ge), in_place(ops.ge)
    logical_and, logical_and_ = method(ops.logical_and), in_place(ops.logical_and)
    logical_or, logical_or_ = method(ops.logical_or), in_place(ops.logical_or)
    logical_xor, logical_xor_ = method(ops.logical_xor), in_place(ops.logical_xor)
    logical_not, logical_not_ = method(ops.logical_not), in_place(ops.logical_not)
    isnan = method(ops.isnan)
    isinf = method(ops.isinf)
    isfinite = method(ops.isfinite)
    isposinf = method(ops.isposinf)
    isneginf = method(ops.isneginf)
    isreal = method(ops.isreal)
    isclose = method(ops.isclose)
    allclose = method(ops.allclose)
    equal = method(ops.equal)
    bitwise_and, bitwise_and_ = method(ops.bitwise_and), in_place(ops.bitwise_and)
    bitwise_or, bitwise_or_ = method(ops.bitwise_or), in_place(ops.bitwise_or)
    bitwise_xor, bitwise_xor_ = method(ops.bitwise_xor), in_place(ops.bitwise_xor)
    bitwise_not, bitwise_not_ = method(ops.bitwise_not), in_place(ops.bitwise_not)
    bitwise_left_shift, bitwise_left_shift_ = method(ops.bitwise_left_shift), in_place(ops.bitwise_left_shift)
    bitwise_right_shift, bitwise_right_shift_ = method(ops.bitwise_right_shift), in_place(ops.bitwise_right_shift)
    gcd, gcd_ = method(ops.gcd), in_place(ops.gcd)
    lcm, lcm_ = method(ops.lcm), in_place(ops.lcm)
