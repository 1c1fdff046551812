"""Products of vectors and matrices."""

from __future__ import annotations

from ... import ops
from ...engine.node import Variable
from .method import in_place, method


class ProductMethods(Variable):
    """The products of a tensor and others."""

    __slots__ = ()

    matmul = method(ops.matmul)
    mm = method(ops.mm)
    bmm = method(ops.bmm)
    mv = method(ops.mv)
    dot = method(ops.dot)
    vdot = method(ops.vdot)
    inner = method(ops.inner)
    outer = ger = method(ops.outer)
    kron = method(ops.kron)
    cross = method(ops.cross)
    matrix_power = method(ops.matrix_power)
    addmm, addmm_ = method(ops.addmm), in_place(ops.addmm)
    addmv, addmv_ = method(ops.addmv), in_place(ops.addmv)
    addbmm, addbmm_ = method(ops.addbmm), in_place(ops.addbmm)
    baddbmm, baddbmm_ = method(ops.baddbmm), in_place(ops.baddbmm)
    addr, addr_ = method(ops.addr), in_place(ops.addr)
