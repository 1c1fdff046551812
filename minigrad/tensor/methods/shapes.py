"""Other shapes and orders of the same elements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import ops
from ...engine.errors import InvalidValueError
from ...engine.node import Variable, describe
from ...ops.splitting import split_into
from .method import in_place, method, shape_in_place

if TYPE_CHECKING:
    from ..tensor import Tensor


class ShapeMethods(Variable):
    """The methods of a tensor that move elements without computing."""

    __slots__ = ()

    reshape, reshape_as = method(ops.reshape), method(ops.views.reshape_as)
    view, view_as = method(ops.views.view), method(ops.views.view_as)
    flatten, unflatten, ravel = method(ops.flatten), method(ops.unflatten), method(ops.ravel)
    transpose, transpose_ = method(ops.transpose), shape_in_place(ops.transpose)
    swapdims, swapdims_ = method(ops.transpose), shape_in_place(ops.transpose, "swapdims")
    swapaxes, swapaxes_ = method(ops.swapaxes), shape_in_place(ops.swapaxes)
    t, t_ = method(ops.t), shape_in_place(ops.t)
    permute = method(ops.permute)
    movedim = moveaxis = method(ops.movedim)
    squeeze, squeeze_ = method(ops.squeeze), shape_in_place(ops.squeeze)
    unsqueeze, unsqueeze_ = method(ops.unsqueeze), shape_in_place(ops.unsqueeze)
    expand, expand_as, broadcast_to = method(ops.expand), method(ops.views.expand_as), method(ops.broadcast_to)
    sum_to_size = method(ops.views.sum_to_size)
    clone, contiguous = method(ops.clone), method(ops.views.contiguous)
    narrow, select, unfold = method(ops.narrow), method(ops.select), method(ops.unfolding.unfold)
    diagonal, diag = method(ops.diagonal), method(ops.diag)
    diag_embed, diagflat = method(ops.diag_embed), method(ops.diagflat)
    tril, tril_ = method(ops.tril), in_place(ops.tril)
    triu, triu_ = method(ops.triu), in_place(ops.triu)
    flip, fliplr, flipud = method(ops.flip), method(ops.fliplr), method(ops.flipud)
    roll, rot90 = method(ops.roll), method(ops.rot90)
    repeat, tile = method(ops.reordering.repeat), method(ops.tile)
    repeat_interleave = method(ops.repeat_interleave)
    split, tensor_split, chunk, unbind = (
        method(split_into),
        method(ops.tensor_split),
        method(ops.chunk),
        method(ops.unbind),
    )
    hsplit, vsplit, dsplit = method(ops.hsplit), method(ops.vsplit), method(ops.dsplit)

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The axes in reverse order: a matrix transposed."""
        return ops.permute(self, tuple(range(len(self.shape)))[::-1])

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two axes swapped: each matrix transposed."""
        if len(self.shape) < 2:
            raise InvalidValueError(f"mT: {describe(self)} has no matrices, which are the last two axes.")
        return ops.transpose(self, -2, -1)
