"""The numbers of an optimiser's step as formulas of its settings: ``lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)``.

The rule's own ``numbers`` is run with floats that remember how they were computed.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from ..optim.optimizer import Optimizer
from .expressions import ATOM, POWER, PRODUCT, SUM, Expression
from .naming import UniqueNames, counting_optimizer, number_words
from .program import Instruction

OPERATORS: dict[str, tuple[Callable[[Any, Any], Any], str, int]] = {
    "add": (operator.add, " + ", SUM), "sub": (operator.sub, " - ", SUM), "mul": (operator.mul, " * ", PRODUCT),
    "truediv": (operator.truediv, " / ", PRODUCT), "pow": (operator.pow, "**", POWER),
}  # fmt: skip

SHORT = 14
"""Characters of a formula that is written where it is used; others have a line of their own."""


class Traced(float):
    """A number that knows how it was computed."""

    text: str
    level: int

    def __new__(cls, value: float, text: str, level: int = ATOM) -> Traced:
        """A number with its formula."""
        made = super().__new__(cls, value)
        made.text, made.level = text, level
        return made


def part(value: Any, least: int) -> str:
    """A part of a formula, in parentheses if it holds together less than the operator it stands at."""
    text, level = (value.text, value.level) if isinstance(value, Traced) else (repr(value), ATOM)
    return text if level >= least else f"({text})"


def traced_operator(name: str, is_reflected: bool) -> Callable[[Any, Any], Any]:
    """A method of ``Traced`` that computes and writes down."""
    function, sign, level = OPERATORS[name]

    def compute(self: Traced, other: Any) -> Any:
        if not isinstance(other, (int, float)):
            return NotImplemented
        left, right = (other, self) if is_reflected else (self, other)
        result = function(*(float(x) if isinstance(x, Traced) else x for x in (left, right)))
        to_the_right = level + (level != POWER)
        return Traced(result, f"{part(left, level + (level == POWER))}{sign}{part(right, to_the_right)}", level)

    return compute


for _name in OPERATORS:
    setattr(Traced, f"__{_name}__", traced_operator(_name, is_reflected=False))
    setattr(Traced, f"__r{_name}__", traced_operator(_name, is_reflected=True))


class TracedMath:
    """The module ``math``, whose functions write themselves down."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(math, name)

        def call(*args: Any) -> Any:
            return Traced(function(*args), f"math.{name}({', '.join(part(arg, 0) for arg in args)})")

        return call if callable(function) else function


def traced(method: MethodType) -> Callable[..., Any]:
    """A method that computes with ``TracedMath``."""
    function: Any = method.__func__
    names = {**function.__globals__, "math": TracedMath()}
    copied = FunctionType(function.__code__, names, function.__name__, function.__defaults__, function.__closure__)
    return functools.partial(copied, method.__self__)


class Formulas:
    """The lines and formulas of the numbers that optimisers compute for a step.

    Args:
        unique: the names of the text that they are for.

    Attributes:
        given: by name what the formulas need and cannot say: steps taken so far, numbers without a formula.
        settings: by name the settings that they read.
    """

    def __init__(self, unique: UniqueNames) -> None:
        self.unique = unique
        self.given: dict[str, Any] = {}
        self.settings: dict[str, float] = {}
        self.names: dict[Any, str] = {}
        """By what they stand for."""

    def name(self, key: Any, wanted: str, value: Any, table: dict[str, Any]) -> str:
        """The name of something that is known by a key, in a table of names."""
        if key not in self.names:
            self.names[key] = name = self.unique.new(wanted)
            table[name] = value
        return self.names[key]

    def of(self, each: Instruction, used: list[bool]) -> tuple[list[str], list[Expression]] | None:
        """The lines that come first, and a formula for each number that is used; None if it is no optimiser's.

        Args:
            each: a call of the host.
            used: which of its results the program needs.
        """
        optimizer = counting_optimizer(each)
        if optimizer is None:
            return None
        group, number = each.args
        block, settings = optimizer._blocks[group][number], optimizer._settings()[group]
        begins = (id(optimizer), "t", block.step) not in self.names
        t = self.name((id(optimizer), "t", block.step), "t", block.step, self.given)
        lines = [f"{t} += 1  # the number of this step"] * begins
        known = set(self.settings)
        numbers = self.numbers(optimizer, block, settings, Traced(block.step + 1, t))
        formulas, rest = [], []
        for word, value, is_used in zip(number_words(optimizer, len(numbers)), numbers, used):
            text, level = (value.text, value.level) if isinstance(value, Traced) else (repr(value), ATOM)
            if is_used and not self.holds(value, t, block.step + 1):
                text, level = self.name((id(block), word), word, float(value), self.given), ATOM
            elif is_used and len(text) > SHORT:
                begins = (id(optimizer), text) not in self.names
                name = self.name((id(optimizer), text), word, float(value), {})
                rest += [f"{name} = {text}"] * begins
                text, level = name, ATOM
            formulas.append(Expression(text if is_used else "", level))
        mentioned = " ".join([*(formula.text for formula in formulas), *rest])
        new = [name for name in self.settings if name not in known and mentions(mentioned, name)]
        for name in [name for name in self.settings if name not in known and name not in new]:
            del self.settings[name]
            self.names = {key: other for key, other in self.names.items() if other != name}
        if new:
            values = ", ".join(repr(self.settings[name]) for name in new)
            lines.append(f"{', '.join(new)} = {values}  # settings of {type(optimizer).__name__}")
        return [*lines, *rest], formulas

    def numbers(self, optimizer: Optimizer, block: Any, settings: Any, t: Traced) -> list[Any]:
        """What the rule computes for the next step of a block."""
        if optimizer.number_state:  # numbers that change from step to step
            kept = {**optimizer.number_state, **block.numbers}
            settings = {**settings, **optimizer.next_numbers(block.step + 1, {**settings, **kept})}
            return [settings.get("weight_decay", 0), *optimizer.numbers(block.step + 1, settings, [])]
        known = {key: self.setting(optimizer, key, value) for key, value in settings.items()}
        weight_decay = known.get("weight_decay", 0)
        if settings.get("decoupled_weight_decay"):
            weight_decay = weight_decay * known["lr"]
        new = [name for name, first in block.first_steps.items() if first == block.step + 1]
        rule: Any = optimizer.numbers
        return [weight_decay, *traced(rule)(t, known, new)]

    def setting(self, optimizer: Optimizer, key: str, value: Any) -> Any:
        """A setting that knows its name; of several numbers, ``betas``, each has one, ``beta1``."""
        if isinstance(value, (tuple, list)):
            single = key.removesuffix("s")
            return tuple(self.setting(optimizer, f"{single}{i}", item) for i, item in enumerate(value, 1))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return value
        return Traced(value, self.name((id(optimizer), key, value), key, value, self.settings))

    def holds(self, value: Any, t: str, step: int) -> bool:
        """Whether a formula gives the number."""
        if not isinstance(value, Traced):
            return isinstance(value, int)
        names = {"math": math, **self.settings, t: step}
        return bool(eval(value.text, names) == float(value))


def mentions(text: str, name: str) -> bool:
    """Whether a name is in a text."""
    return name in text.replace("(", " ").replace(")", " ").replace("**", " ").split()
