"""Scans, sorting, quantiles and counting along axes."""

from __future__ import annotations

from ... import ops
from ...engine.node import Variable
from .method import in_place, method


class OrderingMethods(Variable):
    """What a tensor's elements come to one after the other, and in which order they are."""

    __slots__ = ()

    cumsum, cumsum_ = method(ops.cumsum), in_place(ops.cumsum)
    cumprod, cumprod_ = method(ops.cumprod), in_place(ops.cumprod)
    cummax = method(ops.cummax)
    cummin = method(ops.cummin)
    logcumsumexp = method(ops.logcumsumexp)
    diff = method(ops.diff)
    sort = method(ops.sort)
    argsort = method(ops.argsort)
    msort = method(ops.msort)
    topk = method(ops.topk)
    kthvalue = method(ops.kthvalue)
    mode = method(ops.mode)
    median = method(ops.median)
    nanmedian = method(ops.nanmedian)
    quantile = method(ops.quantile)
    nanquantile = method(ops.nanquantile)
    unique = method(ops.unique)
    unique_consecutive = method(ops.unique_consecutive)
    bincount = method(ops.bincount)
    histc = method(ops.histc)
    histogram = method(ops.histogram)
