"""Tensors of evenly spaced numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.dtypes import get_default_dtype
from ...engine.errors import InvalidValueError
from ...ops.arguments import integers
from ..device import on_cpu
from .arguments import made, number

if TYPE_CHECKING:
    from ..tensor import Tensor

__all__ = ["arange", "linspace", "logspace"]


def arange(
    start: Any = None, end: Any = None, step: Any = 1, *,
    dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``start``, ``start + step``, ... below ``end``; ``arange(n)`` counts from 0. int64 for ints, else float32.

    Args:
        dtype, device, requires_grad: as of ``tensor``.

    Raises:
        ValueError: for a step of 0, or in the wrong direction.

    >>> mg.arange(2, 10, 3)
    tensor([2, 5, 8])
    """
    on_cpu(device)
    start, end = (0 if end is None or start is None else start), (start if end is None else end)
    start, end, step = number("start", start), number("end", end), number("step", step)
    if step == 0 or (end - start) * step < 0:
        raise InvalidValueError(f"arange: there is no way from {start} to {end} in steps of {step}.")
    array = np.arange(start, end, step)
    return made(array, get_default_dtype() if dtype is None and array.dtype.kind == "f" else dtype, requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included.

    Args:
        dtype, device, requires_grad: as of ``tensor``.

    >>> mg.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    on_cpu(device)
    return made(spaced(start, end, steps), dtype or get_default_dtype(), requires_grad)


def logspace(
    start: float, end: float, steps: int, base: float = 10.0, *,
    dtype: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """``steps`` powers of ``base``, with exponents evenly spaced from ``start`` to ``end``, both included.

    Args:
        dtype, device, requires_grad: as of ``tensor``.

    >>> mg.logspace(0, 3, 4, base=2)
    tensor([1., 2., 4., 8.])
    """
    on_cpu(device)
    powers = np.power(float(number("base", base)), spaced(start, end, steps))
    return made(powers, dtype or get_default_dtype(), requires_grad)


def spaced(start: Any, end: Any, steps: Any) -> Any:
    """Evenly spaced numbers in float64."""
    steps = integers("steps", (steps,))[0]
    if steps < 0:
        raise InvalidValueError(f"steps must be at least 0, got {steps}.")
    return np.linspace(number("start", start), number("end", end), steps)
