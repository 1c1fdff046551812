"""Elements taken along axes in an order that follows from shapes alone: padding and uneven windows need it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import Op
from ..kernels import taking as kernels
from ..kernels.taking import Taken
from .indexing import put


def each(x: Any, taken: Taken) -> Any:
    """The elements that are taken, along one axis after the other"""
    for axis, index in enumerate(taken.indices, len(x.shape) - len(taken.indices)):
        x = x if index is None else np.take(x, index, axis)
    return x if taken.along else x.copy()


def each_back(dy: Any, taken: Taken) -> Any:
    """Each element added where it comes from"""
    first = len(dy.shape) - len(taken.indices)
    for axis, (n, index) in enumerate(zip(taken.lengths, taken.indices), first):
        if index is not None:
            shape = (*dy.shape[:axis], n, *dy.shape[axis + 1 :])
            dy = put(dy, shape, (*(slice(None),) * axis, index))
    return dy if taken.along else dy.copy()


axes_taken: Op = Op(
    "take_axes",
    each,
    lambda dy, _y, _x, taken: axes_added(dy, taken),
    kernel=kernels.take,
    doc="elements taken along axes, also several times",
)
axes_added: Op = Op(
    "add_axes",
    each_back,
    lambda dy, _y, _x, taken: axes_taken(dy, taken),
    kernel=kernels.add,
    doc="each element added where ``take_axes`` takes it from: the transpose of that",
)
