"""Reductions along axes, and what is computed with them."""

from __future__ import annotations

from ... import ops
from ...engine.node import Variable
from .method import method


class ReductionMethods(Variable):
    """The reductions of a tensor."""

    __slots__ = ()

    sum = method(ops.sum)
    nansum = method(ops.nansum)
    mean = method(ops.mean)
    nanmean = method(ops.nanmean)
    prod = method(ops.prod)
    var = method(ops.var)
    std = method(ops.std)
    max = method(ops.max)
    min = method(ops.min)
    amax = method(ops.amax)
    amin = method(ops.amin)
    aminmax = method(ops.aminmax)
    any = method(ops.any)
    all = method(ops.all)
    count_nonzero = method(ops.count_nonzero)
    norm = method(ops.norm)
    dist = method(ops.dist)
    trace = method(ops.trace)
    argmax = method(ops.argmax)
    argmin = method(ops.argmin)
    logsumexp = method(ops.logsumexp)
    softmax = method(ops.softmax)
    log_softmax = method(ops.log_softmax)
