"""The layers and losses as functions, by PyTorch's names and with its arguments.

Those that are operations are read from the operations' entries; the others have a mode and are defined here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from ..ops.table import functions
from ..tensor.random import generator

if TYPE_CHECKING:
    from ..ops import *  # noqa: F403
    from ..ops.losses import *  # noqa: F403
    from ..tensor.tensor import Tensor

globals().update(functions("functional"))


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


__all__ = ["batch_norm", "dropout", *functions("functional")]
