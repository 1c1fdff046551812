"""Losses that are squares near 0 and straight lines far from it: outliers count less than in ``mse_loss``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.arguments import not_negative, real
from ...engine.faces import public
from ...engine.scope import call_path
from ..choosing import clamp
from .pairs import average_by, compare, l1_op, pairwise_loss
from .reduction import check_reduction, reduction_of
from .reduction import reduce as collect

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["huber_loss", "smooth_l1_loss"]


def rounded(d: Any, width: float) -> Any:
    """``d**2 / 2`` where ``|d|`` is less than the width, beyond it a line that goes on from there."""
    inside = np.minimum(np.absolute(d), width)
    return inside * (np.absolute(d) - inside / 2)


huber_op = pairwise_loss(
    "huber_loss",
    lambda x, t, delta: rounded(x - t, delta),
    lambda x, t, delta: clamp(x - t, -delta, delta),
    lambda x, t, delta: clamp(t - x, -delta, delta),
    doc="``(input - target)**2 / 2`` up to ``delta``, then ``delta * (|input - target| - delta / 2)``, reduced",
)
smooth_l1_op = pairwise_loss(
    "smooth_l1_loss",
    lambda x, t, beta: rounded(x - t, beta) / beta,
    lambda x, t, beta: clamp(x - t, -beta, beta) / beta,
    lambda x, t, beta: clamp(t - x, -beta, beta) / beta,
    doc="``(input - target)**2 / (2 beta)`` up to ``beta``, then ``|input - target| - beta / 2``, reduced",
)


@public("functional")
def smooth_l1_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """``d**2 / (2 * beta)`` where ``d = |input - target|`` is less than ``beta``, else ``d - beta / 2``.

    R. Girshick, Fast R-CNN, 2015.

    Args:
        input, target: predictions and what they should be, of one shape.
        size_average, reduce: deprecated, of PyTorch: use ``reduction``.
        reduction: "mean", "sum" or "none".
        beta: where the square ends; of 0 the loss is ``l1_loss``.

    >>> F.smooth_l1_loss(mg.tensor([0.5, 3.0]), mg.tensor([0.0, 0.0]), reduction="none")
    tensor([0.1250, 2.5000])
    """
    reduction = reduction_of("smooth_l1_loss", reduction, size_average, reduce)
    beta = real(beta, not_negative, f"smooth_l1_loss{call_path()}: beta must be a number of at least 0")
    return compare(smooth_l1_op, input, target, reduction, beta) if beta else compare(l1_op, input, target, reduction)


@public("functional")
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Tensor:
    """``d**2 / 2`` where ``d = |input - target|`` is less than ``delta``, else ``delta * (d - delta / 2)``.

    P. Huber, Robust estimation of a location parameter, 1964.

    Args:
        input, target: predictions and what they should be, of one shape.
        reduction: "mean", "sum" or "none".
        delta: where the square ends, greater than 0.
        weight: multiplies each element's loss, of the input's shape. The mean is then that of the products, as in
            PyTorch, whose ``mse_loss`` divides by the sum of the weights instead.

    >>> F.huber_loss(mg.tensor([0.5, 3.0]), mg.tensor([0.0, 0.0]), reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    check_reduction(reduction)
    delta = real(delta, lambda number: number > 0, f"huber_loss{call_path()}: delta must be a number greater than 0")
    if weight is None:
        return compare(huber_op, input, target, reduction, delta)
    return collect(average_by(huber_op, input, target, weight, "none", delta), reduction)
