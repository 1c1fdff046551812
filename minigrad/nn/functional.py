"""The layers and losses as functions, by PyTorch's names and with its arguments."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..ops import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    linear,
    log_softmax,
    mse_loss,
    nll_loss,
    relu,
    sigmoid,
    softmax,
    tanh,
)
from ..tensor.random import generator

# fmt: off
__all__ = [
    "batch_norm", "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "dropout", "l1_loss",
    "linear", "log_softmax", "mse_loss", "nll_loss", "relu", "sigmoid", "softmax", "tanh",
]


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Set each element to zero with probability ``p`` and divide the others by ``1 - p``.

    Without ``training`` the input is passed on. Random numbers come from the global random state.
    """
    return ops.dropout(input, p, generator) if training else input


def batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Normalise each channel of a batch (N, C, ...), then scale and shift it.

    Args:
        input: the batch, at least 2 axes; channels are axis 1.
        running_mean, running_var: running estimates (C,), both or None. In training they are moved in
            place by ``momentum`` towards the batch's mean and unbiased variance, in evaluation read.
        weight, bias: scale (gamma) and shift (beta), (C,) or None.
        training: normalise with the batch's own statistics.
        momentum: the weight of the new batch in the running estimates.
        eps: added to the variance; positive in training.

    Raises:
        ValueError, TypeError: for what cannot be normalised; the running estimates are unchanged then.
        RuntimeError: for running estimates that require grad.
    """
    return ops.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
