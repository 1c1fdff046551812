"""Normalisation of each element by its neighbours in other channels.

A. Krizhevsky et al., ImageNet classification with deep convolutional neural networks, 2012.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.errors import InvalidValueError
from ...engine.faces import public
from ...engine.node import describe
from ...engine.op import widened
from ...engine.scope import call_path
from ..arithmetic import add_op
from ..functions import square
from ..indexing import getitem, placed
from ..shapes import in_dtype
from .layer_norm import check_input

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["local_response_norm"]


@public("functional")
def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """``x / (k + alpha * mean)**beta`` with the mean of the squares of ``size`` neighbouring channels.

    A. Krizhevsky et al., ImageNet classification with deep convolutional neural networks, 2012.

    Args:
        input: floats (N, C, ...), at least 3 axes. float16 is computed in float32.
        size: how many channels, from ``c - size // 2`` on; those that are not there count as 0.
        alpha, beta, k: of the formula.

    Raises:
        ValueError, TypeError: for fewer axes, a size of less than 1, and for what is not of floats.

    >>> F.local_response_norm(mg.tensor([[[2.0], [0.0]]]), 2, alpha=1.0, beta=1.0)
    tensor([[[0.6667],
             [0.0000]]])
    """
    shape = check_input("local_response_norm", input)
    if len(shape) < 3 or not isinstance(size, (int, np.integer)) or size < 1:
        raise InvalidValueError(
            f"local_response_norm{call_path()}: expected an input (N, C, ...) and a size of at least 1, got "
            f"{describe(input)} and {size!r}."
        )
    x, channels = widened(input), shape[1]
    padded = (shape[0], channels + size - 1, *shape[2:])
    squares = placed(square(x), padded, (slice(None), slice(size // 2, size // 2 + channels)))
    windows = (getitem(squares, (slice(None), slice(i, i + channels))) for i in range(size))
    return in_dtype(x / (reduce(add_op, windows) * (alpha / size) + k) ** beta, input.dtype)
