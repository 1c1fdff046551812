"""The layers and losses as functions, by PyTorch's names and with its arguments."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..ops import binary_cross_entropy as binary_cross_entropy
from ..ops import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from ..ops import cross_entropy as cross_entropy
from ..ops import l1_loss as l1_loss
from ..ops import linear as linear
from ..ops import log_softmax as log_softmax
from ..ops import mse_loss as mse_loss
from ..ops import nll_loss as nll_loss
from ..ops import relu as relu
from ..ops import sigmoid as sigmoid
from ..ops import softmax as softmax
from ..ops import tanh as tanh
from ..tensor.random import generator
from ..tensor.tensor import Tensor


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Tensor:
    """Set each element to zero with probability ``p`` and divide the others by ``1 - p``.

    Without ``training`` the input is passed on. Random numbers come from the global random state.
    """
    output: Tensor = ops.dropout(input, p, generator) if training else input
    return output


def batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None,
    training: bool = False, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
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
    output: Tensor = ops.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    return output
