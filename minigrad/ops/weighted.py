"""Weighted sums of several operands in one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.faces import public
from ..engine.op import Op
from .elementwise import elementwise

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = ["addcdiv", "addcmul", "lerp"]


def times(product: Any, value: float) -> Any:
    """A term with its factor, which mostly is 1."""
    return product if value == 1 else product * value


addcmul_op = Op(
    "addcmul",
    lambda input, tensor1, tensor2, value: input + times(tensor1 * tensor2, value),
    lambda dy, _y, _x, _a, _b, value: dy,
    lambda dy, _y, _x, _a, b, value: dy * value * b,
    lambda dy, _y, _x, a, _b, value: dy * value * a,
    promotes=(0, 1, 2),
    doc="``input + value * tensor1 * tensor2``",
)
addcdiv_op = Op(
    "addcdiv",
    lambda input, tensor1, tensor2, value: input + times(np.true_divide(tensor1, tensor2), value),
    lambda dy, _y, _x, _a, _b, value: dy,
    lambda dy, _y, _x, _a, b, value: dy * value / b,
    lambda dy, _y, _x, a, b, value: -dy * value * (a / b) / b,
    promotes=(0, 1, 2),
    doc="``input + value * tensor1 / tensor2``",
)


@public("function method in_place")
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """``input + value * tensor1 * tensor2``

    Args:
        input: a tensor.
        tensor1: a tensor, or a number.
        tensor2: a tensor, or a number; all broadcast.
        value: a number, which has no gradient.

    >>> mg.addcmul(mg.ones(2), mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0]), value=0.5)
    tensor([2.5000, 5.0000])
    """
    return addcmul_op(input, tensor1, tensor2, value)


@public("function method in_place")
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
    """``input + value * tensor1 / tensor2``, where integers are divided as floats.

    Args:
        input: a tensor.
        tensor1: a tensor, or a number.
        tensor2: a tensor, or a number; all broadcast.
        value: a number, which has no gradient.

    >>> mg.addcdiv(mg.ones(2), mg.tensor([1.0, 2.0]), mg.tensor([4.0, 4.0]))
    tensor([1.2500, 1.5000])
    """
    return addcdiv_op(input, tensor1, tensor2, value)


def interpolated(input: Any, end: Any, weight: Any) -> Any:
    """``input + weight * (end - input)``, counted from the nearer of the two: at 0 and 1 it is exact."""
    step = np.subtract(end, input)
    return np.where(np.absolute(weight) < 0.5, input + weight * step, end - step * (1 - weight))


lerp = elementwise(
    "lerp",
    interpolated,
    lambda dy, _y, _a, _b, w: dy * (1 - w),
    lambda dy, _y, _a, _b, w: dy * w,
    lambda dy, _y, a, b, _w: dy * (b - a),
    promotes=(0, 1, 2),
    doc="""``input + weight * (end - input)``: ``input`` at a weight of 0, ``end`` at 1

    Args:
        input, end: tensors, or one of them a number; shapes broadcast.
        weight: a number or a tensor; beyond 0 and 1 it goes on along the line.""",
    example="mg.lerp(mg.tensor([0.0, 10.0]), 20.0, 0.25) -> tensor([ 5.0000, 12.5000])",
)
