"""Elements at an index of integers or a mask: taken, overwritten, added to."""

from __future__ import annotations

from ... import ops
from ...engine.node import Variable
from .method import in_place, method


class IndexingMethods(Variable):
    """The methods of a tensor that take elements at an index, or put values there."""

    __slots__ = ()

    gather, index_select = method(ops.gather), method(ops.index_select)
    take, take_along_dim = method(ops.take), method(ops.take_along_dim)
    masked_select = method(ops.masked_select)
    nonzero, argwhere = method(ops.nonzero), method(ops.argwhere)
    scatter, scatter_ = method(ops.scatter), in_place(ops.scatter)
    scatter_add, scatter_add_ = method(ops.scatter_add), in_place(ops.scatter_add)
    scatter_reduce, scatter_reduce_ = method(ops.scatter_reduce), in_place(ops.scatter_reduce)
    index_add, index_add_ = method(ops.index_add), in_place(ops.index_add)
    index_copy, index_copy_ = method(ops.index_copy), in_place(ops.index_copy)
    index_fill, index_fill_ = method(ops.index_fill), in_place(ops.index_fill)
    index_put, index_put_ = method(ops.index_put), in_place(ops.index_put)
    masked_fill, masked_fill_ = method(ops.masked_fill), in_place(ops.masked_fill)
    fill_diagonal_ = in_place(ops.putting.fill_diagonal)
