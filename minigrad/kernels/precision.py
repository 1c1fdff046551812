"""Functions of many steps: in float64, whatever the dtype, and in blocks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .constants import float16, float32, float64
from .tuning import ELEMENTS_OF_A_BLOCK


def in_float64(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """The definition of an operation of one operand, which is computed in float64.

    Args:
        function: ``function(x, exact)`` of an array in float64; ``exact`` is False where the result will be rounded to
            float32 or less.

    The result has the dtype of the operand; that of integers stays float64.
    """

    def definition(input: Any) -> Any:
        dtype = input.dtype
        y = function(input.astype(float64, copy=False), dtype not in (float16, float32))
        return y.astype(dtype) if dtype.kind == "f" else y

    return definition


def in_blocks(definition: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The kernel of such an operation: as many elements at a time as stay in the cache over all steps."""

    @functools.wraps(definition)
    def kernel(x: Any) -> Any:
        if np.size(x) <= ELEMENTS_OF_A_BLOCK:
            return definition(x)
        elements = x.reshape(-1)
        blocks = [definition(elements[i : i + ELEMENTS_OF_A_BLOCK]) for i in range(0, x.size, ELEMENTS_OF_A_BLOCK)]
        return np.concatenate(blocks).reshape(x.shape)

    return kernel
