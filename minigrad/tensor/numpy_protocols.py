"""NumPy's functions on tensors: ``np.exp(t)``, ``np.sum(t, axis=0)``, ``array @ t``.

A courtesy to users. The functions in the lists below are operations of minigrad, recorded. All others are NumPy's own:
they take the arrays of tensors outside any graph, and refuse a tensor that requires grad, since their result would
have no gradient. Nothing is turned into an array behind the graph's back.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..engine.modes import current
from ..engine.node import Variable, holds_tensors

UFUNCS: dict[Any, Callable[..., Any]] = {
    np.add: ops.add,
    np.subtract: ops.sub,
    np.multiply: ops.mul,
    np.true_divide: ops.div,
    np.power: ops.pow,
    np.matmul: ops.matmul,
    np.maximum: ops.maximum,
    np.minimum: ops.minimum,
    np.negative: ops.neg,
    np.absolute: ops.abs,
    np.exp: ops.exp,
    np.log: ops.log,
    np.sqrt: ops.sqrt,
    np.square: ops.square,
    np.reciprocal: ops.reciprocal,
    np.sin: ops.sin,
    np.cos: ops.cos,
    np.tanh: ops.tanh,
    np.sign: ops.sign,
    np.equal: ops.eq,
    np.not_equal: ops.ne,
    np.less: ops.lt,
    np.less_equal: ops.le,
    np.greater: ops.gt,
    np.greater_equal: ops.ge,
    np.logical_and: ops.logical_and,
    np.logical_or: ops.logical_or,
    np.logical_not: ops.logical_not,
    np.bitwise_and: ops.bitwise_and,
    np.bitwise_or: ops.bitwise_or,
    np.invert: ops.bitwise_not,
    np.isnan: ops.isnan,
    np.isinf: ops.isinf,
    np.isfinite: ops.isfinite,
}


def transpose(a: Any, axes: Any = None) -> Any:
    """NumPy's transpose: the axes reversed, or in the given order."""
    return ops.permute(a, tuple(range(a.ndim))[::-1] if axes is None else axes)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: lambda a, axis=None, keepdims=False: ops.sum(a, axis, keepdims),
    np.mean: lambda a, axis=None, keepdims=False: ops.mean(a, axis, keepdims),
    np.prod: lambda a, axis=None, keepdims=False: ops.prod(a, axis, keepdims),
    np.var: lambda a, axis=None, ddof=0, keepdims=False: ops.var(a, axis, ddof, keepdims),
    np.std: lambda a, axis=None, ddof=0, keepdims=False: ops.std(a, axis, ddof, keepdims),
    np.max: lambda a, axis=None, keepdims=False: ops.amax(a, axis, keepdims),
    np.min: lambda a, axis=None, keepdims=False: ops.amin(a, axis, keepdims),
    np.argmax: lambda a, axis=None, keepdims=False: ops.argmax(a, axis, keepdims),
    np.argmin: lambda a, axis=None, keepdims=False: ops.argmin(a, axis, keepdims),
    np.reshape: lambda a, shape: ops.reshape(a, shape),
    np.transpose: transpose,
    np.swapaxes: lambda a, axis1, axis2: ops.swapaxes(a, axis1, axis2),
    np.squeeze: lambda a, axis=None: ops.squeeze(a, axis),
    np.expand_dims: lambda a, axis: ops.unsqueeze(a, axis),
    np.broadcast_to: lambda array, shape: ops.expand(array, shape),
    np.concatenate: lambda arrays, axis=0: ops.cat(arrays, axis),
    np.stack: lambda arrays, axis=0: ops.stack(arrays, axis),
    np.where: lambda condition, x, y: ops.where(condition, x, y),
    np.clip: lambda a, a_min=None, a_max=None: ops.clamp(a, a_min, a_max),
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a: a.numel(),
}


def apply_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``np.exp(t)`` and the like; also what ``array + t`` becomes."""
    op = UFUNCS.get(ufunc) if method == "__call__" else None
    if op is not None and not kwargs:
        return op(*inputs)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    return outside_graph(name, getattr(ufunc, method), inputs, kwargs)


def apply_function(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """``np.sum(t, axis=0)`` and the like."""
    name = function.__name__
    operation = FUNCTIONS.get(function)
    if operation is None:
        return outside_graph(name, function, args, kwargs)
    try:
        inspect.signature(operation).bind(*args, **kwargs)
    except TypeError as error:
        if recorded(args, kwargs):
            raise TypeError(f"np.{name} on a tensor that requires grad: {error}.") from error
        return outside_graph(name, function, args, kwargs)
    return operation(*args, **kwargs)


def recorded(args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether there is a tensor of a graph among the arguments, and operations on it are recorded."""
    return current().recording and holds_tensors((*args, *kwargs.values()), in_graph=True)


def outside_graph(name: str, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """What NumPy's own function returns for the values of tensors."""
    if recorded(args, kwargs):
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
