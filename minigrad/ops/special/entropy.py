"""Logarithms as information theory has them: log odds, and products in which 0 times infinity is 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...engine.faces import public
from ...engine.op import Op
from ...kernels.constants import float64
from ...kernels.precision import in_float64
from ..arguments import TWO_OPERANDS
from ..choosing import where
from ..elementwise import elementwise
from ..functions import log
from ..reductions import widened

if TYPE_CHECKING:
    from ...tensor.tensor import Tensor

__all__ = ["logit", "xlogy"]

EVERYWHERE = "function method in_place special"

# -- log odds --------------------------------------------------------------------------------------


def log_odds(x: Any) -> Any:
    """``log(x / (1 - x))``; near 1/2 by the distance from it, which is exact."""
    near = np.absolute(x - 0.5) < 0.25
    ratio = np.where(near, 2 * x - 1, x) / (1 - x)
    return np.where(near, np.log1p(np.where(near, ratio, 0)), np.log(np.where(near, 1, ratio)))


def logit_definition(input: Any, eps: float | None) -> Any:
    """The log odds of ``input``, limited to ``eps`` and ``1 - eps``."""

    def limited(x: Any, _exact: bool) -> Any:
        return log_odds(x if eps is None else np.where(x < eps, eps, np.where(x > 1 - eps, 1 - eps, x)))

    return in_float64(limited)(input)


def slope_of_logit(dy: Any, _y: Any, x: Any, eps: float | None) -> Any:
    """``dy / (x (1 - x))``; outside of the domain NaN, outside of the limits 0."""
    low, high, beyond = (0, 1, np.nan) if eps is None else (eps, 1 - eps, 0)
    x = widened(x)
    return where((x >= low) & (x <= high), dy / (x * (1 - x)), beyond)


logit_op = Op("logit", logit_definition, slope_of_logit, doc="``log(x / (1 - x))``")


@public(EVERYWHERE)
def logit(input: Any, eps: float | None = None) -> Tensor:
    """``log(x / (1 - x))``, the inverse of sigmoid; NaN outside of 0 to 1.

    Args:
        input: the tensor.
        eps: limit x to ``eps`` and ``1 - eps`` before; the derivative is 0 beyond. None, or a negative number: do not.

    >>> mg.logit(mg.tensor([0.0, 0.25, 0.5]), eps=0.25)
    tensor([-1.0986, -1.0986,  0.0000])
    """
    return logit_op(input, None if eps is None or eps < 0 else float(eps))


# -- products with logarithms ----------------------------------------------------------------------


def product_with(logarithm: np.ufunc, one: int) -> Callable[[Any, Any], Any]:
    """The definition of ``input * logarithm(other)``; where ``input`` is 0 the logarithm of ``one``, which is 0."""

    def definition(input: Any, other: Any) -> Any:
        dtype = getattr(input, "dtype", None) or other.dtype
        safe = np.where((input == 0) & np.equal(other, other), one, other)
        y = input * logarithm(safe, dtype=float64)
        return y.astype(dtype) if dtype.kind == "f" else y

    return definition


xlogy: Op = elementwise(
    "xlogy",
    product_with(np.log, 1),
    lambda dy, _y, x, other: where((x == 0) & (other <= 0), 0, xlogy(dy, other)),
    lambda dy, _y, x, other: dy * (x / other),
    promotes=(0, 1),
    faces=EVERYWHERE,
    doc="``input * log(other)``, 0 where ``input`` is 0 and ``other`` is not NaN" + TWO_OPERANDS,
    example="mg.xlogy(mg.tensor([0.0, 0.5, 0.0]), mg.tensor([0.0, 0.5, mg.nan])) -> "
    "tensor([ 0.0000, -0.3466,     nan])",
)
xlog1py: Op = Op(
    "xlog1py",
    product_with(np.log1p, 0),
    lambda dy, _y, x, other: where((x == 0) & (other <= -1), 0, xlog1py(dy, other)),
    lambda dy, _y, x, other: dy * (x / (1 + other)),
    promotes=(0, 1),
    faces="special",
    doc="``input * log(1 + other)``, 0 where ``input`` is 0 and ``other`` is not NaN; accurate near 0" + TWO_OPERANDS,
    example="mg.special.xlog1py(mg.tensor([0.0, 2.0]), mg.tensor([-1.0, 1.0])) -> tensor([0.0000, 1.3863])",
)
entr = Op(
    "entr",
    in_float64(lambda x, _exact: np.where(x < 0, -np.inf, 0.0 - x * np.log(np.where(x > 0, x, 1)))),
    lambda dy, _y, x: -dy - dy * log(x),
    faces="special",
    doc="""``-x log(x)``, 0 at 0 and -inf below

    The entropy of a distribution is the sum over its probabilities, in nats.
    """,
    example="mg.special.entr(mg.tensor([0.0, 0.5, -1.0])) -> tensor([0.0000, 0.3466,   -inf])",
)
