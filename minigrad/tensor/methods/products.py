"""Products of vectors and matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import ops
from ...engine.errors import InvalidValueError
from ...engine.node import Variable
from .method import in_place, method

if TYPE_CHECKING:
    from ..tensor import Tensor


class ProductMethods(Variable):
    """The products of a tensor and others."""

    __slots__ = ()

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

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two axes swapped: every matrix transposed."""
        if len(self.shape) < 2:
            raise InvalidValueError(f"mT: expected matrices (..., n, m), got {self.shape}.")
        return ops.transpose(self, -2, -1)
