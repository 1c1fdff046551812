"""How a loss of many elements becomes one number."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy import ndarray

from ...engine.errors import InvalidTypeError, InvalidValueError
from ...engine.faces import called
from ...engine.node import Variable, describe, no_tensor
from ...engine.scope import call_path
from ..reductions import mean, sum

REDUCTIONS = ("mean", "sum", "none")


def check_reduction(reduction: str, cure: str = "") -> None:
    """Refuse an unknown reduction; ``cure`` goes behind the message."""
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        given = repr(reduction) if isinstance(reduction, str) else describe(reduction)
        raise InvalidValueError(f"reduction must be one of {', '.join(map(repr, REDUCTIONS))}, got {given}.{cure}")


def reduction_of(name: str, reduction: str, size_average: Any, reduce: Any, stacklevel: int = 3) -> str:
    """The reduction that is meant, also by PyTorch's old switches, of which one that is not given counts as True.

    ``stacklevel`` leads a warning to who calls the loss.
    """
    if size_average is None and reduce is None:
        check_reduction(reduction)
        return reduction
    for switch, value in (("size_average", size_average), ("reduce", reduce)):
        if value is not None and not isinstance(value, (bool, np.bool_)):
            cure = f"pass reduction={value!r} by its name" if value in REDUCTIONS else "use reduction instead"
            raise InvalidTypeError(f"{name}{call_path()}: {switch} must be True or False, got {value!r}: {cure}.")
    meant = (
        "none"
        if reduce is not None and not reduce
        else "sum"
        if size_average is not None and not size_average
        else "mean"
    )
    warnings.warn(
        f"{name}{call_path()}: size_average and reduce are deprecated: pass reduction={meant!r}.",
        stacklevel=stacklevel,
    )
    return meant


def reduce(losses: Any, reduction: str) -> Any:
    """The mean or the sum of all elements, or the elements themselves."""
    return losses if reduction == "none" else mean(losses) if reduction == "mean" else sum(losses)


def as_operand(value: Any, dtype: Any) -> Any:
    """What is no tensor or array (a number, nested lists) as an array; floats get ``dtype``."""
    if isinstance(value, (Variable, ndarray)):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{called()}{no_tensor(value)}")
    return array.astype(dtype) if array.dtype.kind == "f" else array
