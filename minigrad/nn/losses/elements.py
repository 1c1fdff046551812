"""Losses of each number of a prediction and a target."""

from __future__ import annotations

from typing import Any

from ... import ops
from .criterion import Criterion, Loss


class MSELoss(Loss, function=ops.mse_loss):
    """``(input - target)**2``; both of one shape.

    Args:
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.MSELoss()(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(2.)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class L1Loss(Loss, function=ops.l1_loss):
    """``|input - target|``; both of one shape.

    Args:
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.L1Loss()(mg.tensor([1.0, 3.0]), mg.tensor([1.0, 1.0]))
    tensor(1.)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class SmoothL1Loss(Loss, function=ops.smooth_l1_loss):
    """``d**2 / (2 * beta)`` where ``d = |input - target|`` is less than ``beta``, else ``d - beta / 2``.

    Args:
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.
        beta: where the square ends; of 0 the loss is ``L1Loss``.

    >>> nn.SmoothL1Loss(reduction="none")(mg.tensor([0.5, 3.0]), mg.tensor([0.0, 0.0]))
    tensor([0.1250, 2.5000])
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"
    beta: float = 1.0


class HuberLoss(Loss, function=ops.huber_loss):
    """``d**2 / 2`` where ``d = |input - target|`` is less than ``delta``, else ``delta * (d - delta / 2)``.

    P. Huber, Robust estimation of a location parameter, 1964.

    Args:
        reduction: "mean", "sum" or "none".
        delta: where the square ends, greater than 0.

    >>> nn.HuberLoss(reduction="none", delta=2.0)(mg.tensor([1.0, 3.0]), mg.tensor([0.0, 0.0]))
    tensor([0.5000, 4.0000])
    """

    reduction: str = "mean"
    delta: float = 1.0


class BCELoss(Loss, function=ops.binary_cross_entropy):
    """``-(target * log(input) + (1 - target) * log(1 - input))``: the binary cross entropy of probabilities.

    Args:
        weight: multiplies the losses, of a shape that broadcasts to theirs.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.BCELoss()(mg.tensor([0.5]), mg.tensor([1.0]))
    tensor(0.6931)
    """

    weight: Any = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class BCEWithLogitsLoss(Loss, function=ops.binary_cross_entropy_with_logits):
    """The binary cross entropy of logits, exact for those of any size.

    Args:
        weight: multiplies the losses, of a shape that broadcasts to theirs.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.
        pos_weight: multiplies the positive part.

    >>> nn.BCEWithLogitsLoss()(mg.tensor([0.0]), mg.tensor([1.0]))
    tensor(0.6931)
    """

    weight: Any = None
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"
    pos_weight: Any = None


class SoftMarginLoss(Loss, function=ops.soft_margin_loss):
    """``log(1 + exp(-target * input))`` with targets of 1 or -1, of the input's shape.

    >>> nn.SoftMarginLoss()(mg.tensor([0.0]), mg.tensor([1]))
    tensor(0.6931)
    """

    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class HingeEmbeddingLoss(Loss, function=ops.hinge_embedding_loss):
    """``x`` where the target is 1, ``max(0, margin - x)`` where it is -1: of distances.

    Args:
        margin: from where on a distance is large enough.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.HingeEmbeddingLoss(reduction="none")(mg.tensor([0.25, 0.25]), mg.tensor([1, -1]))
    tensor([0.2500, 0.7500])
    """

    margin: float = 1.0
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"


class KLDivLoss(Loss, function=ops.kl_div):
    """``t * (log(t) - input)``: how far a distribution, given by its logarithm, is from the target t, of its shape.

    S. Kullback, R. Leibler, On information and sufficiency, 1951.

    Args:
        reduction: "batchmean", the sum divided by the length of the first axis, which is the mean divergence of the
            rows; "mean" over all elements, "sum" or "none"; ``size_average`` and ``reduce`` are its old words.
        log_target: whether the target is a logarithm.

    >>> p = mg.tensor([[0.5, 0.5]])
    >>> nn.KLDivLoss(reduction="batchmean")(mg.log(p), p)
    tensor(0.)
    """

    _reductions = ("batchmean",)
    size_average: Any = None
    reduce: Any = None
    reduction: str = "mean"
    log_target: bool = False


class PoissonNLLLoss(Criterion, function=ops.poisson_nll_loss):
    """``exp(input) - target * input``: minus the logarithm of the probability of counts, but for a constant.

    Args:
        log_input: whether the input is the logarithm of the expected count; if not, the loss is
            ``input - target * log(input + eps)``.
        full: add Stirling's approximation of ``log(target!)`` where the target is greater than 1.
        eps: keeps the logarithm of an input of 0 finite.
        reduction: "mean", "sum" or "none"; ``size_average`` and ``reduce`` are its old words.

    >>> nn.PoissonNLLLoss()(mg.tensor([0.0]), mg.tensor([3.0]))
    tensor(1.)
    """

    log_input: bool = True
    full: bool = False
    size_average: Any = None
    eps: float = 1e-8
    reduce: Any = None
    reduction: str = "mean"

    def forward(self, log_input: Any, target: Any) -> Any:
        return self._compare(log_input, target)


class GaussianNLLLoss(Criterion, function=ops.gaussian_nll_loss, kw_only=True):
    """``(log(var) + (input - target)**2 / var) / 2``: minus the logarithm of a normal density, but for a constant.

    The variances have the input's shape, or that without its last axis, or length 1 along one axis; or are a number.

    Args:
        full: add the constant, ``log(2 pi) / 2``.
        eps: a smaller variance counts as this one, greater than 0.
        reduction: "mean", "sum" or "none".

    >>> nn.GaussianNLLLoss()(mg.tensor([1.0]), mg.tensor([3.0]), mg.tensor([1.0]))
    tensor(2.)
    """

    _operands = "input, target, var"
    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"

    def forward(self, input: Any, target: Any, var: Any) -> Any:
        return self._compare(input, target, var)
