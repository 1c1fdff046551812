"""Comparisons and logic, element by element. Their results are booleans, which have no gradient."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import InvalidValueError
from ..engine.faces import public
from ..engine.node import array_of
from ..engine.op import Op
from ..kernels.constants import float64
from .arguments import TWO_OPERANDS, shape_of
from .elementwise import elementwise
from .reductions import widened

if TYPE_CHECKING:
    from ..tensor.tensor import Tensor

__all__ = [
    "allclose", "eq", "equal", "ge", "greater", "greater_equal", "gt", "isclose", "isfinite", "isin", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "le", "less", "less_equal", "logical_and", "logical_not", "logical_or",
    "logical_xor", "lt", "ne", "not_equal",
]  # fmt: skip

eq = elementwise(
    "eq",
    np.equal,
    doc="``input == other``, as booleans; NaN equals nothing" + TWO_OPERANDS,
    example="mg.eq(mg.tensor([1.0, 2.0, mg.nan]), mg.tensor([1.0, 3.0, mg.nan])) -> tensor([ True, False, False])",
)
ne = not_equal = elementwise(
    "ne",
    np.not_equal,
    aliases="not_equal",
    doc="``input != other``, as booleans; NaN differs from everything" + TWO_OPERANDS,
    example="mg.ne(mg.tensor([1.0, 2.0, mg.nan]), mg.tensor([1.0, 3.0, mg.nan])) -> tensor([False,  True,  True])",
)
lt = less = elementwise(
    "lt",
    np.less,
    aliases="less",
    doc="``input < other``, as booleans; false of NaN" + TWO_OPERANDS,
    example="mg.lt(mg.tensor([1.0, 2.0, 3.0]), 2) -> tensor([ True, False, False])",
)
le = less_equal = elementwise(
    "le",
    np.less_equal,
    aliases="less_equal",
    doc="``input <= other``, as booleans; false of NaN" + TWO_OPERANDS,
    example="mg.le(mg.tensor([1.0, 2.0, 3.0]), 2) -> tensor([ True,  True, False])",
)
gt = greater = elementwise(
    "gt",
    np.greater,
    aliases="greater",
    doc="``input > other``, as booleans; false of NaN" + TWO_OPERANDS,
    example="mg.gt(mg.tensor([1.0, 2.0, 3.0]), 2) -> tensor([False, False,  True])",
)
ge = greater_equal = elementwise(
    "ge",
    np.greater_equal,
    aliases="greater_equal",
    doc="``input >= other``, as booleans; false of NaN" + TWO_OPERANDS,
    example="mg.ge(mg.tensor([[1.0], [3.0]]), mg.tensor([1.0, 2.0])) -> tensor([[ True, False],\n"
    "        [ True,  True]])",
)
logical_and = elementwise(
    "logical_and",
    np.logical_and,
    doc="``input and other``, as booleans; a number is true unless it is 0" + TWO_OPERANDS,
    example="mg.logical_and(mg.tensor([2.0, 2.0, 0.0]), mg.tensor([1, 0, 0])) -> tensor([ True, False, False])",
)
logical_or = elementwise(
    "logical_or",
    np.logical_or,
    doc="``input or other``, as booleans; a number is true unless it is 0" + TWO_OPERANDS,
    example="mg.logical_or(mg.tensor([2.0, 2.0, 0.0]), mg.tensor([1, 0, 0])) -> tensor([ True,  True, False])",
)
logical_xor = elementwise(
    "logical_xor",
    np.logical_xor,
    doc="whether one of ``input`` and ``other`` is true (not 0), and not both" + TWO_OPERANDS,
    example="mg.logical_xor(mg.tensor([2.0, 2.0, 0.0]), mg.tensor([1, 0, 0])) -> tensor([False,  True, False])",
)
logical_not = elementwise(
    "logical_not",
    np.logical_not,
    doc="``not input``, as booleans: whether each element is 0",
    example="mg.logical_not(mg.tensor([0.0, 0.5, mg.nan])) -> tensor([ True, False, False])",
)

question = partial(Op, faces="function method")
"""What is asked of each element: no operation in place."""

isnan = question(
    "isnan",
    np.isnan,
    doc="whether each element is NaN, the only number that differs from itself",
    example="mg.isnan(mg.tensor([1.0, mg.inf, mg.nan])) -> tensor([False, False,  True])",
)
isinf = question(
    "isinf",
    np.isinf,
    doc="whether each element is plus or minus infinity",
    example="mg.isinf(mg.tensor([1.0, -mg.inf, mg.nan])) -> tensor([False,  True, False])",
)
isfinite = question(
    "isfinite",
    np.isfinite,
    doc="whether each element is neither NaN nor infinite",
    example="mg.isfinite(mg.tensor([1.0, -mg.inf, mg.nan])) -> tensor([ True, False, False])",
)
isposinf = question(
    "isposinf",
    lambda input: np.equal(input, np.inf),
    doc="whether each element is plus infinity",
    example="mg.isposinf(mg.tensor([mg.inf, -mg.inf, mg.nan])) -> tensor([ True, False, False])",
)
isneginf = question(
    "isneginf",
    lambda input: np.equal(input, -np.inf),
    doc="whether each element is minus infinity",
    example="mg.isneginf(mg.tensor([mg.inf, -mg.inf, mg.nan])) -> tensor([False,  True, False])",
)
isreal = question(
    "isreal",
    lambda input: np.ones_like(input, dtype=np.bool_),
    doc="true: all elements are real, also NaN",
    example="mg.isreal(mg.tensor([1.0, mg.nan])) -> tensor([True, True])",
)


@np.errstate(invalid="ignore", over="ignore")  # differences of infinities, which are equal or not close
def close(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """``|input - other| <= atol + rtol * |other|``, or both are the same infinity."""
    if not (rtol >= 0 and atol >= 0):
        raise InvalidValueError(f"rtol and atol must be at least 0, got {rtol} and {atol}.")
    a, b = [widened(x) if x.dtype.kind == "f" else x.astype(float64) for x in (input, other)]
    difference = np.absolute(a - b)
    near = (input == other) | (np.isfinite(difference) & (difference <= atol + np.absolute(b * rtol)))
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near


isclose = question(
    "isclose",
    close,
    promotes=(0, 1),
    doc="""whether ``|input - other| <= atol + rtol * |other|``, or both are the same infinity

    Args:
        input, other: tensors; shapes broadcast, dtypes promote.
        rtol: the relative tolerance, at least 0.
        atol: the absolute tolerance, at least 0: what counts beside an ``other`` of 0.
        equal_nan: whether NaN is close to NaN.
    """,
    example="mg.isclose(mg.tensor([1.0, 1.0, mg.inf]), mg.tensor([1.000001, 1.1, mg.inf])) -> "
    "tensor([ True, False,  True])",
)


@public("function method")
def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all elements are close: ``|input - other| <= atol + rtol * |other|``.

    Args:
        input: a tensor.
        other: a tensor; both broadcast.
        rtol: the relative tolerance, at least 0.
        atol: the absolute tolerance, at least 0.
        equal_nan: whether NaN is close to NaN.

    >>> mg.allclose(mg.tensor([1.0, 2.0]), mg.tensor([1.0, 2.00001]))
    True
    """
    return bool(array_of(isclose(input, other, rtol, atol, equal_nan)).all())


@public("function method")
def equal(input: Any, other: Any) -> bool:
    """Whether two tensors have one shape and the same elements.

    Args:
        input, other: of any dtypes, which are compared by value.

    >>> mg.equal(mg.tensor([1, 2]), mg.tensor([1, 2])), mg.equal(mg.ones(2), mg.ones(2, 1))
    (True, False)
    """
    return shape_of(input) == shape_of(other) and bool((array_of(input) == array_of(other)).all())


contained = Op(
    "isin",
    lambda elements, test_elements, assume_unique=False, invert=False: np.isin(
        elements, test_elements, assume_unique=assume_unique, invert=invert
    ),
    None,
    None,
    doc="whether each element of the first is among those of the second",
)


@public("function")
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is among others.

    Args:
        elements: a tensor, or a number.
        test_elements: what they are compared with, likewise.
        assume_unique: promise that neither holds an element twice, which is faster.
        invert: ask whether it is not.

    >>> mg.isin(mg.tensor([1, 2, 3]), mg.tensor([2, 5]))
    tensor([False,  True, False])
    """
    return contained(elements, test_elements, assume_unique, invert)
