"""Activations that are made of straight pieces. At a kink the derivative is PyTorch's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.arguments import real
from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.host import host
from ..engine.node import describe
from ..engine.op import Op, number
from ..engine.scope import call_path
from .arguments import shape_of
from .shapes import reshape

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "prelu",
    "relu6",
    "softshrink",
    "threshold",
]


def bent(input: Any, slope: Any) -> Any:
    """``x`` where it is positive, else ``slope * x``."""
    return np.where(input > 0, input, input * slope)


def bent_rule(dy: Any, _y: Any, x: Any, slope: Any) -> Any:
    """The gradient of the input of ``bent``."""
    return np.where(x > 0, dy, dy * slope)


leaky_relu = Op(
    "leaky_relu",
    lambda input, negative_slope=0.01: bent(input, negative_slope),
    lambda dy, _y, x, negative_slope: bent_rule(dy, None, x, negative_slope),
    numbers=True,
    faces="functional_inplace module",
    doc="""``x`` where it is positive, else ``negative_slope * x``; at 0 its derivative is ``negative_slope``

    A. Maas et al., Rectifier nonlinearities improve neural network acoustic models, 2013.

    Args:
        input: the tensor.
        negative_slope: the slope on the left of 0, a number.
    """,
    example="F.leaky_relu(mg.tensor([-5.0, 0.0, 5.0]), 0.1) -> tensor([-0.5000,  0.0000,  5.0000])",
)
hardtanh_op = Op(
    "hardtanh",
    lambda input, min_val=-1.0, max_val=1.0: np.minimum(np.maximum(input, min_val), max_val),
    lambda dy, _y, x, low, high: np.where((x <= low) | (x >= high), 0, dy),
    numbers=True,
    doc="``min(max(x, min_val), max_val)``; at the bounds its derivative is 0",
)


@public("functional_inplace module")
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """``min(max(x, min_val), max_val)``; at the bounds its derivative is 0.

    Args:
        input: the tensor.
        min_val, max_val: the bounds, numbers.

    Raises:
        ValueError: for a lower bound above the upper one.

    >>> F.hardtanh(mg.tensor([-2.0, 0.5, 2.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    min_val, max_val = number("hardtanh", "min_val", min_val), number("hardtanh", "max_val", max_val)
    if min_val > max_val:
        raise InvalidValueError(
            f"hardtanh{call_path()}: min_val {min_val!r} is greater than max_val {max_val!r}: exchange them."
        )
    return hardtanh_op(input, min_val, max_val)


relu6 = Op(
    "relu6",
    lambda input: np.minimum(np.maximum(input, 0), 6),
    lambda dy, _y, x: np.where((x <= 0) | (x >= 6), 0, dy),
    faces="functional_inplace module",
    doc="""``min(max(x, 0), 6)``; its derivative is 0 at 0 and 6

    A. Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010.
    """,
    example="F.relu6(mg.tensor([-1.0, 3.0, 8.0])) -> tensor([0., 3., 6.])",
)
hardsigmoid = Op(
    "hardsigmoid",
    lambda input: np.minimum(np.maximum(input + 3, 0), 6) / 6,
    lambda dy, _y, x: np.where((x > -3) & (x < 3), dy / 6, 0),
    faces="functional_inplace module",
    widens=True,
    doc="``min(max(x + 3, 0), 6) / 6``, a sigmoid of straight pieces; its derivative is 0 at -3 and 3",
    example="F.hardsigmoid(mg.tensor([-3.0, 0.0, 1.5, 3.0])) -> tensor([0.0000, 0.5000, 0.7500, 1.0000])",
)
hardswish = Op(
    "hardswish",
    lambda input: input * (np.minimum(np.maximum(input + 3, 0), 6) / 6),
    lambda dy, _y, x: np.where(x <= -3, 0, np.where(x < 3, dy * (x / 3 + 0.5), dy)),
    faces="functional_inplace module",
    widens=True,
    doc="""``x * hardsigmoid(x)``; its derivative is 0 at -3 and 1 at 3

    A. Howard et al., Searching for MobileNetV3, 2019.
    """,
    example="F.hardswish(mg.tensor([-1.5, 0.0, 1.5, 4.0])) -> tensor([-0.3750,  0.0000,  1.1250,  4.0000])",
)
hardshrink = Op(
    "hardshrink",
    lambda input, lambd=0.5: np.where((input >= -lambd) & (input <= lambd), 0, input),
    lambda dy, _y, x, lambd: np.where((x >= -lambd) & (x <= lambd), 0, dy),
    numbers=True,
    faces="function method functional module",
    doc="""``x``, but 0 where ``-lambd <= x <= lambd``, with derivative 0

    Args:
        input: the tensor.
        lambd: the half width of the interval that becomes 0, a number.
    """,
    example="F.hardshrink(mg.tensor([-1.0, -0.5, 0.25, 0.75])) -> tensor([-1.0000,  0.0000,  0.0000,  0.7500])",
)
softshrink_op = Op(
    "softshrink",
    lambda input, lambd=0.5: np.where(input > lambd, input - lambd, np.where(input < -lambd, input + lambd, input * 0)),
    lambda dy, _y, x, lambd: np.where((x >= -lambd) & (x <= lambd), 0, dy),
    numbers=True,
    doc="``x`` moved by ``lambd`` towards 0, where ``|x| <= lambd`` it is 0",
)


@public("functional module")
def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """``x`` moved by ``lambd`` towards 0; 0 where ``|x| <= lambd``, with derivative 0.

    Args:
        input: the tensor.
        lambd: how far, a number of at least 0.

    Raises:
        ValueError: for a negative lambd.

    >>> F.softshrink(mg.tensor([-1.0, 0.2, 1.0]))
    tensor([-0.5000,  0.0000,  0.5000])
    """
    if number("softshrink", "lambd", lambd) < 0:
        raise InvalidValueError(f"softshrink{call_path()}: lambd must be at least 0, got {lambd!r}.")
    return softshrink_op(input, lambd)


threshold = Op(
    "threshold",
    lambda input, threshold, value: np.where(input <= threshold, value, input),
    lambda dy, _y, x, threshold, value: np.where(x <= threshold, 0, dy),
    numbers=True,
    faces="functional_inplace module",
    doc="""``x`` where it is greater than ``threshold``, else ``value``, with derivative 0

    Args:
        input: the tensor.
        threshold: a number; at it the result is ``value``, too.
        value: a number.
    """,
    example="F.threshold(mg.tensor([0.5, 1.0, 1.5]), threshold=1.0, value=-9.0) -> tensor([-9.0000, -9.0000,  1.5000])",
)

# -- slopes that are learned, or drawn -----------------------------------------------------------

prelu_op = Op(
    "prelu",
    lambda input, weight: bent(input, weight),
    bent_rule,
    lambda dy, _y, x, _slope: np.where(x > 0, 0, dy * x),
    promotes=(0, 1),
    mixes=False,
    doc="``x`` where it is positive, else ``weight * x``",
)


@public("function method functional")
def prelu(input: Any, weight: Any) -> Tensor:
    """``x`` where it is positive, else ``weight * x``, with a slope that can be learned.

    K. He et al., Delving deep into rectifiers, 2015.

    Args:
        input: the tensor; its channels are axis 1.
        weight: one slope, () or (1,), or one for each channel, (C,), of the input's dtype.

    Raises:
        ValueError: for a weight of another shape.

    >>> F.prelu(mg.tensor([-2.0, 4.0]), mg.tensor([0.25]))
    tensor([-0.5000,  4.0000])
    """
    shape, slopes = shape_of(input), shape_of(weight)
    if len(slopes) > 1 or (slopes not in ((), (1,)) and slopes != shape[1:2]):
        raise InvalidValueError(
            f"prelu{call_path()}: input {shape} wants a weight (1,), or one for each channel, {shape[1:2]}, got "
            f"{describe(weight)}."
        )
    weight = reshape(weight, () if len(shape) < 2 else (1, -1, *(1,) * (len(shape) - 2)))
    return prelu_op(input, weight)


rrelu_op = Op(
    "rrelu",
    bent,
    bent_rule,
    None,
    doc="``x`` where it is positive, else x times a slope that is drawn for each element",
)


def rrelu(input: Any, lower: float, upper: float, training: bool, random: np.random.Generator) -> Any:
    """``x`` where it is positive, else x times a random slope; in evaluation times the mean of the two bounds."""
    lower, upper = (
        real(value, lambda number: True, f"rrelu{call_path()}: {name} must be a number")
        for name, value in (("lower", lower), ("upper", upper))
    )
    if lower > upper:
        raise InvalidValueError(f"rrelu{call_path()}: lower {lower!r} is greater than upper {upper!r}: exchange them.")
    if not training:
        return leaky_relu(input, (lower + upper) / 2)
    shape_of(input)
    return rrelu_op(input, host(draw_slopes, random, input.shape, lower, upper, input.dtype))


def draw_slopes(
    random: np.random.Generator, shape: tuple[int, ...], lower: float, upper: float, dtype: np.dtype[Any]
) -> Any:
    """Uniform numbers between the bounds, in the dtype."""
    return (lower + (upper - lower) * np.asarray(random.random(shape))).astype(dtype)
