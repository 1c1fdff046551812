"""Products of vectors and matrices."""

from __future__ import annotations

from ... import ops
from ...engine.node import Variable
from .method import in_place, method


class ProductMethods(Variable):
    """The products of a tensor with others."""

    __slots__ = ()

    matmul, mm, bmm, mv = method(ops.matmul), method(ops.mm), method(ops.bmm), method(ops.mv)
    dot, vdot, inner = method(ops.dot), method(ops.vdot), method(ops.inner)
    outer, ger, kron, cross = method(ops.outer), method(ops.ger), method(ops.kron), method(ops.cross)
    matrix_power = method(ops.matrix_power)
    addmm, addmm_ = method(ops.addmm), in_place(ops.addmm)
    addmv, addmv_ = method(ops.addmv), in_place(ops.addmv)
    addr, addr_ = method(ops.addr), in_place(ops.addr)
    addbmm, addbmm_ = method(ops.addbmm), in_place(ops.addbmm)
    baddbmm, baddbmm_ = method(ops.baddbmm), in_place(ops.baddbmm)
