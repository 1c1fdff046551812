"""Names for the values of a program: those of the model, of its optimiser's vectors and of the step's arguments."""

from __future__ import annotations

import builtins
import functools
import inspect
import keyword
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..optim.blocks import Block
from ..optim.optimizer import Optimizer
from .program import Instruction, Memory, Place, Program, Value
from .trees import fields_of, is_record

TAKEN = frozenset((*keyword.kwlist, *dir(builtins), "np", "out", "math"))
"""What a name in source must not be."""

SILENT = ("<", "by_", "apply", "derivative")
"""What functions begin with whose names say nothing about what they return."""

WORDS = {
    "add.reduce": "total", "maximum.reduce": "largest", "minimum.reduce": "least", "multiply.reduce": "product",
    "add": "added", "subtract": "difference", "multiply": "product", "matmul": "product", "divide": "quotient",
    "true_divide": "quotient", "negative": "opposite", "absolute": "size", "reciprocal": "inverse",
    "sqrt": "root", "maximum": "larger", "minimum": "smaller", "where": "chosen", "less": "is_less",
    "less_equal": "is_at_most", "greater": "is_greater", "greater_equal": "is_at_least", "equal": "is_equal",
    "not_equal": "is_other", "isfinite": "is_finite", "isnan": "is_nan", "__getitem__": "part", "transpose": "T",
    "swapaxes": "T", "reshape": "reshaped", "squeeze": "squeezed", "astype": "cast", "concatenate": "joined",
    "sub": "difference", "mul": "product", "div": "quotient", "neg": "opposite", "sum": "total",
    "abs": "size", "max": "largest", "min": "least",
}  # fmt: skip
"""What results are called that have no name, by the function or the operation: a noun, or a yes or no."""


def argument_names(function: Callable[..., Any], inputs: tuple[Any, ...]) -> dict[int, str]:
    """The names of the arguments of a call, by their numbers; an item of a list or dict is named ``x_key``."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return {}
    named: list[str] = []
    for number, given in enumerate(inputs):
        parameter = parameters[min(number, len(parameters) - 1)] if parameters else None
        if parameter is None:
            return {}
        variadic = parameter.kind is parameter.VAR_POSITIONAL
        named += leaf_names(f"{parameter.name}{number}" if variadic else parameter.name, given)
    return dict(enumerate(named))


def leaf_names(name: str, tree: Any) -> Iterator[str]:
    """A name for each thing in a tuple, list, dict or dataclass."""
    if isinstance(tree, (tuple, list)):
        keys: Any = getattr(tree, "_fields", range(len(tree)))
        for key, item in zip(keys, tree):
            yield from leaf_names(f"{name}_{key}", item)
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from leaf_names(f"{name}_{key}", item)
    elif is_record(type(tree)):
        yield from leaf_names(name, fields_of(tree))
    elif type(tree) is slice:
        yield from (f"{name}_{end}" for end in ("start", "stop", "step"))
    else:
        yield name


def identifier(text: str) -> str:
    """A name as one of Python's: ``fc1.weight`` is ``fc1_weight``, and ``0.weight``, of a chain, ``layer0_weight``."""
    word = re.sub(r"\W+", "_", text).strip("_") or "value"
    return f"layer{word}" if word[0].isdigit() else word


def name_of_place(place: Place, tensors: dict[int, str]) -> str:
    """The name of a place; that of an optimiser's vector has the name of its parameter, if it is of one alone."""
    block = place.owner_of(Block)
    if block is None:
        return place.name
    name = tensors.get(id(block.parameters[0]), "parameter") if len(block.parameters) == 1 else ""
    return f"{name}_{place.key}"


class UniqueNames:
    """Names that are all different: a number is added to what is taken.

    Args:
        taken: what no name may be.
        first: the number of the first one that is not as it was wanted.
    """

    def __init__(self, taken: Iterable[str] = (), first: int = 2) -> None:
        self.used, self.first = set(taken), first

    def new(self, wanted: str) -> str:
        """A name that nothing has yet."""
        name, number = wanted, self.first
        while name in self.used:
            name, number = f"{wanted}_{number}", number + 1
        self.used.add(name)
        return name


