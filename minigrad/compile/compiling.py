"""``compile``: what users call."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from ..engine.node import Variable, describe
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from .execution import checked_backend
from .step import Compiled, CompiledModel

NO_MATTER = {
    "fullgraph": (True, False),
    "dynamic": (True, False, None),
    "mode": (None, "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"),
}
"""PyTorch's choices and their values, which are no matter: a step is always one program, and one for each shape."""


def compile(
    function: Callable[..., Any] | None = None, *, state: Iterable[Any] = (), backend: str | None = None,
    disable: bool = False, grads: bool = True, **choices: Any,
) -> Any:  # fmt: skip
    """A training step, or a model in evaluation, as a program that is written down once and then replayed.

    The first calls are ordinary ones, and are written down as calls of NumPy: forward, backward and the optimiser's
    step. Once two of them have made the same program, it runs instead of the Python around it: as C where a compiler is
    found, else with NumPy.

    ``print(step)`` says which programs there are, and why each was captured. ``print(step.source)`` is the latest to be
    read, in lines of NumPy with the model's names, which run by themselves with the arrays of ``step.given``;
    ``step.c_source`` is the C, ``step.program`` the list of instructions, and ``mg.draw(step)`` draws it.

    Args:
        function: a step, ``def train_step(x, target)``; or a model, in evaluation mode, for predictions. Without it,
            ``@mg.compile(state=[...])`` decorates.
        state: modules, optimisers and tensors that it reads and changes and that cannot be found. Those are found that
            are arguments, in its closure, in globals that its code names, attributes of the object whose method it is,
            and all these of functions of yours that it calls.
        backend: ``"c"``, ``"numpy"``, or None: C where it can be built, else NumPy, with one warning.
        disable: True returns the function itself.
        grads: False for a step whose gradients nobody reads after it: ``p.grad`` is None then, also before the next
            call, and C need not keep them.
        **choices: PyTorch's ``fullgraph``, ``dynamic`` and ``mode``, which are no matter here.

    Returns:
        A function with the same arguments: tensors and all else, in tuples, lists, dicts and dataclasses if you like.
        What it returns is new at each call, and outside of any graph; ``item()`` may be returned, computed with and
        formatted. ``p.grad`` is there after it as usual.

    What a program depends on: shapes and dtypes of the arguments, other arguments by value, the mode and the plain
    attributes of each module, which tensors require grad, settings of optimisers that are 0 or not, hooks, variables
    that are read by name. Each combination has a program of its own, up to 8; learning rates and other settings that
    are numbers, also those of schedules, are read at every call. A smaller last batch is a second program, and neither
    ``eval()`` nor ``train()`` forgets one. The logger ``minigrad.compile`` says why a step is captured again.

    What no capture can see, and the cure: numbers that Python reads from anywhere else (files, the clock, ``random``,
    objects inside of objects, globals of packages, attributes under a computed name) are what they were when the step
    was written down. Give them as arguments, keep them in an attribute of the model or a variable that the step names,
    draw with ``mg.rand``. Two captures, and a third at the hundredth call, must agree: what changes between them is
    refused, with the difference.

    What happens in captures only: ``print``, counting, appending to lists. What is seen of that is refused;
    ``mg.print`` prints at every call. A decision on a value, ``if loss < best``, is refused: return the value and
    decide outside, or choose by array, ``mg.where``. Under ``detect_anomaly``, and when a check refuses the inputs, the
    function runs as it is, with its own error.

    Raises:
        Refusal: at a call, for what no program can repeat, a decision on a value say, with the line and the cure.
            Parameters, statistics, gradients, optimiser and random state are then what they were before the call.
        TypeError, ValueError: for what is no function, and unknown back ends and choices.

    >>> model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))
    >>> optimizer = optim.Adam(model.parameters())
    >>> @mg.compile
    ... def step(x, target):
    ...     optimizer.zero_grad()
    ...     loss = F.cross_entropy(model(x), target)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> for _ in range(4):
    ...     loss = step(mg.randn(16, 2), mg.randint(0, 2, (16,)))
    >>> len(step.programs), loss.shape
    (1, ())
    """
    for name, given in (("disable", disable), ("grads", grads)):
        if given not in (True, False):
            raise TypeError(f"compile: {name} is True or False, got {given!r}.")
    check_choices(choices)
    checked_backend(backend)
    known = list(checked_state(state))
    if function is None:
        return functools.partial(compile, state=known, backend=backend, disable=disable, grads=grads)
    if disable:
        return function
    function = checked_function(function)
    kind = CompiledModel if isinstance(function, Module) else Compiled
    return kind(function, known, backend, grads)


def check_choices(choices: dict[str, Any]) -> None:
    """Refuse keyword arguments that are not PyTorch's, or that would do something else."""
    for name, value in choices.items():
        if name == "options":
            if value is not None:
                raise ValueError("compile: there are no options: choose the back end, backend='c' or 'numpy'.")
        elif name not in NO_MATTER:
            raise TypeError(f"compile() got an unexpected keyword argument {name!r}.")
        elif not any(value is known or value == known for known in NO_MATTER[name]):
            raise ValueError(f"compile: {name} is one of {', '.join(map(repr, NO_MATTER[name]))}, got {value!r}.")


def checked_state(state: Any) -> Iterable[Any]:
    """The things of the state; refused unless they are modules, optimisers and tensors."""
    if isinstance(state, (Module, Optimizer, Variable)) or not isinstance(state, Iterable):
        raise TypeError(f"compile: state is a list of modules, optimisers and tensors, got {describe(state)}.")
    for thing in state:
        if not isinstance(thing, (Module, Optimizer, Variable)):
            raise TypeError(
                f"compile: state is a list of modules, optimisers and tensors, got {describe(thing)} in it."
            )
        yield thing


def checked_function(function: Any) -> Any:
    """A function that can be compiled."""
    if isinstance(function, Compiled):
        return function._function
    if isinstance(function, type) or not callable(function):
        given = f"the class {function.__name__}" if isinstance(function, type) else describe(function)
        raise TypeError(f"compile takes a function or a model, got {given}: mg.compile(train_step).")
    kinds = inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction
    if any(ask(each) for ask in kinds for each in (function, type(function).__call__)):
        raise TypeError(
            "compile takes a function that returns, no generator or coroutine: compile the step inside of it."
        )
    return function
