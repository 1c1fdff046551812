"""Reductions along axes, and what is computed with them."""

from __future__ import annotations

from ... import ops
from ...engine.node import Variable
from .method import method


class ReductionMethods(Variable):
    """The reductions of a tensor."""

    __slots__ = ()

    sum = method(ops.sum)
    mean = method(ops.mean)
    prod = method(ops.prod)
    var = method(ops.var)
    std = method(ops.std)
    max = method(ops.max)
    min = method(ops.min)
    amax = method(ops.amax)
    amin = method(ops.amin)
    argmax = method(ops.argmax)
    argmin = method(ops.argmin)
    logsumexp = method(ops.logsumexp)
    softmax = method(ops.softmax)
    log_softmax = method(ops.log_softmax)
