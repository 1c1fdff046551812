"""How a loss of many elements becomes one number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.node import Variable, describe, no_tensor
from ..reductions import mean, sum

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str, cure: str = "") -> None:
    """Refuse an unknown reduction; ``cure`` goes behind the message."""
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        given = repr(reduction) if isinstance(reduction, str) else describe(reduction)
        raise ValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, got {given}.{cure}")


def reduce(losses: Any, reduction: str) -> Any:
    """The mean or the sum of all elements, or the elements themselves."""
    return losses if reduction == "none" else mean(losses) if reduction == "mean" else sum(losses)


def as_operand(value: Any, dtype: Any) -> Any:
    """What is no tensor or array (a number, nested lists) as an array; floats get ``dtype``."""
    if isinstance(value, (Variable, ndarray)):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(no_tensor(value))
    return array.astype(dtype) if array.dtype.kind == "f" else array
