"""The two tables of forms, and terms that formulas are written with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph import Graph

Form = Callable[..., Any]

OPERATIONS: dict[str, Form] = {}
"""The forms of operations, by name."""

CALLS: dict[Any, Form] = {}
"""The forms of NumPy's functions and methods."""


def form(*names: Any) -> Callable[[Form], Form]:
    """Make a function the form of operations (by name) and of NumPy's functions."""

    def register(function: Form) -> Form:
        for name in names:
            table: dict[Any, Form] = OPERATIONS if isinstance(name, str) else CALLS
            table[name] = function
        return function

    return register


class Term:
    """A value that formulas are written with: operators and ``of`` add nodes."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, graph: Graph, name: str) -> None:
        self.graph, self.name = graph, name
        self.dtype = graph.dtypes[name]

    def other(self, operand: Any) -> str:
        """The name of another operand, in the same dtype."""
        return self.graph.read(operand.name if isinstance(operand, Term) else operand, self.dtype)

    def node(self, kind: str, *operands: Any, dtype: Any = None, **attributes: Any) -> Term:
        """A node of this and other operands."""
        names = [self.name, *map(self.other, operands)]
        return Term(self.graph, self.graph.node(kind, names, dtype or self.dtype, **attributes))

    def swapped(self, kind: str, operand: Any) -> Term:
        """A node whose first operand is the other one."""
        return Term(self.graph, self.graph.node(kind, [self.other(operand), self.name], self.dtype))

    def to(self, dtype: Any) -> Term:
        """In another dtype."""
        return Term(self.graph, self.graph.cast(self.name, dtype))

    def where(self, a: Any, b: Any) -> Term:
        """``a`` where this is true, else ``b``; one of them is a term."""
        dtype = a.dtype if isinstance(a, Term) else b.dtype
        names = [self.graph.read(x.name if isinstance(x, Term) else x, dtype) for x in (a, b)]
        return Term(self.graph, self.graph.node("Where", [self.name, *names], dtype))

    def __add__(self, other: Any) -> Term:
        return self.node("Add", other)

    def __sub__(self, other: Any) -> Term:
        return self.node("Sub", other)

    def __rsub__(self, other: Any) -> Term:
        return self.swapped("Sub", other)

    def __mul__(self, other: Any) -> Term:
        return self.node("Mul", other)

    def __truediv__(self, other: Any) -> Term:
        return self.node("Div", other)

    def __rtruediv__(self, other: Any) -> Term:
        return self.swapped("Div", other)

    def __neg__(self) -> Term:
        return self.node("Neg")

    def __abs__(self) -> Term:
        return self.node("Abs")

    def __lt__(self, other: Any) -> Term:
        return self.node("Less", other, dtype=bool)

    def __gt__(self, other: Any) -> Term:
        return self.node("Greater", other, dtype=bool)

    def __ge__(self, other: Any) -> Term:
        return self.node("GreaterOrEqual", other, dtype=bool)

    def __eq__(self, other: object) -> Any:
        return self.node("Equal", other, dtype=bool)

    def __or__(self, other: Any) -> Term:
        return self.node("Or", other, dtype=bool)

    def __invert__(self) -> Term:
        return self.node("Not", dtype=bool)


def by_formula(formula: Callable[..., Term]) -> Form:
    """The form of an elementwise function whose operands are computed in the dtype of its result."""

    def written(graph: Graph, result: Any, *operands: Any, **_: Any) -> str:
        dtype = result.dtype if result.dtype.kind != "b" else common(operands)
        return formula(*[Term(graph, graph.read(x, dtype)) for x in operands]).name

    return written


def common(operands: Any) -> np.dtype[Any]:
    """The dtype in which NumPy compares operands."""
    kinds = [getattr(x, "dtype", x) for x in operands]
    return np.result_type(*[1 if isinstance(x, bool) else x for x in kinds if isinstance(x, (np.dtype, int, float))])
