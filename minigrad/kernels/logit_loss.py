"""Binary cross entropy of logits on arrays."""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def logit_losses(x: ndarray, t: ndarray) -> ndarray:
    """``log(1 + exp(x)) - t x`` of each element, where that is finite; exp cannot overflow.

    Of an infinite logit whose target is right it is NaN instead of 0.
    """
    losses = (x > 0).astype(x.dtype) - t
    losses *= x
    z = np.asarray(np.absolute(x))
    np.negative(z, z)
    np.exp(z, z)
    np.log1p(z, z)
    losses += z
    return np.asarray(losses)
