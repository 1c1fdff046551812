"""Functions that are constant, or the identity, but for steps and single values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import Op
from .choosing import where
from .comparison import isfinite
from .elementwise import elementwise, flat

__all__ = ["angle", "heaviside", "nan_to_num"]


def angle_definition(input: Any) -> Any:
    """0 or pi, NaN of NaN; of integers in float64, as all functions of them"""
    x = input if input.dtype.kind == "f" else input.astype(np.float64)
    return np.where(x != x, x, (x < 0).astype(x.dtype) * math.pi)


angle = Op(
    "angle",
    angle_definition,
    flat,
    faces="function method",
    doc="the angle of a real number in the complex plane: pi if it is negative, else 0; its derivative is 0",
)
heaviside = elementwise(
    "heaviside",
    lambda input, values: np.where(input == 0, values, (input > 0).astype(input.dtype)),
    flat,
    lambda dy, _y, x, _values: where(x == 0, dy, 0),
    promotes=(0, 1),
    doc="0 where x is negative or NaN, 1 where it is positive, ``values`` where it is 0",
)


def finite(input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None) -> Any:
    """``input`` with numbers for what is none."""
    if input.dtype.kind != "f":
        return input.copy()
    limits = np.finfo(input.dtype)
    replaced = np.where(input == np.inf, limits.max if posinf is None else posinf, input)
    replaced = np.where(input == -np.inf, limits.min if neginf is None else neginf, replaced)
    return np.where(input != input, 0 if nan is None else nan, replaced)


nan_to_num = elementwise(
    "nan_to_num",
    finite,
    lambda dy, _y, x, *_: where(isfinite(x), dy, 0),
    numpy=np.nan_to_num,
    doc="x with ``nan`` (0) for NaN, ``posinf`` (the largest number of its dtype) for inf, ``neginf`` (the smallest) "
    "for -inf; its derivative there is 0",
)
