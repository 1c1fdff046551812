"""NumPy's functions on tensors: ``np.exp(t)``, ``np.sum(t, axis=0)``, ``array @ t``.

A courtesy to users. Those that operations name are these operations, recorded. All others are NumPy's own:
they take the arrays of tensors outside any graph, and refuse a tensor that requires grad, since their result would
have no gradient. Nothing is turned into an array behind the graph's back.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.faces import NUMPY
from ..engine.modes import current
from ..engine.node import Variable, holds_tensors, requires_grad

FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.numel(),
    **NUMPY,
}
"""For each of NumPy's functions that is one of minigrad's that one, with NumPy's own arguments."""

# fmt: off
LOOKING = {
    np.all, np.allclose, np.any, np.argsort, np.argwhere, np.array2string, np.array_equal, np.array_equiv,
    np.array_repr, np.array_str, np.can_cast, np.count_nonzero, np.digitize, np.empty_like, np.flatnonzero,
    np.full_like, np.isclose, np.iscomplexobj, np.isin, np.isrealobj, np.may_share_memory, np.nonzero, np.ones_like,
    np.result_type, np.save, np.savetxt, np.savez, np.savez_compressed, np.searchsorted, np.shares_memory, np.unique,
    np.zeros_like,
}
# fmt: on
"""Other functions of NumPy's that only look, at which elements there are, where, or whether they are equal: with them
no gradient is lost."""


def apply_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``np.exp(t)`` and the like; also what ``array + t`` becomes."""
    op = FUNCTIONS.get(ufunc) if method == "__call__" else None
    if op is not None and not kwargs:
        return op(*inputs)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    return outside_graph(name, getattr(ufunc, method), inputs, kwargs)


def apply_function(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """``np.sum(t, axis=0)`` and the like."""
    room = function.__module__.partition(".")[2]
    name = f"{room}.{function.__name__}" if room in ("linalg", "fft") else function.__name__
    operation = FUNCTIONS.get(function)
    if operation is None:
        return outside_graph(name, function, args, kwargs, function in LOOKING)
    try:
        inspect.signature(operation).bind(*args, **kwargs)
    except TypeError as error:
        if recorded(args, kwargs):
            raise TypeError(f"np.{name} on a tensor that requires grad: {error}.") from error
        return outside_graph(name, function, args, kwargs)
    return operation(*args, **kwargs)


def recorded(args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether there is a tensor of a graph among the arguments, and operations on it are recorded."""
    return current().recording and requires_grad((*args, *kwargs.values()))


def outside_graph(name: str, function: Any, args: Any, kwargs: dict[str, Any], looks: bool = False) -> Any:
    """What NumPy's own function returns for the values of tensors; ``looks`` if its result has no derivative."""
    if not looks and recorded(args, kwargs):
        raise TypeError(
            f"np.{name} is not recorded on tensors, so its result would have no gradient. Use an operation of "
            "minigrad, or take the values out of the graph first: t.detach().numpy()."
        )
    try:
        return function(*map(values_of, args), **{key: values_of(value) for key, value in kwargs.items()})
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise TypeError(f"np.{name}: {error}. NumPy never writes to a tensor: use t[...] = np.{name}(...).") from error


def values_of(value: Any) -> Any:
    """Read-only arrays for tensors, also inside lists and tuples."""
    if isinstance(value, Variable):
        view = value.array.view()
        view.flags.writeable = False
        return view
    if isinstance(value, (list, tuple)) and holds_tensors(value):
        return type(value)(map(values_of, value))
    return value
