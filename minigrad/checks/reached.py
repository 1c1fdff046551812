"""What a function reaches besides its arguments: modules and constants of its closure and its globals."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
from numpy import ndarray

from ..engine.node import Memory
from ..nn.module import Module
from ..nn.snapshot import Snapshot
from ..tensor.tensor import Tensor

LIBRARIES = (__name__.partition(".")[0], "numpy")
"""Packages whose functions reach no module of the user's."""


def reached(function: Any) -> tuple[list[Module], list[Tensor]]:
    """The modules and the tensors outside any graph that a function names, as far as that can be seen.

    Looked through are closures, globals, defaults, bound methods, partial functions, lists, tuples, dicts, and the
    attributes of other objects that the function's code names.
    """
    modules: list[Module] = []
    tensors: list[Tensor] = []
    seen: set[int] = set()
    pending = [function]
    while pending:
        value = pending.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Module):
            modules.append(value)
        elif isinstance(value, Tensor):
            tensors += [value] if value.node is None else []
        else:
            pending += parts(value)
    return modules, tensors


def parts(value: Any) -> list[Any]:
    """What a value that is neither a module nor a tensor leads to."""
    if isinstance(value, FunctionType):
        module = value.__module__ or ""  # None if exec made it in globals without a name
        return [] if module.partition(".")[0] in LIBRARIES else variables(value)
    if isinstance(value, MethodType):
        own = value.__self__
        return [value.__func__, own, *getattr(own, "__dict__", {}).values()]
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, (list, tuple)) else []


def variables(function: FunctionType) -> list[Any]:
    """The values of the variables that a function takes from outside, and of their attributes that it names."""
    named = names(function.__code__)
    found = [function.__globals__[name] for name in named if name in function.__globals__]
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # not yet assigned
            found.append(cell.cell_contents)
    for value in found:  # grows: an attribute may have attributes
        attributes = {} if isinstance(value, (Module, Tensor)) else getattr(value, "__dict__", {})
        new = [attributes[name] for name in named if name in attributes]
        found += [item for item in new if not any(item is other for other in found)]
    return found + list(function.__defaults__ or ()) + list((function.__kwdefaults__ or {}).values())


def names(code: CodeType) -> set[str]:
    """The global names and attributes in a function's code and in that of the functions inside it."""
    inner = [names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


@contextlib.contextmanager
def untouched(function: Callable[..., Any]) -> Iterator[None]:
    """Give what a function reaches memory of its own for the block; after it all is as before, random numbers too."""
    found, tensors = reached(function) if not isinstance(function, Module) else ([], [])
    modules = [inner for module in found for inner in module.modules()]
    own = [leaf for module in found for leaf in (*module.parameters(), *module.buffers())]
    arrays = [value for module in modules for value in vars(module).values() if isinstance(value, ndarray)]
    before = [array.copy() for array in arrays]
    with Snapshot(modules, [*tensors, *own], random=True):
        for tensor in [*tensors, *own]:
            tensor.array, tensor.memory = tensor.array.copy(), Memory()
        try:
            yield
        finally:
            for array, values in zip(arrays, before):
                if not np.array_equal(array, values, equal_nan=array.dtype.kind == "f"):
                    array[...] = values
