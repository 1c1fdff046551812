"""``Expressions``: NumPy's calls as they are written by hand, ``x @ w.T + b`` for two calls of ufuncs and a view."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from .program import Instruction, Value
from .typed import Typed

ATOM, POWER, SIGN, PRODUCT, SUM, AND, OR, COMPARISON = 100, 90, 80, 70, 60, 50, 40, 30
"""How strongly parts of an expression hold together."""

INFIX: dict[Any, tuple[str, int]] = {
    np.matmul: ("@", PRODUCT), np.multiply: ("*", PRODUCT), np.divide: ("/", PRODUCT),
    np.floor_divide: ("//", PRODUCT), np.remainder: ("%", PRODUCT), np.add: ("+", SUM), np.subtract: ("-", SUM),
    np.bitwise_and: ("&", AND), np.bitwise_or: ("|", OR), np.equal: ("==", COMPARISON),
    np.not_equal: ("!=", COMPARISON), np.less: ("<", COMPARISON), np.less_equal: ("<=", COMPARISON),
    np.greater: (">", COMPARISON), np.greater_equal: (">=", COMPARISON),
}  # fmt: skip
"""Functions that have operators. Powers are written as calls: the operator takes other ways with some exponents."""

PREFIX = {np.negative: "-", np.invert: "~"}

REDUCTIONS = {np.add: "sum", np.multiply: "prod", np.maximum: "max", np.minimum: "min"}
"""The methods of arrays that reduce by a ufunc."""

EMPTY_VALUES = {np.maximum: -np.inf, np.minimum: np.inf}
"""What reductions may start from without a difference, unless there are no elements."""


class Expression(NamedTuple):
    """A text, and how strongly it holds together."""

    text: str
    level: int = ATOM

    def at(self, least: int) -> str:
        """The text, in parentheses if it holds together less than what it stands in."""
        return self.text if self.level >= least else f"({self.text})"


class Expressions(Typed):
    """Writes calls as expressions; ``expression_of`` says what stands for a value."""

    def expression_of(self, value: Value) -> Expression:
        """What stands for a value."""
        raise NotImplementedError

    def value(self, value: Value) -> str:
        """The text for a value where it stands alone."""
        return self.expression_of(value).text

    def operand(self, value: Any, least: int) -> str:
        """An operand of an operator."""
        if isinstance(value, Value):
            return self.expression_of(value).at(least)
        text = self.argument(value)
        return f"({text})" if text.startswith("-") and least > SIGN else text

    def expression(self, each: Instruction) -> Expression:
        """What a call computes, without what it writes to."""
        function = each.function
        args, kwargs = without_out(each)
        self.knows(function)
        if function in INFIX and len(args) == 2 and not kwargs:
            sign, level = INFIX[function]
            both = level + (level == COMPARISON)
            return Expression(f"{self.operand(args[0], both)} {sign} {self.operand(args[1], level + 1)}", level)
        if function in PREFIX and len(args) == 1 and not kwargs:
            return Expression(f"{PREFIX[function]}{self.operand(args[0], SIGN)}", SIGN)
        owner = getattr(function, "__self__", None)
        if owner in REDUCTIONS and function.__name__ == "reduce":
            return self.reduction(owner, args, kwargs)
        if getattr(function, "__objclass__", None) is ndarray:
            return self.method(function.__name__, args, kwargs)
        if function is np.concatenate:
            args, kwargs = args[:1], {"axis": args[1] if len(args) > 1 else 0, **kwargs}
        return Expression(f"{self.function(function)}({self.joined(args, kwargs)})")

    def joined(self, args: Any, kwargs: dict[str, Any]) -> str:
        """Arguments side by side."""
        return ", ".join([*map(self.argument, args), *(f"{key}={self.argument(x)}" for key, x in kwargs.items())])

    def method(self, word: str, args: Any, kwargs: dict[str, Any]) -> Expression:
        """A call of a method of arrays."""
        first, *rest = args
        text = self.operand(first, ATOM)
        if word == "__getitem__":
            return Expression(f"{text}[{self.index(rest[0])}]")
        if word in ("transpose", "swapaxes") and is_plain_transpose(first, rest):
            return Expression(f"{text}.T")
        if len(rest) == 1 and isinstance(rest[0], tuple) and word in ("reshape", "transpose"):
            rest = list(rest[0]) or [()]
        if word == "astype":
            kwargs = {key: value for key, value in kwargs.items() if key not in ("copy", "casting")}
        return Expression(f"{text}.{word}({self.joined(rest, kwargs)})")

    def reduction(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Expression:
        """A reduction as a method: ``x.sum(axis=0)``."""
        names = ("axis", "dtype", "out", "keepdims", "initial", "where")
        named = {"axis": 0, **dict(zip(names, args[1:])), **kwargs}
        axis, operand = named.pop("axis"), args[0]
        axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
        if named.get("initial") == EMPTY_VALUES.get(function, np.nan) and np.prod(operand.shape):
            del named["initial"]
        keeps = {"keepdims": True} if named.pop("keepdims", False) else {}
        given = {"axis": axis} if axis is not None else {}
        given |= keeps | {key: value for key, value in named.items() if value is not None}
        return Expression(f"{self.operand(operand, ATOM)}.{REDUCTIONS[function]}({self.joined((), given)})")


def is_plain_transpose(value: Any, axes: Any) -> bool:
    """Whether all axes are reversed, of a matrix or with no axes given."""
    axes = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple) else tuple(axes)
    return not axes or (len(value.shape) == 2 and tuple(axis % 2 for axis in axes) in ((0, 1), (1, 0)))


def without_out(each: Instruction) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call besides what it writes to."""
    kwargs = {key: value for key, value in each.kwargs.items() if key != "out"}
    args = list(each.args)
    if isinstance(each.function, np.ufunc):
        args = args[: each.function.nin]
    return args, kwargs
