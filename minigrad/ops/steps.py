"""Functions that are constant, or the identity, but for steps and single values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.faces import public
from ..engine.op import Op
from .choosing import where
from .comparison import isfinite
from .elementwise import elementwise, flat

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

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
    example="mg.angle(mg.tensor([-2.0, 0.0, 3.0])) -> tensor([3.1416, 0.0000, 0.0000])",
)
heaviside = elementwise(
    "heaviside",
    lambda input, values: np.where(input == 0, values, (input > 0).astype(input.dtype)),
    flat,
    lambda dy, _y, x, _values: where(x == 0, dy, 0),
    promotes=(0, 1),
    doc="""0 where x is negative or NaN, 1 where it is positive, ``values`` where it is 0

    Args:
        input: the tensor.
        values: the results at 0, a tensor or a number; shapes broadcast, and it gets gradients.
    """,
    example="mg.heaviside(mg.tensor([-1.0, 0.0, 2.0]), mg.tensor(0.5)) -> tensor([0.0000, 0.5000, 1.0000])",
)


def finite(input: Any, nan: float | None, posinf: float | None, neginf: float | None) -> Any:
    """``input`` with numbers for what is none."""
    if input.dtype.kind != "f":
        return input.copy()
    limits = np.finfo(input.dtype)
    replaced = np.where(input == np.inf, limits.max if posinf is None else posinf, input)
    replaced = np.where(input == -np.inf, limits.min if neginf is None else neginf, replaced)
    return np.where(input != input, 0 if nan is None else nan, replaced)


finite_numbers = Op(
    "nan_to_num",
    finite,
    lambda dy, _y, x, _nan, _posinf, _neginf: where(isfinite(x), dy, 0),
    doc="x with numbers for NaN and infinities",
)


@public(
    "function method in_place",
    {np.nan_to_num: lambda op, x, nan=0.0, posinf=None, neginf=None: op(x, nan, posinf, neginf)},
)
def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """``input`` with numbers for what is none; the derivative there is 0.

    Args:
        input: the tensor; one of integers is copied.
        nan: the number for NaN; None: 0.
        posinf: the number for inf; None: the largest of the dtype.
        neginf: the number for -inf; None: the smallest of the dtype.

    >>> mg.nan_to_num(mg.tensor([mg.nan, 1.0, -mg.inf]), nan=5.0, neginf=-9.0)
    tensor([ 5.,  1., -9.])
    """
    return finite_numbers(input, nan, posinf, neginf)
