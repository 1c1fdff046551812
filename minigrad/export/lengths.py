"""Numbers of a program that change with the sizes of its inputs, found by comparison of several captures.

A model is captured with its example, once more for each size with that size greater by 1, and once with all sizes
changed. What is the same in all captures is a constant. An integer that grows in proportion is a ``Length``,
``2 * batch + 1`` say: its formula is found from all captures but the last one, and checked by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compile.program import Value
from .errors import Fixed

OTHERWISE = "is computed in other steps for another size"
"""Why captures cannot be read as one program."""


class Differing:
    """What is another in each capture: the values, in the order of the captures."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = values

    def __index__(self) -> int:
        raise Fixed(f"has a setting that changes with a size, such as {self.values[0]!r} and {self.values[-1]!r}")

    __int__ = __float__ = __bool__ = __neg__ = __index__


class Length(Differing):
    """An integer that changes with sizes.

    Args:
        values: what it is in each capture.
        factors: by the names of the sizes what each is multiplied with; None if there is no such formula.
        rest: what is added.
    """

    def __init__(self, values: Sequence[int], factors: dict[str, int] | None, rest: int) -> None:
        super().__init__(values)
        self.factors, self.rest = factors, rest

    @property
    def symbol(self) -> str | None:
        """The name of the size it is, if it is one."""
        if self.factors is None or self.rest or list(self.factors.values()) != [1]:
            return None
        return next(iter(self.factors))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Length) and list(self.values) == list(other.values)

    def __hash__(self) -> int:
        return hash(tuple(self.values))


class Sizes:
    """The sizes that change, by name, and their values in each capture.

    >>> from minigrad.export.lengths import Sizes
    >>> sizes = Sizes({"batch": 4})
    >>> sizes.captures
    [{'batch': 4}, {'batch': 5}, {'batch': 11}]
    >>> sizes.length([9, 11, 23]).factors
    {'batch': 2}
    """

    def __init__(self, example: dict[str, int]) -> None:
        self.example = example
        grown = [{**example, name: size + 1} for name, size in example.items()]
        self.captures = [example, *grown, {name: 2 * size + 3 for name, size in example.items()}] if example else [{}]

    def length(self, values: Sequence[int]) -> Length:
        """The formula of an integer that has these values in the captures."""
        first, *grown = values[: len(self.example) + 1]
        factors = {name: value - first for name, value in zip(self.example, grown) if value != first}
        rest = first - sum(factor * self.example[name] for name, factor in factors.items())
        last = sum(factor * self.captures[-1][name] for name, factor in factors.items()) + rest
        return Length(values, factors if last == values[-1] else None, rest)


class Parallel:
    """The captures of one model, read as one program."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.twins: dict[Value, tuple[Value, ...]] = {}
        """For each value of the first capture what it is in all of them."""
        self.shapes: dict[Value, tuple[Any, ...]] = {}
        """For each value of the first capture its shape, with a ``Length`` where it changes."""

    def merged(self, trees: Sequence[Any]) -> Any:
        """Arguments of the captures as those of one; what differs is a ``Length``, or ``Differing``."""
        first = trees[0]
        if len({type(tree) for tree in trees}) > 1:
            return Differing(trees)
        if type(first) is slice:
            return slice(*(self.merged([getattr(tree, end) for tree in trees]) for end in ("start", "stop", "step")))
        if type(first) in (tuple, list):
            if len({len(tree) for tree in trees}) > 1:
                return Differing(trees)
            return type(first)([self.merged(parts) for parts in zip(*trees)])
        if type(first) is dict:
            if any(tree.keys() != first.keys() for tree in trees):
                return Differing(trees)
            return {key: self.merged([tree[key] for tree in trees]) for key in first}
        if type(first) is Value:
            return self.value(tuple(trees))
        if all(equal(first, tree) for tree in trees[1:]):
            return first
        return self.sizes.length(trees) if type(first) is int else Differing(trees)

    def value(self, twins: tuple[Value, ...]) -> Value:
        """The value of the first capture that stands for those of all; refused if it is another's twin."""
        first = twins[0]
        if self.twins.setdefault(first, twins) != twins or len({len(value.shape) for value in twins}) > 1:
            raise Fixed(OTHERWISE)
        if first not in self.shapes:
            self.shapes[first] = self.merged([tuple(map(int, value.shape)) for value in twins])
        return first


def equal(a: Any, b: Any) -> bool:
    """Whether two arguments that are no arrays are the same."""
    try:
        return a is b or bool(a == b) or bool(a != a and b != b)
    except (ValueError, TypeError):
        return False