class Names:
    """A Python name for each value of a program.

    What comes from outside or is put somewhere has the name it has there: parameters and buffers that of the model,
    ``fc1_weight`` and ``bn1_running_mean``, gradients the same with ``_grad``, inputs those of the step's arguments.
    What is computed is named, when somebody asks, by its module and by what the operation calls it, ``bn1_xhat``; what
    an operation of a module returns by the module, ``fc1``, and its gradient ``d_fc1``.
    """

    def __init__(self, program: Program, taken: Iterable[str] = ()) -> None:
        self.unique = UniqueNames([*TAKEN, *taken])
        self.known: dict[Value, str] = {}
        self.of_memory: dict[Memory, str] = {}
        """The name of what has a memory first, for views that have none."""
        self.values = program.values
        for value, wanted in wanted_names(program):
            if value not in self.known:
                self.give(value, identifier(wanted))
        self.outputs = outputs_of_scopes(program)

    def give(self, value: Value, wanted: str) -> str:
        """Give a value a name like this."""
        self.known[value] = self.unique.new(wanted)
        self.of_memory.setdefault(value.memory, self.known[value])
        return self.known[value]

    def of(self, value: Value, maker: Instruction) -> str:
        """The name of a value that an instruction makes."""
        return self.known.get(value) or self.give(value, identifier(self.wanted(value, maker)))

    def wanted(self, value: Value, maker: Instruction) -> str:
        """What a value should be called."""
        path = path_of(maker.scope)
        if value.gradient_of is not None:
            of = self.values[value.gradient_of]
            whole = self.known.get(of) or self.of_memory.get(of.memory)
            if whole is not None:
                return f"d_{whole}"
        if value.is_output:
            name = WORDS.get(maker.returned_by, maker.returned_by) or value.word
            return "_".join(filter(None, (path, "" if path and len(self.outputs[maker.scope]) == 1 else name)))
        optimizer = counting_optimizer(maker)
        if optimizer is not None and isinstance(maker.results, list):
            return number_words(optimizer, len(maker.results))[maker.results.index(value)]
        function = function_word(maker.function)
        says = not maker.returned_by.startswith(SILENT) and not maker.returned_by.endswith("definition")
        returned_by = maker.returned_by if says else ""
        word = value.word or returned_by or WORDS.get(function, function)
        return "_".join(filter(None, (path, word.removeprefix("draw_"))))


def counting_optimizer(each: Instruction) -> Optimizer | None:
    """The optimiser whose numbers for a step a call of the host computes, or None."""
    function = getattr(each.function, "function", None)
    is_count = getattr(function, "__func__", None) is Optimizer._count_step
    return function.__self__ if is_count else None  # type: ignore[union-attr]


def number_words(optimizer: Optimizer, count: int) -> list[str]:
    """What the rule of an optimiser calls the numbers of a step, the first of which is the weight decay."""
    declared = optimizer.number_names
    words = declared if len(declared) == count - 1 else [f"number{i}" for i in range(1, count)]
    return ["decay", *words]


def outputs_of_scopes(program: Program) -> dict[Any, list[Value]]:
    """By the call of a module what its operations return."""
    found: dict[Any, list[Value]] = {}
    for each in program.instructions:
        found.setdefault(each.scope, []).extend(value for value in each.makes() if value.is_output)
    return found


def wanted_names(program: Program) -> Iterator[tuple[Value, str]]:
    """The values that come from outside or are put somewhere, each with the name it has there."""
    tensors = {id(place.holder): place.name for place, _ in program.states if place.key == "array"}
    yield from ((value, program.input_names.get(number, f"input{number}")) for number, value in program.inputs)
    yield from ((value, name_of_place(place, tensors)) for place, value in program.states)
    yield from ((value, f"constant{number}") for number, (_, value) in enumerate(program.constants))
    yield from ((value, place.name) for place, value in program.settings if value is not None)


def names_of(program: Program) -> dict[Value, str]:
    """A different Python name for each value that comes from outside or is put somewhere."""
    return Names(program).known


def function_word(function: Any) -> str:
    """``add.reduce``, ``matmul``, ``transpose``."""
    owner = getattr(function, "__self__", None)
    name = str(getattr(function, "__name__", type(function).__name__))
    if isinstance(owner, np.ufunc):
        return f"{owner.__name__}.{name}"
    return name if name[:2] == "__" else name.strip("_<>")


@functools.lru_cache(maxsize=1024)
def path_of(scope: Any) -> str:
    """The path of a module, without its class: ``fc1`` of ``fc1 (Linear)``."""
    path, _, kind = str(scope).partition(" (") if scope is not None else ("", "", "")
    return path if kind else ""
